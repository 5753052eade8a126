"""What Kafka says when something is wrong, in the words of the port."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from tintype.kernel.problem import Unavailable
from tintype.ports.events import ShutOut

_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - the library's own name for it
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
    }
)

STARTING = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)
"""What a broker says that is not ready yet, or not in charge any more."""


def unavailable(error: BaseException) -> Unavailable:
    """The problem for any failure that may pass."""
    return Unavailable(f"The event log does not answer: {error}")


def of_append(error: KafkaException) -> Exception:
    """What a failed append means."""
    reason = error.args[0]
    if isinstance(reason, KafkaError) and reason.code() in _FENCED:
        return ShutOut(str(reason))
    return unavailable(error)

"""The log of events on Kafka."""

from tintype.adapters.kafka.events import KafkaEvents
from tintype.adapters.kafka.settings import KafkaSettings

__all__ = ["KafkaEvents", "KafkaSettings"]

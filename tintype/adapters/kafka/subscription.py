"""One member of a consumer group, on a thread of its own.

Rebalances happen only inside ``batch``: what was handed out before is handled by then, so a
partition that leaves has its offset noted first.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tintype.adapters.kafka.faults import unavailable
from tintype.adapters.kafka.settings import KafkaSettings
from tintype.adapters.kafka.wire import record_of
from tintype.adapters.kafka.worker import Worker
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Batch, Delivered, Positions, RecordsLost

log = structlog.get_logger(__name__)

_MOST = 500
_PATIENCE_MS = 600_000
_LOOK_S = 5.0
_STEPS = 4
"""Steps of leaving a group that may take the whole timeout: a read under way is one of them."""
_GONE = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the library's own names
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001
        KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001
        KafkaError.OFFSET_OUT_OF_RANGE,
    }
)
T = TypeVar("T")


class KafkaSubscription:
    """See ``Subscription``. The first ``batch`` joins the group."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        log_name: Callable[[], str],
        positions: Positions | None,
    ) -> None:
        self._settings = settings
        self._group = group
        self._log_name = log_name
        self._positions = positions
        self._worker = Worker(f"kafka-{group}", _STEPS * settings.timeout_s)
        self._loop = asyncio.get_running_loop()
        self._consumer: Consumer | None = None
        self._log = ""
        self._looked_at = 0.0
        self._given: dict[int, int] = {}
        """Positions handed out, by partition that is ours."""
        self._done: dict[int, int] = {}
        """Offsets from which a rewind goes on."""
        self._ends: dict[int, int] = {}
        """Offsets behind everything there was, control records included."""
        self._ended: set[int] = set()
        """Partitions whose end came with what is being read, and is not noted yet."""
        self._lost = False
        self._torn = False
        self._closed = False
        self._fault: Exception | None = None

    async def batch(self, *, wait_s: float, linger_s: float = 0.0) -> Batch:
        """See ``Subscription``."""
        if self._torn:
            await self.rewind()
        try:
            return await self._call(lambda: self._read(wait_s, linger_s))
        except asyncio.CancelledError:
            # The thread reads on, and nobody takes what it gets.
            self._torn = True
            raise

    async def commit(self, batch: Batch) -> None:
        """Sent without waiting; the next one makes up for one that was lost."""
        await self._call(lambda: self._note(batch.reached))

    async def rewind(self) -> None:
        """Go back to what was noted, or to what ``positions`` says."""
        await self._call(self._go_back)
        self._torn = False

    async def close(self) -> None:
        """Leave the group in order, once the thread has finished what it does.

        If that takes too long the group finds out by this member's silence.
        """
        if not self._closed:
            self._closed = True
            await self._worker.end(self._leave)

    async def _call(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable
        try:
            return await self._worker.run(work, patient=True)
        except (KafkaException, TimeoutError) as error:
            raise unavailable(error) from error

    # What follows runs on the thread.

    def _joined(self) -> Consumer:
        if self._consumer is None:
            self._log = self._log_name()
            self._looked_at = time.monotonic()
            self._consumer = Consumer(
                self._settings.client(
                    {
                        "group.id": self._settings.group(self._group),
                        "enable.auto.commit": False,
                        "enable.partition.eof": True,
                        "auto.offset.reset": "error",
                        "isolation.level": "read_committed",
                        "partition.assignment.strategy": "cooperative-sticky",
                        "session.timeout.ms": self._settings.session_timeout_ms,
                        "heartbeat.interval.ms": self._settings.session_timeout_ms // 4,
                        "max.poll.interval.ms": _PATIENCE_MS,
                        "queued.max.messages.kbytes": 8_192,
                    }
                )
            )
            self._consumer.subscribe(
                [self._settings.topic],
                on_assign=self._assigned,
                on_revoke=self._revoked,
                on_lost=self._forget,
            )
        return self._consumer

    def _leave(self) -> None:
        consumer, self._consumer, self._fault = self._consumer, None, None
        if consumer is not None:
            with contextlib.suppress(KafkaException, RuntimeError):
                consumer.close()
        self._given, self._done, self._ends = {}, {}, {}

    def _read(self, wait_s: float, linger_s: float) -> Batch:
        try:
            consumer = self._joined()
            taken: list[Message] = []
            deadline = time.monotonic() + wait_s
            while not taken:
                first = consumer.poll(max(0.0, deadline - time.monotonic()))
                taken = self._good([first] if first is not None else [])
                if not taken and (self._lost or time.monotonic() >= deadline):
                    break
            if taken:
                taken += self._good(consumer.consume(_MOST - 1, timeout=linger_s))
            if taken or time.monotonic() - self._looked_at > _LOOK_S:
                self._look()
        except Exception:
            # Whatever state the member is in, joining anew begins at what was noted.
            self._leave()
            raise
        if self._lost:
            self._lost = False
            if self._given:
                self._go_back()
            raise RecordsLost
        batch = self._batch_of(taken)
        self._note_ends()
        return batch

    def _look(self) -> None:
        """Make sure that what was read is of the log that its positions belong to.

        The id of a topic is never used again, so being the same after reading is proof.
        """
        if self._log_name() != self._log:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_ID))
        self._looked_at = time.monotonic()

    def _batch_of(self, taken: Sequence[Message]) -> Batch:
        after = dict(self._given)
        records = []
        for message in taken:
            partition, offset = message.partition(), message.offset()
            # A partition that left during this very read belongs to somebody else now.
            if partition is None or offset is None or partition not in self._given:
                continue
            self._given[partition] = offset + 1
            records.append(Delivered(partition, offset + 1, record_of(message, self._log)))
        return Batch(self._log, records, after)

    def _good(self, messages: Sequence[Message]) -> list[Message]:
        if self._fault is not None:
            raise unavailable(self._fault) from self._fault
        taken = []
        for message in messages:
            error = message.error()
            if error is None:
                taken.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                self._at_end(message)
            elif error.code() in _GONE or error.fatal():
                raise KafkaException(error)
            else:
                log.info("kafka.consumer", group=self._group, error=str(error))
        return taken

    def _at_end(self, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if partition is None or offset is None or partition not in self._given:
            return
        # Noted later: records that came with it are not handed out yet, let alone handled.
        self._ends[partition] = offset
        self._ended.add(partition)

    def _note_ends(self) -> None:
        """Of the partitions that ended, tell the ends of those in which nothing is in hand."""
        ended, self._ended = self._ended & self._ends.keys(), set()
        self._send(
            {
                partition: self._ends[partition]
                for partition in ended
                if self._done.get(partition, -1) >= self._given.get(partition, 0)
            }
        )

    def _note(self, reached: dict[int, int]) -> None:
        found = {each: offset for each, offset in reached.items() if each in self._given}
        for partition, offset in found.items():
            self._done[partition] = offset
            if offset == self._given[partition]:
                found[partition] = max(offset, self._ends.get(partition, 0))
        self._send(found)

    def _send(self, offsets: dict[int, int]) -> None:
        if offsets and self._consumer is not None:
            with contextlib.suppress(KafkaException):
                self._consumer.commit(offsets=self._parts(offsets), asynchronous=True)

    def _go_back(self) -> None:
        if self._consumer is None or not self._given:
            return
        if self._positions is not None:
            self._done |= self._asked(list(self._given))
        self._given = {partition: self._done[partition] for partition in self._given}
        self._ends = {}
        for part in self._parts(self._given):
            self._consumer.seek(part)

    def _assigned(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        try:
            found = self._starts(consumer, parts)
        except Exception as error:  # noqa: BLE001 - raised once the library is out of its callback
            # Without an answer to the assignment the library would wait for one for ever.
            self._fault = error
            consumer.incremental_assign(parts)
            return
        consumer.incremental_assign(self._parts(found))
        self._given |= found
        self._done |= found

    def _starts(self, consumer: Consumer, parts: list[TopicPartition]) -> dict[int, int]:
        """The offsets at which to go on."""
        if self._positions is None:
            found = {
                # An offset of a topic that was wiped says nothing about the present one.
                each.partition: max(0, each.offset) if each.metadata == self._log else 0
                for each in consumer.committed(parts, timeout=self._settings.timeout_s)
            }
        else:
            found = self._asked([each.partition for each in parts])
        for part in parts:
            low, high = consumer.get_watermark_offsets(part, timeout=self._settings.timeout_s)
            start = found[part.partition]
            if start and not low <= start <= high:
                log.error("kafka.gap", group=self._group, at=start, low=low, high=high)
                self._lost = True
            found[part.partition] = min(max(start, low), high)
        return found

    def _revoked(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        done = {
            each.partition: self._done[each.partition]
            for each in parts
            if each.partition in self._done
        }
        if done:
            # The next member asks where to go on: this one is waited for.
            with contextlib.suppress(KafkaException):
                consumer.commit(offsets=self._parts(done), asynchronous=False)
        self._forget(consumer, parts)

    def _forget(self, consumer: Consumer, parts: list[TopicPartition]) -> None:
        try:
            consumer.incremental_unassign(parts)
        except KafkaException:
            consumer.unassign()  # the library waits for one or the other
        for part in parts:
            for known in (self._given, self._done, self._ends):
                known.pop(part.partition, None)

    def _asked(self, partitions: list[int]) -> dict[int, int]:
        if self._positions is None:
            return {}
        asked = _awaited(self._positions(self._log, partitions))
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop)
        return dict(answer.result(self._settings.timeout_s))

    def _parts(self, offsets: dict[int, int]) -> list[TopicPartition]:
        topic = self._settings.topic
        return [
            TopicPartition(topic, number, at, self._log) for number, at in sorted(offsets.items())
        ]


async def _awaited(asked: Awaitable[T]) -> T:
    return await asked

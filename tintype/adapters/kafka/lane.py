"""Appending exactly once: every append is a Kafka transaction that also notes how far it came.

The lane is a transactional id, so opening it ends and undoes whatever its former holder has under
way and shuts that one out. The note is a message in the lane's partition of the relay topic: the
number of the last record, and the name of the log. It commits together with the records or not at
all. A note of another log says nothing about this one.

Offsets of a group would do as notes, and did: but the library may block for ever in noting them
when the group's coordinator goes away (github.com/confluentinc/librdkafka/issues/5456), and every
append waited for one more part of the cluster.
"""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from tintype.adapters.kafka.faults import STARTING, of_append, unavailable
from tintype.adapters.kafka.settings import KafkaSettings
from tintype.adapters.kafka.wire import headers_of
from tintype.adapters.kafka.worker import Worker
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.ports.events import LONGEST_APPEND, Record

_PAUSE_S = 0.1
_TRANSACTION_MS = 10_000
_STEPS = 2
"""Steps of an append that may take the whole timeout, more or less."""
_LOOK_BACK = 64
"""How far from the end of its partition a note is looked for first: an append is a message and a
marker, and one that was undone leaves both."""

T = TypeVar("T")


class KafkaLane:
    """A lane that this process holds. One append at a time."""

    def __init__(self, settings: KafkaSettings, lane: int, log_name: Callable[[], str]) -> None:
        self.log = ""
        self.reached = 0
        self.doubtful: frozenset[Id] = frozenset()
        self._settings = settings
        self._lane = lane
        self._log_name = log_name
        # Every step keeps to the timeout by itself, or should.
        self._worker = Worker(f"kafka-lane-{lane}", _STEPS * settings.timeout_s)
        self._closed = False
        self._producer: Producer | None = Producer(
            settings.client(
                {
                    "transactional.id": f"{settings.prefix}.lane.{lane}",
                    "transaction.timeout.ms": _TRANSACTION_MS,
                    "acks": "all",
                    # The one that Kafka's own clients use, so that a key has one partition for all.
                    "partitioner": "murmur2_random",
                    "linger.ms": 0,
                    "compression.type": "lz4",
                }
            )
        )

    @classmethod
    async def open(
        cls, settings: KafkaSettings, lane: int, log_name: Callable[[], str]
    ) -> KafkaLane:
        """Shut the former holder out, then read what it noted last. ``log_name`` may block."""
        opened = cls(settings, lane, log_name)
        try:
            await opened._call(opened._take)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def append(self, records: Sequence[Record]) -> None:
        """See ``Lane``."""
        if len(records) > LONGEST_APPEND:
            message = f"{len(records)} records in one append; at most {LONGEST_APPEND}"
            raise ValueError(message)
        if records:
            await self._call(lambda producer: self._append(producer, records))
            self.reached = records[-1].number

    async def close(self) -> None:
        """An append under way is waited for, unless it has been for too long already."""
        if not self._closed:
            self._closed = True
            await self._worker.end(self._release)

    async def _call(self, work: Callable[[Producer], T]) -> T:
        producer = self._producer
        if self._closed or producer is None:
            raise Unavailable
        try:
            return await self._worker.run(lambda: work(producer))
        except KafkaException as error:
            raise of_append(error) from error
        except TimeoutError as error:
            raise unavailable(error) from error

    def _release(self) -> None:
        # The library's own threads are waited for here, and not on the event loop.
        self._producer = None

    def _take(self, producer: Producer) -> None:
        producer.init_transactions(self._settings.timeout_s)
        # Before the note: a log that is replaced meanwhile is one that this lane does not lead to.
        self.log = self._log_name()
        reader = Consumer(
            self._settings.client(
                {
                    "group.id": self._settings.group("relay"),
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                }
            )
        )
        try:
            note = self._once_started(lambda: self._note(reader))
            if note is None:
                earlier = self._once_started(lambda: self._earlier_note(reader))
                self.doubtful = _unpacked(earlier.metadata or "")
            elif note[0] == self.log:
                self.reached = note[1]
        finally:
            reader.close()

    def _note(self, reader: Consumer) -> tuple[str, int] | None:
        """The name of the log and the number in the newest note; ``None``: there is none."""
        low, high = reader.get_watermark_offsets(self._at(), timeout=self._settings.timeout_s)
        start, back = high, _LOOK_BACK
        while start > low:
            start, back = max(low, high - back), back * 16
            if (found := self._newest(reader, start)) is not None:
                return found
        return None

    def _newest(self, reader: Consumer, start: int) -> tuple[str, int] | None:
        deadline = time.monotonic() + self._settings.timeout_s
        reader.assign([self._at(start)])
        found = None
        while True:
            message = reader.poll(max(0.0, deadline - time.monotonic()))
            if message is None:
                said = "the notes of the relay"
                raise TimeoutError(said)
            error = message.error()
            if error is None:
                log, _, number = (message.value() or b"").decode().rpartition(" ")
                found = log, int(number)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                return found
            else:
                raise KafkaException(error)

    def _earlier_note(self, reader: Consumer) -> TopicPartition:
        """That of an earlier version: an offset whose metadata lists what was appended."""
        (note,) = reader.committed([self._at()], timeout=self._settings.timeout_s)
        if note.error is not None:
            raise KafkaException(note.error)
        return note

    def _once_started(self, ask: Callable[[], T]) -> T:
        """The answer of a cluster that may just have started, and is given time to find it."""
        deadline = time.monotonic() + self._settings.timeout_s
        while True:
            try:
                return ask()
            except KafkaException as error:
                if error.args[0].code() not in STARTING or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)

    def _append(self, producer: Producer, records: Sequence[Record]) -> None:
        refused: list[Any] = []
        producer.begin_transaction()
        for record in records:
            producer.produce(
                self._settings.topic,
                record.payload,
                str(record.key).encode(),
                headers=headers_of(record, self.log),
                timestamp=record.at_ms,
                on_delivery=lambda error, _: refused.append(error) if error else None,
            )
        producer.produce(
            self._settings.relay_topic,
            f"{self.log} {records[-1].number}".encode(),
            str(self._lane).encode(),
            partition=self._lane,
            on_delivery=lambda error, _: refused.append(error) if error else None,
        )
        producer.commit_transaction(self._settings.timeout_s)
        if refused:
            # A commit after a refusal fails by itself; this is only for a library that thinks not.
            raise unavailable(KafkaException(refused[0]))

    def _at(self, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._settings.relay_topic, self._lane, offset)


def _unpacked(text: str) -> frozenset[Id]:
    packed = base64.b85decode(text)
    return frozenset(struct.unpack(f">{len(packed) // 8}q", packed))

"""Appending exactly once: every append is a Kafka transaction that also notes what it held.

The lane is a transactional id, so opening it ends and undoes whatever its former holder has under
way and shuts that one out. The note is an offset of the lane's partition of the relay topic, whose
metadata lists the ids of the records; it commits together with them or not at all.
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
_MOST_METADATA = 4096
"""What brokers take as the metadata of an offset unless told otherwise (kafka.apache.org,
``offset.metadata.max.bytes``): 400 ids of 8 bytes are 4 000 characters in base 85."""

T = TypeVar("T")


class KafkaLane:
    """A lane that this process holds. One append at a time."""

    def __init__(self, settings: KafkaSettings, lane: int) -> None:
        self._settings = settings
        self._lane = lane
        # Every step keeps to the timeout by itself, or should.
        self._worker = Worker(f"kafka-lane-{lane}", _STEPS * settings.timeout_s)
        self._closed = False
        self._number = 0
        self.last: frozenset[Id] = frozenset()
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
        self._group: Any = None

    @classmethod
    async def open(cls, settings: KafkaSettings, lane: int) -> KafkaLane:
        """Shut the former holder out, then read what it noted last."""
        opened = cls(settings, lane)
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
            self.last = frozenset(record.id for record in records)

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

    def _release(self) -> None:
        # The library's own threads are waited for here, and not on the event loop.
        self._producer = None

    def _take(self, producer: Producer) -> None:
        producer.init_transactions(self._settings.timeout_s)
        reader = Consumer(
            self._settings.client(
                {
                    "group.id": self._settings.group("relay"),
                    "enable.auto.commit": False,
                }
            )
        )
        try:
            self._group = reader.consumer_group_metadata()
            note = self._noted(reader)
        finally:
            reader.close()
        if note.error is not None:
            raise KafkaException(note.error)
        if note.offset >= 0:
            self._number = note.offset
            self.last = _unpacked(note.metadata or "")

    def _noted(self, reader: Consumer) -> TopicPartition:
        """The lane's note; a cluster that has just started is given time to find its own notes."""
        deadline = time.monotonic() + self._settings.timeout_s
        while True:
            try:
                (note,) = reader.committed([self._at()], timeout=self._settings.timeout_s)
            except KafkaException as error:
                if error.args[0].code() not in STARTING or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return note

    def _append(self, producer: Producer, records: Sequence[Record]) -> None:
        refused: list[Any] = []
        producer.begin_transaction()
        for record in records:
            producer.produce(
                self._settings.topic,
                record.payload,
                str(record.key).encode(),
                headers=headers_of(record),
                timestamp=record.at_ms,
                on_delivery=lambda error, _: refused.append(error) if error else None,
            )
        self._number += 1
        note = self._at(self._number, _packed([record.id for record in records]))
        producer.send_offsets_to_transaction([note], self._group, self._settings.timeout_s)
        producer.commit_transaction(self._settings.timeout_s)
        if refused:
            # A commit after a refusal fails by itself; this is only for a library that thinks not.
            raise unavailable(KafkaException(refused[0]))

    def _at(self, offset: int = OFFSET_INVALID, metadata: str = "") -> TopicPartition:
        return TopicPartition(self._settings.relay_topic, self._lane, offset, metadata)


def _packed(ids: Sequence[Id]) -> str:
    text = base64.b85encode(struct.pack(f">{len(ids)}q", *ids)).decode()
    if len(text) > _MOST_METADATA:
        message = f"a note of {len(text)} characters"
        raise ValueError(message)
    return text


def _unpacked(text: str) -> frozenset[Id]:
    packed = base64.b85decode(text)
    return frozenset(struct.unpack(f">{len(packed) // 8}q", packed))

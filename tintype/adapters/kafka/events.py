"""``Events`` and ``Lanes`` on Kafka: one topic partitioned by key, one consumer group per group."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import structlog
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # not in its stubs

from tintype.adapters.kafka.faults import unavailable
from tintype.adapters.kafka.lane import KafkaLane
from tintype.adapters.kafka.settings import KafkaSettings
from tintype.adapters.kafka.subscription import KafkaSubscription
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Ends, Positions

log = structlog.get_logger(__name__)

T = TypeVar("T")


class KafkaEvents:
    """The log on a Kafka cluster. Every call leaves the event loop alone while it waits."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(settings.client())
        self._asking = threading.Lock()
        self._readers: dict[str, Consumer] = {}
        self._closed = False

    async def set_up(self) -> None:
        """Make the topics that are missing; those that exist are left as they are.

        Raises:
            Unavailable: the cluster does not answer.
        """
        await self._call(self._make_topics)

    def subscribe(
        self, group: str, kinds: Collection[str], *, positions: Positions | None = None
    ) -> KafkaSubscription:
        """See ``Events``. Every kind is delivered: the topic is one, and groups read it whole."""
        del kinds
        return KafkaSubscription(self._settings, group, self.log_name, positions)

    async def open_lane(self, lane: int) -> KafkaLane:
        """See ``Lanes``; topics that are missing are made first, after a wiped cluster too."""
        await self.set_up()
        return await KafkaLane.open(self._settings, lane, self.log_name)

    async def ends(self) -> Ends:
        return await self._call(self._ends)

    async def all_read(self, ends: Ends, groups: Collection[str]) -> bool:
        return await self._call(lambda: self._all_read(ends, groups))

    async def lag(self, groups: Collection[str]) -> Mapping[str, int]:
        return await self._call(lambda: self._lag(groups))

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._forget_readers)

    def log_name(self) -> str:
        """The id that the cluster gave the topic when it was made. Blocks; raises like Kafka."""
        asked = self._admin.describe_topics(
            TopicCollection([self._settings.topic]), request_timeout=self._settings.timeout_s
        )
        return str(asked[self._settings.topic].result(self._settings.timeout_s).topic_id)

    async def _call(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable
        try:
            return await asyncio.to_thread(work)
        except (KafkaException, TimeoutError) as error:
            raise unavailable(error) from error

    def _make_topics(self) -> None:
        wanted = self._settings.topics()
        there = self._admin.list_topics(timeout=self._settings.timeout_s).topics
        fresh = [
            NewTopic(name, partitions, self._settings.replicas, config=config)
            for name, (partitions, config) in wanted.items()
            if name not in there
        ]
        for name, made in (self._admin.create_topics(fresh) if fresh else {}).items():
            try:
                made.result(self._settings.timeout_s)
            except KafkaException as error:
                # Another process starts at the same time.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
            else:
                log.info("kafka.topic_made", topic=name)
        for name, (partitions, _) in wanted.items():
            if name in there and (found := len(there[name].partitions)) != partitions:
                # Never changed by us: keys would move, and with them the order of their events.
                log.warning("kafka.partitions", topic=name, found=found, configured=partitions)

    def _ends(self) -> Ends:
        heads = self._heads()
        # Asked last: what was read before belongs to the log of this name.
        return Ends(self.log_name(), heads)

    def _all_read(self, ends: Ends, groups: Collection[str]) -> bool:
        for group in groups:
            reached = self._reached(group, list(ends.positions))
            if any(reached.get(number, 0) < end for number, end in ends.positions.items()):
                return False
        return self.log_name() == ends.log

    def _lag(self, groups: Collection[str]) -> dict[str, int]:
        heads = self._heads()
        found = {group: self._reached(group, list(heads)) for group in groups}
        return {
            group: sum(max(0, head - reached.get(each, 0)) for each, head in heads.items())
            for group, reached in found.items()
            if reached
        }

    def _heads(self) -> dict[int, int]:
        """The end of every partition, whatever part of it is committed."""
        topic = self._settings.topic
        with self._asking:
            reader = self._reader("relay")
            found = reader.list_topics(topic, timeout=self._settings.timeout_s).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            heads = {}
            for number in found.partitions:
                _, heads[number] = reader.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=self._settings.timeout_s
                )
            return heads

    def _reached(self, group: str, partitions: Sequence[int]) -> dict[int, int]:
        """How far a group has come, by partition; nowhere where it never read."""
        parts = [TopicPartition(self._settings.topic, number) for number in partitions]
        with self._asking:
            noted = self._reader(group).committed(parts, timeout=self._settings.timeout_s)
        for each in noted:
            if each.error is not None:
                raise KafkaException(each.error)
        return {each.partition: each.offset for each in noted if each.offset >= 0}

    def _reader(self, group: str) -> Consumer:
        """One that never joins the group, and asks about it as its readers do.

        An administrator's questions end the whole process when the group's coordinator goes away
        at the wrong moment (an assertion in librdkafka 2.16, ``rd_kafka_enq_once``).
        """
        if group not in self._readers:
            self._readers[group] = Consumer(
                self._settings.client(
                    {
                        "group.id": self._settings.group(group),
                        "enable.auto.commit": False,
                        # A transaction that was just committed counts: its mark comes later, and
                        # an end before it would let go of what nobody has read.
                        "isolation.level": "read_uncommitted",
                    }
                )
            )
        return self._readers[group]

    def _forget_readers(self) -> None:
        with self._asking:
            readers, self._readers = self._readers, {}
            for reader in readers.values():
                reader.close()

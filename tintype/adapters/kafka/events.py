"""``Events`` and ``Lanes`` on Kafka: one topic partitioned by key, one consumer group per group."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import structlog
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
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

    @functools.cached_property
    def _reader(self) -> Consumer:
        """One that belongs to no group: it is only asked."""
        return Consumer(self._settings.client({"group.id": self._settings.group("relay")}))

    def _all_read(self, ends: Ends, groups: Collection[str]) -> bool:
        reached = self._reached(groups, list(ends.positions))
        read = all(
            offsets.get(number, 0) >= end
            for offsets in reached.values()
            for number, end in ends.positions.items()
        )
        return read and self.log_name() == ends.log

    def _lag(self, groups: Collection[str]) -> dict[str, int]:
        heads = self._heads()
        return {
            group: sum(max(0, head - offsets.get(each, 0)) for each, head in heads.items())
            for group, offsets in self._reached(groups, list(heads)).items()
            if offsets
        }

    def _heads(self) -> dict[int, int]:
        """The end of every partition, whatever part of it is committed.

        Asked as a reader does: the library ends the whole process when an administrator's question
        for offsets meets a topic that has no leader for as long as it may take.
        """
        topic = self._settings.topic
        with self._asking:
            described = self._reader.list_topics(topic, timeout=self._settings.timeout_s)
            found = described.topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            heads = {}
            for number in found.partitions:
                _, heads[number] = self._reader.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=self._settings.timeout_s
                )
            return heads

    def _reached(
        self, groups: Collection[str], partitions: Sequence[int]
    ) -> dict[str, dict[int, int]]:
        """How far each group has come, by partition; one that never read has come nowhere."""
        parts = [TopicPartition(self._settings.topic, number) for number in partitions]
        asked = {
            group: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(self._settings.group(group), parts)],
                request_timeout=self._settings.timeout_s,
            )[self._settings.group(group)]
            for group in groups
        }
        return {
            group: {
                each.partition: each.offset
                for each in found.result(self._settings.timeout_s).topic_partitions
                if each.offset >= 0
            }
            for group, found in asked.items()
        }

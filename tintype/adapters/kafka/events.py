"""``Events`` and ``Lanes`` on Kafka: one topic partitioned by key, one consumer group per group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import structlog
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined] # two are not in its stubs

from tintype.adapters.kafka.faults import unavailable
from tintype.adapters.kafka.lane import KafkaLane
from tintype.adapters.kafka.settings import KafkaSettings
from tintype.adapters.kafka.subscription import KafkaSubscription
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Positions

log = structlog.get_logger(__name__)

T = TypeVar("T")


class KafkaEvents:
    """The log on a Kafka cluster. Every call leaves the event loop alone while it waits."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(settings.client())
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
        return await KafkaLane.open(self._settings, lane)

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

    def _lag(self, groups: Collection[str]) -> dict[str, int]:
        topic = self._settings.topic
        described = self._admin.list_topics(topic, timeout=self._settings.timeout_s).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        partitions = [TopicPartition(topic, number) for number in described.partitions]
        asked = self._admin.list_offsets(
            {each: OffsetSpec.latest() for each in partitions},  # type: ignore[no-untyped-call] # the same
            request_timeout=self._settings.timeout_s,
        )
        heads = {
            each.partition: found.result(self._settings.timeout_s).offset
            for each, found in asked.items()
        }
        reached = {
            group: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(self._settings.group(group), partitions)],
                request_timeout=self._settings.timeout_s,
            )[self._settings.group(group)]
            for group in groups
        }
        found = {
            group: {
                each.partition: each.offset
                for each in asked_for.result(self._settings.timeout_s).topic_partitions
                if each.offset >= 0
            }
            for group, asked_for in reached.items()
        }
        return {
            group: sum(max(0, head - offsets.get(each, 0)) for each, head in heads.items())
            for group, offsets in found.items()
            if offsets
        }

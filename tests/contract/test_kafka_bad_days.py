"""Kafka on its bad days: relays that die, brokers that die, topics that are wiped."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.contract.events import (
    PATIENCE_S,
    Struck,
    by_key,
    finish,
    likes,
    numbers_of,
    publish,
    subject,
    take,
)
from tests.contract.test_kafka_events import database, events, settings
from tintype.adapters.kafka import KafkaSettings
from tintype.adapters.kafka.events import KafkaEvents
from tintype.adapters.kafka.lane import KafkaLane
from tintype.database import Consumer, ConsumerRunner, Database, Fold, counts
from tintype.database.leases import Lease
from tintype.database.relay import LaneRelay
from tintype.database.sending import Sending
from tintype.database.tables import outbox
from tintype.kernel.event import Event
from tintype.kernel.ids import SHARDS
from tintype.kernel.problem import Unavailable
from tintype.ports.events import LANES, Record, ShutOut
from tools.engines.kafka import KafkaBroker

__all__ = ["database", "events", "settings"]

pytestmark = pytest.mark.slow

_GROUPS = ("fan-out", "counters")
FIRST_LANE = Lease(0, SHARDS // LANES - 1, "relay", "nobody", 0)
RELAY = Path(__file__).with_name("relay_process.py")


async def waiting(database: Database) -> list[Record]:
    async with database.read() as reader:
        rows = await reader.all(
            sa.select(outbox).where(outbox.c.shard.between(0, SHARDS - 1)).order_by(outbox.c.id)
        )
    return [Record(row.kind, row.key, row.payload, row.at_ms, row.id, row.trace) for row in rows]


async def drained(database: Database) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await waiting(database):  # noqa: ASYNC110 - it is read from the store
            await asyncio.sleep(0.05)


async def send_all(database: Database, events: KafkaEvents) -> None:
    """Relay until nothing waits: the lanes of a relay that was killed come free with its leases."""
    relay = LaneRelay(database, events, "relay", _GROUPS)
    try:
        await send_by(relay, database)
    finally:
        await relay.close()


async def send_by(relay: LaneRelay, database: Database) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while relay.held < LANES or await waiting(database):
            with contextlib.suppress(Unavailable):
                await relay.share()
                await relay.drain()
            await asyncio.sleep(0.02)


async def read_all(events: KafkaEvents, count: int) -> dict[int, list[int]]:
    """What the log holds, by key; a moment longer than needed, for doubles to show."""
    subscription = events.subscribe("auditor", ["test_struck"])
    records = await take(subscription, count)
    records += (await subscription.batch(wait_s=1.0)).records
    await subscription.close()
    return by_key(records)


# --- relays


async def test_what_a_dead_relay_had_sent_is_not_sent_again(
    database: Database, events: KafkaEvents
) -> None:
    await publish(database, range(10))
    lane = await events.open_lane(0)
    numbered = await Sending(database, FIRST_LANE).number(after=0)
    await lane.append(numbered[:6])
    await lane.close()  # it dies here, in the middle of what it had numbered

    await send_all(database, events)

    assert await waiting(database) == []
    assert await read_all(events, 10) == {subject(0): list(range(10))}


async def test_a_relay_that_slept_is_shut_out_and_reorders_nothing(
    database: Database, events: KafkaEvents
) -> None:
    await publish(database, range(10))
    sleeper = await events.open_lane(0)
    in_hand = await Sending(database, FIRST_LANE).number(after=0)

    await send_all(database, events)
    with pytest.raises(ShutOut):
        await sleeper.append(in_hand)

    await sleeper.close()
    assert await read_all(events, 10) == {subject(0): list(range(10))}


async def test_two_relays_share_the_shards_and_neither_lose_nor_double(
    database: Database, events: KafkaEvents
) -> None:
    relays = [
        LaneRelay(database, events, f"relay-{each}", _GROUPS, lease_s=3.0) for each in range(2)
    ]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    async with asyncio.timeout(PATIENCE_S):
        while [relay.held for relay in relays] != [LANES // 2, LANES // 2]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    # Subjects on shards all over the ring, so that every lane has some.
    for number in range(400):
        async with database.write() as tx:
            key = 1 << 40 | (number % 40) * 100 << 10
            tx.emit(Struck(subject=key, number=number))
        await asyncio.sleep(0.005)
    # Read while they run: what has left the outbox may be numbered, and not appended yet.
    found = await read_all(events, 400)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(found.values()) == [list(range(first, 400, 40)) for first in range(40)]


async def test_relays_killed_again_and_again_send_everything_once(
    database: Database, events: KafkaEvents, settings: KafkaSettings, tmp_path: Path
) -> None:
    async def relay_for(seconds: float) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            RELAY,
            str(tmp_path / "test.sqlite"),
            settings.model_dump_json(),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        await process.stdout.readline()  # it relays
        await asyncio.sleep(seconds)
        process.kill()
        await process.wait()

    async def publish_all() -> None:
        for number in range(3000):
            async with database.write() as tx:
                tx.emit(Struck(subject=subject(number % 7), number=number))
            await asyncio.sleep(0)

    publishing = asyncio.create_task(publish_all())
    for seconds in (0.05, 0.12, 0.2, 0.31):
        await relay_for(seconds)
    await publishing
    await send_all(database, events)

    assert await read_all(events, 3000) == {
        subject(key): list(range(key, 3000, 7)) for key in range(7)
    }


# --- brokers


async def test_a_broker_killed_in_mid_stream_loses_and_doubles_nothing(
    database: Database, events: KafkaEvents, kafka_broker: KafkaBroker
) -> None:
    relay = asyncio.create_task(LaneRelay(database, events, "relay", _GROUPS).run())
    runner = ConsumerRunner(database, Fold("counters", (Struck,), counts.fold), events)
    folding = asyncio.create_task(runner.run())

    await publish(database, range(300), subjects=6)
    await asyncio.to_thread(kafka_broker.kill)
    await publish(database, range(300, 600), subjects=6)
    await asyncio.to_thread(kafka_broker.start)
    await publish(database, range(600, 900), subjects=6)
    await drained(database)
    async with asyncio.timeout(PATIENCE_S):
        while sum(await likes(database, 6)) < 900:  # noqa: ASYNC110 - it is read from the store
            await asyncio.sleep(0.1)
    for task in (relay, folding):
        task.cancel()
    await asyncio.gather(relay, folding, return_exceptions=True)

    assert await likes(database, 6) == [150] * 6
    assert await read_all(events, 900) == {
        subject(key): list(range(key, 900, 6)) for key in range(6)
    }


async def test_a_broker_that_stalls_is_waited_for(
    database: Database, events: KafkaEvents, kafka_broker: KafkaBroker
) -> None:
    relay = LaneRelay(database, events, "relay", _GROUPS)
    await publish(database, range(5))
    await relay.share()
    await relay.drain()
    await publish(database, range(5, 10))

    kafka_broker.pause()
    try:
        with pytest.raises(Unavailable):
            await relay.drain()
        with pytest.raises(Unavailable):
            await events.lag(["ears"])
    finally:
        kafka_broker.resume()
    await send_by(relay, database)
    await relay.close()

    assert await read_all(events, 10) == {subject(0): list(range(10))}


# --- what is lost


async def test_a_wiped_log_is_made_anew_and_its_readers_are_told(
    database: Database, events: KafkaEvents, settings: KafkaSettings
) -> None:
    told = 0
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        heard.extend(event.number for event in batch if isinstance(event, Struck))

    async def rebuild() -> None:
        nonlocal told
        told += 1

    fan_out = ConsumerRunner(
        database, Consumer("fan-out", (Struck,), handle, on_lost=rebuild), events
    )
    counters = ConsumerRunner(database, Fold("counters", (Struck,), counts.fold), events)
    await publish(database, range(5))
    await send_all(database, events)
    await finish(fan_out, 5)
    await finish(counters, 3)
    await publish(database, range(5, 8))
    await send_all(database, events)  # nobody reads these three
    await wipe(settings)
    await publish(database, range(8, 12))

    await send_all(database, events)
    await finish(fan_out, 12)
    await finish(counters, 12)

    assert told == 1
    assert heard == [*range(5), *range(12)]
    assert await likes(database) == [12]
    await fan_out.close()
    await counters.close()


async def test_a_log_wiped_again_and_again_under_its_readers_loses_and_doubles_nothing(
    database: Database, events: KafkaEvents, settings: KafkaSettings
) -> None:
    heard: set[int] = set()

    async def handle(batch: Sequence[Event]) -> None:
        heard.update(event.number for event in batch if isinstance(event, Struck))

    listeners: list[Consumer | Fold] = [
        Consumer("fan-out", (Struck,), handle),
        # Two listeners: one of them may be late to notice.
        *[Fold("counters", (Struck,), counts.fold, linger_s=0.05) for _ in range(2)],
    ]
    relay = LaneRelay(database, events, "relay", _GROUPS, lease_s=1.5)
    tasks = [asyncio.create_task(relay.run())]
    tasks += [
        asyncio.create_task(ConsumerRunner(database, listener, events).run())
        for listener in listeners
    ]

    for start in range(0, 600, 200):
        await publish(database, range(start, start + 100), subjects=6)
        async with asyncio.timeout(PATIENCE_S):
            while sum(await likes(database, 6)) <= start:  # noqa: ASYNC110 - it is in the middle
                await asyncio.sleep(0.01)
        await wipe(settings)
        await publish(database, range(start + 100, start + 200), subjects=6)
    async with asyncio.timeout(2 * PATIENCE_S):
        while len(heard) < 600 or sum(await likes(database, 6)) < 600:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    # What would be counted twice comes with what is sent last.
    await publish(database, range(600, 606), subjects=6)
    async with asyncio.timeout(PATIENCE_S):
        while 605 not in heard or min(await likes(database, 6)) < 101:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert heard == set(range(606))
    assert await likes(database, 6) == [101] * 6


async def test_only_what_every_group_has_read_is_dropped(
    database: Database, events: KafkaEvents
) -> None:
    relay = LaneRelay(database, events, "relay", _GROUPS)
    await publish(database, range(4))
    await relay.share()
    await relay.drain()
    ears = {group: events.subscribe(group, ["test_struck"]) for group in _GROUPS}

    async def tidied() -> list[int]:
        for _ in range(2):
            await relay.tidy()
        return [each.number for each in await Sending(database, FIRST_LANE).beyond(0)]

    await take(ears["counters"], 4)
    read_by_one = await tidied()
    await take(ears["fan-out"], 4)
    async with asyncio.timeout(PATIENCE_S):
        while await tidied():
            for each in ears.values():
                await each.batch(wait_s=0.1)
    await publish(database, range(4, 6))
    await relay.drain()
    unread = await tidied()

    assert read_by_one == [1, 2, 3, 4]
    assert unread == [5, 6]
    for each in ears.values():
        await each.close()
    await relay.close()


async def wipe(settings: KafkaSettings) -> None:
    """Take the topics away, with all that is in them."""
    admin = AdminClient(settings.client())
    for wiped in admin.delete_topics([settings.topic, settings.relay_topic]).values():
        await asyncio.to_thread(wiped.result, 30)


async def test_a_group_that_was_away_longer_than_events_are_kept_is_told(
    database: Database, events: KafkaEvents, settings: KafkaSettings
) -> None:
    told = asyncio.Event()
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        heard.extend(event.number for event in batch if isinstance(event, Struck))

    async def rebuild() -> None:
        told.set()

    group = Consumer("fan-out", (Struck,), handle, on_lost=rebuild)
    runner = ConsumerRunner(database, group, events)
    await publish(database, range(4))
    await send_all(database, events)
    await finish(runner, 4)
    await runner.close()
    await publish(database, range(4, 8))
    await send_all(database, events)
    admin = AdminClient(settings.client())
    parts = [TopicPartition(settings.topic, number, -1) for number in range(settings.partitions)]
    for dropped in admin.delete_records(parts).values():
        await asyncio.to_thread(dropped.result, 10)
    await publish(database, range(8, 10))
    await send_all(database, events)

    runner = ConsumerRunner(database, group, events)
    await finish(runner, 2)
    await runner.close()

    assert told.is_set()
    assert heard == [0, 1, 2, 3, 8, 9]


# --- readers


async def test_readers_of_a_group_share_the_partitions_and_take_over(
    database: Database, events: KafkaEvents
) -> None:
    heard: Counter[int] = Counter()
    by_reader: list[set[int]] = [set(), set()]

    def reader(number: int) -> ConsumerRunner:
        async def handle(batch: Sequence[Event]) -> None:
            found = [event.number for event in batch if isinstance(event, Struck)]
            heard.update(found)
            by_reader[number].update(found)

        return ConsumerRunner(database, Consumer("ears", (Struck,), handle), events)

    tasks = [asyncio.create_task(reader(number).run()) for number in range(2)]
    relay = asyncio.create_task(LaneRelay(database, events, "relay", _GROUPS).run())
    async with asyncio.timeout(PATIENCE_S):
        number = 0
        while not all(by_reader):
            await publish(database, range(number, number + 40), subjects=40)
            number += 40
            await asyncio.sleep(0.2)
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    await publish(database, range(number, number + 40), subjects=40)
    async with asyncio.timeout(PATIENCE_S):
        while len(heard) < number + 40:  # noqa: ASYNC110 - told by the handlers
            await asyncio.sleep(0.1)
    for task in (tasks[1], relay):
        task.cancel()
    await asyncio.gather(tasks[1], relay, return_exceptions=True)

    assert set(heard) == set(range(number + 40))


async def test_messages_that_are_not_ours_are_passed_over(
    database: Database, events: KafkaEvents, settings: KafkaSettings
) -> None:
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        heard.extend(event.number for event in batch if isinstance(event, Struck))

    stranger = Producer(settings.client())
    stranger.produce(settings.topic, b"\xff\x00", b"no number", headers=[("id", b"\xfe")])
    stranger.produce(settings.topic, None, None)
    stranger.flush(10)
    await publish(database, range(3))
    await send_all(database, events)

    runner = ConsumerRunner(database, Consumer("ears", (Struck,), handle), events)
    await finish(runner, 5)
    await runner.close()

    assert heard == [0, 1, 2]


async def test_a_record_of_ours_that_can_not_be_read_is_buried_and_holds_nobody_up(
    database: Database,
    events: KafkaEvents,
    settings: KafkaSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tintype.database import consumers

    monkeypatch.setattr(consumers, "_FIRST_RETRY_S", 3600.0)
    lane = await events.open_lane(0)
    garbage = Record("test_struck", subject(0), b"{garbage", 1_700_000_000_000, 77, number=1)
    await lane.append([garbage])
    await lane.close()
    await publish(database, range(2))
    await send_all(database, events)

    runner = ConsumerRunner(database, Fold("counters", (Struck,), counts.fold), events)
    await finish(runner, 3)
    await runner.close()

    assert await likes(database) == [2]


async def test_a_new_reader_reads_on_where_a_killed_one_stopped(
    database: Database, events: KafkaEvents
) -> None:
    await publish(database, range(20))
    await send_all(database, events)
    killed = events.subscribe("ears", ["test_struck"])
    first = await take(killed, 20, note=False)
    # Nobody closes it: the group finds out by its silence.

    heir = events.subscribe("ears", ["test_struck"])
    await killed.close()
    second = await take(heir, 20)

    assert numbers_of(first) == numbers_of(second) == list(range(20))
    await heir.close()


async def test_an_append_that_never_ends_is_given_up_and_made_up_for(
    database: Database, events: KafkaEvents
) -> None:
    await publish(database, range(3))
    relay = LaneRelay(database, events, "relay", _GROUPS)
    await relay.share()
    released = threading.Event()
    for lane in relay._open.values():
        assert isinstance(lane, KafkaLane)
        lane._producer = cast("Producer", _Stuck(lane._producer, released))
        lane._worker._seconds = 0.5

    # As librdkafka may block for ever when a coordinator goes away.
    relaying = asyncio.create_task(relay.run())
    await drained(database)

    assert await read_all(events, 3) == {subject(0): [0, 1, 2]}
    released.set()
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


class _Stuck:
    """A producer that never comes back from a commit."""

    def __init__(self, producer: Producer | None, released: threading.Event) -> None:
        self._producer = producer
        self._released = released

    def commit_transaction(self, *_: object) -> None:
        self._released.wait()

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)


async def test_nothing_is_noted_as_read_that_is_still_in_hand_at_the_end_of_a_partition(
    database: Database, events: KafkaEvents, settings: KafkaSettings
) -> None:
    await publish(database, range(10))
    await send_all(database, events)
    subscription = events.subscribe("ears", ["test_struck"])
    in_hand = list[object]()
    async with asyncio.timeout(PATIENCE_S):
        while len(in_hand) < 10:
            # Long enough that the end of the partition comes with the last records.
            in_hand += (await subscription.batch(wait_s=1.0, linger_s=1.0)).records
        # The ends of the partitions without a record are noted: so would this one be.
        while sum(at >= 0 for at in await noted(settings, "ears")) < settings.partitions - 1:
            await subscription.batch(wait_s=0.2)

    # Whoever is killed now leaves this to the next.
    assert max(await noted(settings, "ears")) <= 0
    await subscription.close()


async def noted(settings: KafkaSettings, group: str) -> list[int]:
    """The offsets that the group has told the broker, by partition; negative: none."""
    consumer = ConfluentConsumer(settings.client({"group.id": settings.group(group)}))
    parts = [TopicPartition(settings.topic, number) for number in range(settings.partitions)]
    try:
        found = await asyncio.to_thread(consumer.committed, parts, timeout=PATIENCE_S)
    finally:
        consumer.close()
    return [each.offset for each in found]

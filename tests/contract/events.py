"""What every log of events promises. Subclass it and give it the two fixtures at its top."""

from __future__ import annotations

import abc
import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

import pytest
import sqlalchemy as sa

from tintype.admin import Repairs
from tintype.admin.service.repairs import REPLAY, Replay
from tintype.database import (
    Consumer,
    ConsumerRunner,
    Database,
    Fold,
    JobHandler,
    JobRunner,
    Transaction,
    consumers,
    counts,
)
from tintype.database.session import current_trace
from tintype.database.tables import dead_letters, outbox
from tintype.kernel.event import Delta, Event
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Delivered, Events, Subscription

WAIT_S = 1.0
PATIENCE_S = 60.0
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Struck(Event, frozen=True, kw_only=True, tag="test_struck"):
    """A fact of these tests."""

    subject: int
    number: int

    def key(self) -> int:
        return self.subject

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.subject, "likes", 1),)


class Log(Protocol):
    """A log under test, and the way from the outbox of ``database`` into it."""

    events: Events

    async def send(self) -> None:
        """Relay everything that waits. Raises ``Unavailable`` while the log is away."""

    async def pull(self) -> None:
        """Take the log away, without warning."""

    async def plug(self) -> None:
        """Give it back with all that it had stored."""


def subject(number: int) -> int:
    """An account, on a shard of its own."""
    return 1 << 40 | number << 10


async def publish(database: Database, numbers: Iterable[int], subjects: int = 1) -> None:
    """A transaction for every number; its subject is the number modulo ``subjects``."""
    for number in numbers:
        async with database.write() as tx:
            tx.emit(Struck(subject=subject(number % subjects), number=number))


async def take(subscription: Subscription, count: int, *, note: bool = True) -> list[Delivered]:
    """The next records, at least ``count``; fails when they do not come."""
    taken: list[Delivered] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            with contextlib.suppress(Unavailable):
                batch = await subscription.batch(wait_s=WAIT_S)
                taken += batch.records
                if note and batch.records:
                    await subscription.commit(batch)
    return taken


def numbers_of(records: Sequence[Delivered]) -> list[int]:
    return [int(record.payload.rpartition(b":")[2].rstrip(b"}")) for _, _, record in records]


def by_key(records: Sequence[Delivered]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for delivered, number in zip(records, numbers_of(records), strict=True):
        found[delivered.record.key].append(number)
    return dict(found)


async def finish(runner: ConsumerRunner, count: int) -> None:
    """Let a runner pass that many records; fails when they do not come."""
    passed = 0
    async with asyncio.timeout(PATIENCE_S):
        while passed < count:
            with contextlib.suppress(Unavailable):
                passed += await runner.step(wait_s=WAIT_S)


async def likes(database: Database, subjects: int = 1) -> list[int]:
    wanted = [subject(number) for number in range(subjects)]
    async with database.read() as reader:
        found = await counts.read(reader, wanted, ["likes"])
    return [found[each]["likes"] for each in wanted]


class EventsContract(abc.ABC):
    @pytest.fixture
    @abc.abstractmethod
    def log(self, database: Database) -> Log | AsyncIterator[Log]: ...

    # --- reading

    async def test_records_keep_the_order_of_their_key_and_all_that_they_carry(
        self, database: Database, log: Log
    ) -> None:
        token = current_trace.set(TRACE)
        await publish(database, range(40), subjects=4)
        current_trace.reset(token)

        await log.send()
        subscription = log.events.subscribe("ears", ["test_struck"])
        records = await take(subscription, 40)

        assert by_key(records) == {subject(key): list(range(key, 40, 4)) for key in range(4)}
        assert {record.kind for _, _, record in records} == {"test_struck"}
        assert {record.trace for _, _, record in records} == {TRACE}
        now = database.clock.now_ms()
        assert all(abs(now - record.at_ms) < 60_000 for _, _, record in records)
        await subscription.close()

    async def test_positions_grow_within_a_partition_and_count_from_one(
        self, database: Database, log: Log
    ) -> None:
        await publish(database, range(30), subjects=5)
        await log.send()
        subscription = log.events.subscribe("ears", ["test_struck"])

        records = await take(subscription, 30)

        positions = defaultdict(list)
        for partition, position, _ in records:
            positions[partition].append(position)
        assert all(found == sorted(set(found)) for found in positions.values())
        assert min(min(found) for found in positions.values()) == 1
        await subscription.close()

    async def test_every_group_gets_everything(self, database: Database, log: Log) -> None:
        await publish(database, range(10))
        await log.send()
        ears = log.events.subscribe("ears", ["test_struck"])
        eyes = log.events.subscribe("eyes", ["test_struck"])

        heard = numbers_of(await take(ears, 10))
        seen = numbers_of(await take(eyes, 10))

        assert heard == seen == list(range(10))
        await ears.close()
        await eyes.close()

    async def test_what_was_not_noted_comes_again_to_the_next_reader(
        self, database: Database, log: Log
    ) -> None:
        await publish(database, range(5))
        await log.send()
        dies = log.events.subscribe("ears", ["test_struck"])
        await take(dies, 5, note=False)
        await dies.close()

        heir = log.events.subscribe("ears", ["test_struck"])
        records = await take(heir, 5)

        assert numbers_of(records) == list(range(5))
        await heir.close()

    async def test_what_was_noted_does_not_come_again(self, database: Database, log: Log) -> None:
        await publish(database, range(5))
        await log.send()
        first = log.events.subscribe("ears", ["test_struck"])
        await take(first, 5)
        await first.close()
        await publish(database, range(5, 8))
        await log.send()

        second = log.events.subscribe("ears", ["test_struck"])
        records = await take(second, 3)

        assert numbers_of(records) == [5, 6, 7]
        await second.close()

    async def test_a_rewind_goes_back_to_what_was_noted(self, database: Database, log: Log) -> None:
        subscription = log.events.subscribe("ears", ["test_struck"])
        await publish(database, range(3))
        await log.send()
        await take(subscription, 3)
        await publish(database, range(3, 6))
        await log.send()
        await take(subscription, 3, note=False)

        await subscription.rewind()
        records = await take(subscription, 3)

        assert numbers_of(records) == [3, 4, 5]
        await subscription.close()

    async def test_the_lag_is_what_lies_before_a_group_and_ends_at_none(
        self, database: Database, log: Log
    ) -> None:
        await publish(database, range(4), subjects=2)
        await log.send()
        subscription = log.events.subscribe("ears", ["test_struck"])
        await take(subscription, 4)
        async with asyncio.timeout(PATIENCE_S):
            while (await log.events.lag(["ears", "nobody"])) != {"ears": 0}:
                await subscription.batch(wait_s=0.1)

        await publish(database, range(4, 10), subjects=2)
        await log.send()

        lag = await log.events.lag(["ears", "nobody"])
        assert lag.keys() == {"ears"}
        assert lag["ears"] >= 6
        await subscription.close()

    async def test_a_subscription_is_closed_as_often_as_one_likes(self, log: Log) -> None:
        subscription = log.events.subscribe("ears", ["test_struck"])

        await subscription.close()
        await subscription.close()

    # --- consumers and folds

    async def test_a_fold_that_is_killed_in_the_middle_counts_once(
        self, database: Database, log: Log
    ) -> None:
        died = False

        async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
            nonlocal died
            await counts.fold(tx, batch)
            if not died:
                died = True
                raise asyncio.CancelledError

        await publish(database, range(40), subjects=4)
        await log.send()
        killed = ConsumerRunner(database, Fold("counters", (Struck,), fold), log.events)
        with pytest.raises(asyncio.CancelledError):
            await finish(killed, 40)
        await killed.close()
        runner = ConsumerRunner(database, Fold("counters", (Struck,), fold), log.events)
        await finish(runner, 40)
        await runner.close()

        assert await likes(database, 4) == [10, 10, 10, 10]

    async def test_a_fold_goes_on_in_the_same_process_after_a_cancelled_batch(
        self, database: Database, log: Log
    ) -> None:
        cancelled = False

        async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
            nonlocal cancelled
            await counts.fold(tx, batch)
            if not cancelled:
                cancelled = True
                raise asyncio.CancelledError

        await publish(database, range(6))
        await log.send()
        runner = ConsumerRunner(database, Fold("counters", (Struck,), fold), log.events)
        with pytest.raises(asyncio.CancelledError):
            await finish(runner, 6)

        await finish(runner, 6)

        assert await likes(database) == [6]
        await runner.close()

    async def test_two_readers_of_a_fold_never_count_twice(
        self, database: Database, log: Log
    ) -> None:
        runners = [
            ConsumerRunner(database, Fold("counters", (Struck,), counts.fold), log.events)
            for _ in range(2)
        ]
        tasks = [asyncio.create_task(runner.run()) for runner in runners]

        for start in range(0, 90, 30):
            await publish(database, range(start, start + 30), subjects=6)
            await log.send()
        async with asyncio.timeout(PATIENCE_S):
            while sum(await likes(database, 6)) < 90:  # noqa: ASYNC110 - it is read from the store
                await asyncio.sleep(0.05)
        # What would be counted twice would be so by now.
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        assert await likes(database, 6) == [15] * 6

    async def test_a_poison_event_is_buried_and_can_be_delivered_later(
        self, database: Database, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "_FIRST_RETRY_S", 0.0)
        heard: list[int] = []
        poisonous = True

        async def handle(batch: Sequence[Event]) -> None:
            found = [event.number for event in batch if isinstance(event, Struck)]
            if poisonous and 2 in found:
                raise ValueError("poison")
            heard.extend(found)

        group = Consumer("ears", (Struck,), handle)
        await publish(database, range(5))
        await log.send()
        runner = ConsumerRunner(database, group, log.events)
        await finish(runner, 5)
        await runner.close()
        async with database.read() as reader:
            letters = await reader.all(sa.select(dead_letters).where(dead_letters.c.shard >= 0))
        poisonous = False
        repairs = Repairs(database, [group])
        await repairs.replay(group="ears")
        await JobRunner(database, [JobHandler(REPLAY, Replay, repairs.deliver)]).run_due()

        assert [letter.reason for letter in letters] == ["ValueError('poison')"]
        assert heard == [0, 1, 3, 4, 2]
        assert await repairs.dead_letters(limit=10) == []

    async def test_a_poison_event_of_a_fold_is_left_out_and_the_rest_counted(
        self, database: Database, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "_FIRST_RETRY_S", 0.0)

        async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
            await counts.fold(tx, batch)
            if any(isinstance(event, Struck) and event.number == 2 for event in batch):
                raise ValueError("poison")

        await publish(database, range(5))
        await log.send()
        runner = ConsumerRunner(database, Fold("counters", (Struck,), fold), log.events)
        await finish(runner, 5)

        assert await likes(database) == [4]
        await runner.close()

    async def test_an_engine_that_is_away_buries_nothing(
        self, database: Database, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "_IDLE_S", 0.0)
        heard: list[int] = []
        refusals = 12

        async def handle(batch: Sequence[Event]) -> None:
            nonlocal refusals
            refusals -= 1
            if refusals > 0:
                raise Unavailable
            heard.extend(event.number for event in batch if isinstance(event, Struck))

        await publish(database, range(3))
        await log.send()
        runner = ConsumerRunner(database, Consumer("ears", (Struck,), handle), log.events)
        await finish(runner, 3)

        assert heard == [0, 1, 2]
        await runner.close()

    # --- outage

    async def test_an_outage_loses_nothing_doubles_nothing_and_keeps_the_order(
        self, database: Database, log: Log
    ) -> None:
        fold = Fold("counters", (Struck,), counts.fold)
        runner = ConsumerRunner(database, fold, log.events)
        ears = log.events.subscribe("ears", ["test_struck"])
        await publish(database, range(20), subjects=2)
        await log.send()
        await finish(runner, 20)
        records = await take(ears, 10)
        await publish(database, range(20, 40), subjects=2)

        await log.pull()
        with pytest.raises(Unavailable):
            await log.send()
        await log.plug()

        await self._send_again(log)
        await publish(database, range(40, 60), subjects=2)
        await self._send_again(log)
        # Notes of what was handled may be lost with the log: then it comes again, from there on.
        while len({(each.partition, each.position) for each in records}) < 60:
            records += await take(ears, 1)
        await finish(runner, 40)
        once = list({(each.partition, each.position): each for each in records}.values())
        assert by_key(once) == {subject(key): list(range(key, 60, 2)) for key in range(2)}
        assert await likes(database, 2) == [30, 30]
        async with database.read() as reader:
            assert await reader.all(sa.select(outbox).where(outbox.c.shard >= 0)) == []
        await ears.close()
        await runner.close()

    @staticmethod
    async def _send_again(log: Log) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(Unavailable):
                    await log.send()
                    return
                await asyncio.sleep(0.2)

"""Jobs and consumers: at least once, fenced, retried, never silently lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from tintype.database import (
    Consumer,
    ConsumerRunner,
    Fold,
    Job,
    JobHandler,
    JobRunner,
    LeasedJob,
    LeaseLost,
    Permanent,
    Relay,
    SqliteDatabase,
    Transaction,
    consumers,
    counts,
    hand_back_all,
    metadata,
)
from tintype.database.tables import dead_letters, event_log, jobs, outbox
from tintype.kernel.clock import ManualClock
from tintype.kernel.event import Delta, Event
from tintype.kernel.problem import Unavailable


class Rang(Event, frozen=True, kw_only=True, tag="test_rang"):
    """A fact of these tests."""

    subject: int
    number: int

    def key(self) -> int:
        return self.subject

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.subject, "likes", 1),)


class Task(msgspec.Struct, frozen=True):
    number: int


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(tmp_path / "t.sqlite", clock)
    metadata.create_all(opened.engine)
    yield opened
    await opened.close()


async def publish(database: SqliteDatabase, numbers: Sequence[int], subject: int = 1) -> None:
    async with database.write() as tx:
        for number in numbers:
            tx.emit(Rang(subject=subject, number=number))


async def ask(database: SqliteDatabase, number: int, dedupe: str | None = None) -> None:
    async with database.write() as tx:
        await tx.enqueue(Job(kind="count", shard=3, payload=Task(number), dedupe=dedupe))


async def rows(database: SqliteDatabase, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    async with database.read() as reader:
        return list(await reader.all(sa.select(table)))


async def test_events_arrive_in_commit_order_and_once_when_nothing_fails(
    database: SqliteDatabase,
) -> None:
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        heard.extend(event.number for event in batch if isinstance(event, Rang))

    runner = ConsumerRunner(database, Consumer("ears", (Rang,), handle))
    for start in range(0, 1200, 100):
        await publish(database, range(start, start + 100))
    await Relay(database).drain()
    await runner.catch_up()

    assert heard == list(range(1200))
    assert await rows(database, outbox) == []


async def test_a_consumer_that_dies_before_its_offset_hears_the_batch_again(
    database: SqliteDatabase,
) -> None:
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        heard.extend(event.number for event in batch if isinstance(event, Rang))
        if len(heard) == 3:
            raise asyncio.CancelledError  # the process is killed here

    await publish(database, [1, 2, 3])
    await Relay(database).drain()
    runner = ConsumerRunner(database, Consumer("ears", (Rang,), handle))
    with pytest.raises(asyncio.CancelledError):
        await runner.catch_up()
    await ConsumerRunner(database, Consumer("ears", (Rang,), handle)).catch_up()

    assert heard == [1, 2, 3, 1, 2, 3]


async def test_a_fold_counts_exactly_once_whatever_dies_between(database: SqliteDatabase) -> None:
    died = False

    async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
        nonlocal died
        await counts.fold(tx, batch)
        if not died:
            died = True
            raise asyncio.CancelledError

    await publish(database, range(40), subject=5)
    await Relay(database).drain()
    runner = ConsumerRunner(database, Fold("counters", (Rang,), fold))
    with pytest.raises(asyncio.CancelledError):
        await runner.catch_up()
    await runner.catch_up()

    async with database.read() as reader:
        assert await counts.read(reader, [5], ["likes"]) == {5: {"likes": 40}}


async def test_a_poison_event_goes_to_the_dead_letters_and_its_group_carries_on(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_FIRST_RETRY_S", 0.0)
    heard: list[int] = []

    async def handle(batch: Sequence[Event]) -> None:
        for event in batch:
            if isinstance(event, Rang) and event.number == 2:
                raise ValueError("poison")
        heard.extend(event.number for event in batch if isinstance(event, Rang))

    await publish(database, [1, 2, 3])
    await Relay(database).drain()
    await ConsumerRunner(database, Consumer("ears", (Rang,), handle)).catch_up()

    assert heard == [1, 3]
    assert [letter.reason for letter in await rows(database, dead_letters)] == [
        "ValueError('poison')"
    ]


async def test_two_relays_at_once_neither_lose_nor_double(database: SqliteDatabase) -> None:
    await publish(database, range(1500))

    await asyncio.gather(Relay(database).drain(), Relay(database).drain())

    logged = await rows(database, event_log)
    assert len(logged) == 1500
    assert len({row.position for row in logged}) == 1500


async def test_a_job_with_the_same_dedupe_text_waits_only_once(database: SqliteDatabase) -> None:
    done: list[int] = []

    async def handle(job: LeasedJob) -> None:
        done.append(job.payload.number)

    for _ in range(3):
        await ask(database, 1, dedupe="once")
    await JobRunner(database, [JobHandler("count", Task, handle)]).run_due()
    await ask(database, 2, dedupe="once")
    await JobRunner(database, [JobHandler("count", Task, handle)]).run_due()

    assert done == [1, 2]
    assert await rows(database, jobs) == []


async def test_a_job_of_a_host_whose_clock_is_ahead_is_done_at_once(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    done: list[int] = []

    async def handle(job: LeasedJob) -> None:
        done.append(job.payload.number)

    await ask(database, 1)
    clock.advance(-300)
    await JobRunner(database, [JobHandler("count", Task, handle)]).run_due()

    assert done == [1]


async def test_a_failing_job_is_retried_with_growing_pauses_and_then_buried(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    buried: list[tuple[int, str]] = []
    attempts: list[int] = []

    async def handle(job: LeasedJob) -> None:
        attempts.append(job.attempt)
        raise ValueError("still broken")

    async def on_dead(_: Transaction, task: Task, reason: str) -> None:
        buried.append((task.number, reason))

    handler = JobHandler("count", Task, handle, max_attempts=3, on_dead=on_dead)
    await ask(database, 7)
    for pause in (0, 0.5, 1.5, 0.5, 4, 100):
        clock.advance(pause)
        await JobRunner(database, [handler]).run_due()

    assert attempts == [1, 2, 3]
    assert buried == [(7, "still broken")]
    assert [(job.state, job.reason) for job in await rows(database, jobs)] == [
        ("dead", "still broken")
    ]


async def test_a_job_that_can_never_succeed_is_buried_at_once(database: SqliteDatabase) -> None:
    async def handle(_: LeasedJob) -> None:
        raise Permanent("this file is not a photo")

    await ask(database, 1)
    await JobRunner(database, [JobHandler("count", Task, handle)]).run_due()

    assert [job.state for job in await rows(database, jobs)] == ["dead"]


async def test_a_worker_that_slept_through_its_lease_can_not_write(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    outcomes: list[str] = []

    async def slow(job: LeasedJob) -> None:
        clock.advance(120)
        await JobRunner(database, [JobHandler("count", Task, quick)]).run_due()
        with pytest.raises(LeaseLost):
            async with database.write() as tx:
                await job.finish(tx)
        outcomes.append("slow was fenced off")
        raise LeaseLost

    async def quick(job: LeasedJob) -> None:
        async with database.write() as tx:
            await job.finish(tx)
        outcomes.append("quick finished")

    await ask(database, 1)
    await JobRunner(database, [JobHandler("count", Task, slow, lease_seconds=60)]).run_due()

    assert outcomes == ["quick finished", "slow was fenced off"]
    assert await rows(database, jobs) == []


async def test_a_job_in_hand_is_handed_back_when_the_worker_stops(
    database: SqliteDatabase,
) -> None:
    begun = asyncio.Event()

    async def endless(_: LeasedJob) -> None:
        begun.set()
        await asyncio.sleep(3600)

    await ask(database, 1)
    worker = asyncio.create_task(JobRunner(database, [JobHandler("count", Task, endless)]).run())
    await begun.wait()
    worker.cancel()
    await asyncio.wait([worker])

    assert [job.state for job in await rows(database, jobs)] == ["queued"]


async def test_a_restart_hands_back_what_the_dead_process_held(database: SqliteDatabase) -> None:
    done: list[int] = []

    async def dies(_: LeasedJob) -> None:
        raise SystemExit

    async def handle(job: LeasedJob) -> None:
        done.append(job.payload.number)

    await ask(database, 5)
    with pytest.raises(SystemExit):
        await JobRunner(database, [JobHandler("count", Task, dies)]).run_due()
    runner = JobRunner(database, [JobHandler("count", Task, handle)])
    assert await runner.run_due() == 0

    assert await hand_back_all(database) == 1

    await runner.run_due()
    assert done == [5]


async def test_an_engine_that_is_away_buries_no_event(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_IDLE_S", 0.0)
    heard: list[int] = []
    refusals = 20

    async def handle(batch: Sequence[Event]) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals > 0:
            raise Unavailable
        heard.extend(event.number for event in batch if isinstance(event, Rang))

    await publish(database, [1, 2])
    await Relay(database).drain()
    await ConsumerRunner(database, Consumer("ears", (Rang,), handle)).catch_up()

    assert heard == [1, 2]
    assert await rows(database, dead_letters) == []

"""Workers of several processes share one queue: each job is done by one of them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.databases import manual_clock
from tintype.database import (
    Database,
    Job,
    JobHandler,
    JobRunner,
    LeasedJob,
    LeaseLost,
    Transaction,
)
from tintype.kernel.clock import ManualClock
from tintype.ports.errors import OutOfSpace, TimedOut, Unavailable


class Errand(msgspec.Struct):
    number: int


@pytest.fixture
def clock() -> ManualClock:
    return manual_clock()


async def _ask(database: Database, errands: int) -> None:
    async with database.write() as tx:
        for number in range(errands):
            await tx.enqueue(Job(kind="errand", shard=number * 17, payload=Errand(number)))


async def test_two_workers_that_grab_at_once_do_each_job_once(database: Database) -> None:
    done: list[int] = []

    async def run(job: LeasedJob) -> None:
        await asyncio.sleep(0)
        done.append(job.payload.number)

    await _ask(database, 12)

    workers = [JobRunner(database, [JobHandler("errand", Errand, run)]) for _ in range(3)]
    await asyncio.gather(*(worker.run_due() for worker in workers))

    assert sorted(done) == list(range(12))


async def test_a_worker_whose_lease_was_taken_can_neither_go_on_nor_finish(
    database: Database, clock: ManualClock
) -> None:
    late: list[LeasedJob] = []
    outcomes: list[str] = []

    async def fall_asleep(job: LeasedJob) -> None:
        late.append(job)
        clock.advance(120)
        await other.run_due()
        for step in (job.hold, job.finish):
            try:
                async with database.write() as tx:
                    await step(tx)
            except LeaseLost:
                outcomes.append("lost")

    async def run(job: LeasedJob) -> None:
        outcomes.append(f"done {job.payload.number}")

    sleeper = JobRunner(database, [JobHandler("errand", Errand, fall_asleep)])
    other = JobRunner(database, [JobHandler("errand", Errand, run)])
    await _ask(database, 1)

    await sleeper.run_due()

    assert outcomes == ["done 0", "lost", "lost"]
    assert len(late) == 1


@pytest.mark.parametrize("away", [Unavailable, TimedOut, OutOfSpace])
async def test_a_job_outlives_an_engine_that_is_away_for_an_hour(
    database: Database, clock: ManualClock, away: type[Exception]
) -> None:
    attempts: list[int] = []
    buried: list[str] = []
    there = False

    async def run(job: LeasedJob) -> None:
        attempts.append(job.attempt)
        if not there:
            raise away("nobody answers")

    async def on_dead(_: Transaction, __: Errand, reason: str) -> None:
        buried.append(reason)

    handler = JobHandler("errand", Errand, run, max_attempts=3, on_dead=on_dead)
    await _ask(database, 1)
    for _ in range(60):
        await JobRunner(database, [handler]).run_due()
        clock.advance(60)
    there = True
    await JobRunner(database, [handler]).run_due()

    assert buried == []
    assert max(attempts) <= 2
    assert await JobRunner(database, [handler]).run_due() == 0


async def test_a_job_that_waited_for_an_engine_is_given_up_when_it_then_keeps_failing(
    database: Database, clock: ManualClock
) -> None:
    faults = [Unavailable("away")] * 5 + [ValueError("broken")] * 3
    met: list[str] = []

    async def run(_: LeasedJob) -> None:
        fault = faults.pop(0)
        met.append(str(fault))
        raise fault

    handler = JobHandler("errand", Errand, run, max_attempts=3)
    await _ask(database, 1)
    for _ in range(20):
        if faults:
            await JobRunner(database, [handler]).run_due()
            clock.advance(60)

    assert met == ["away"] * 5 + ["broken"] * 2
    assert await JobRunner(database, [handler]).run_due() == 0

"""Work that was given up: seen, tried again, and gone only when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from tests.partitions import from_above
from tintype.admin import Repairs
from tintype.admin.service.repairs import REPLAY, Replay
from tintype.database import (
    Consumer,
    ConsumerRunner,
    Database,
    Fold,
    Job,
    JobHandler,
    JobRunner,
    LeasedJob,
    Permanent,
    Relay,
    Transaction,
    counts,
    metadata,
)
from tintype.graph.events import Followed
from tintype.kernel.clock import ManualClock
from tintype.kernel.event import Event

ADA, BO = 5 << 10 | 1, 6 << 10 | 1


class Errand(msgspec.Struct):
    number: int


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


async def _dead_letter(database: Database, consumer: Consumer | Fold) -> None:
    """An event that the consumer gave up, as its group's runner would have left it."""
    async with database.write() as tx:
        tx.emit(Followed(follower=ADA, followee=BO))
    await Relay(database).drain()
    async with database.write() as tx:
        row = await tx.first(from_above(sa.select(metadata.tables["event_log"])))
        assert row is not None
        letter = {
            "shard": 0,
            "consumer_group": consumer.group,
            "position": row.position,
            "kind": row.kind,
            "payload": row.payload,
            "reason": "the disk was full",
            "at_ms": row.at_ms,
        }
        await tx.execute(sa.insert(metadata.tables["dead_letters"]), [letter])
    await ConsumerRunner(database, Consumer(consumer.group, (), _nothing)).catch_up()


async def _nothing(batch: Sequence[Event]) -> None:
    del batch


async def _run_replays(database: Database, repairs: Repairs) -> None:
    await JobRunner(database, [JobHandler(REPLAY, Replay, repairs.deliver)]).run_due()


async def _followers(database: Database) -> int:
    async with database.read() as reader:
        return (await counts.read(reader, [BO], ["followers"]))[BO]["followers"]


async def test_a_replayed_fold_takes_effect_once_and_is_gone(database: Database) -> None:
    fold = Fold("counters", (Followed,), counts.fold)
    repairs = Repairs(database, [fold])
    await _dead_letter(database, fold)

    asked = await repairs.replay()
    await _run_replays(database, repairs)
    await repairs.replay()
    await _run_replays(database, repairs)

    assert asked == 1
    assert await _followers(database) == 1
    assert await repairs.dead_letters(limit=10) == []


async def test_a_replayed_event_reaches_its_own_group(database: Database) -> None:
    seen: list[Event] = []

    async def handle(batch: Sequence[Event]) -> None:
        seen.extend(batch)

    repairs = Repairs(database, [Consumer("notes", (Followed,), handle)])
    await _dead_letter(database, Consumer("notes", (Followed,), handle))

    await repairs.replay(group="notes")
    await _run_replays(database, repairs)

    assert seen == [Followed(follower=ADA, followee=BO)]
    assert await repairs.dead_letters(limit=10) == []


async def test_what_fails_again_stays_with_its_new_reason(database: Database) -> None:
    async def fail(tx: Transaction, batch: Sequence[Event]) -> None:
        raise ValueError("still broken")

    fold = Fold("counters", (Followed,), fail)
    repairs = Repairs(database, [fold])
    await _dead_letter(database, fold)

    await repairs.replay()
    await _run_replays(database, repairs)

    letters = await repairs.dead_letters(limit=10)
    assert [letter.reason for letter in letters] == ["ValueError('still broken')"]
    assert await repairs.jobs(state=None, limit=10) == []


async def test_a_letter_for_a_group_that_is_not_here_stays(database: Database) -> None:
    fold = Fold("counters", (Followed,), counts.fold)
    await _dead_letter(database, fold)
    repairs = Repairs(database)

    await repairs.replay()
    await _run_replays(database, repairs)

    letters = await repairs.dead_letters(limit=10)
    assert "no consumer group counters" in letters[0].reason


async def test_a_dead_job_is_seen_and_tried_again(database: Database) -> None:
    done: list[int] = []
    broken = True

    async def run(job: LeasedJob) -> None:
        if broken:
            raise Permanent("no such street")
        done.append(job.payload.number)

    runner = JobRunner(database, [JobHandler("errands.run", Errand, run)])
    repairs = Repairs(database)
    async with database.write() as tx:
        await tx.enqueue(Job(kind="errands.run", shard=5, payload=Errand(7)))
    await runner.run_due()
    dead = await repairs.jobs(state="dead", limit=10)

    broken = False
    others = await repairs.retry(kind="media.process")
    queued = await repairs.retry(only=dead[0].id)
    await runner.run_due()

    assert [(job.kind, job.reason) for job in dead] == [("errands.run", "no such street")]
    assert (others, queued) == (0, 1)
    assert done == [7]
    assert await repairs.jobs(state=None, limit=10) == []

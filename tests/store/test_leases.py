"""Several processes share ranges of shards: each range has one holder, and a late one is fenced."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from tests.databases import manual_clock
from tintype.database import Database, LeaseLost
from tintype.database.leases import Lease, Leases, shard_ranges
from tintype.database.tables import consumer_offsets
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import SHARDS


@pytest.fixture
def clock() -> ManualClock:
    return manual_clock()


def _of(database: Database, holder: str, *, ranges: int = 4) -> Leases:
    return Leases(database, "relay", holder, ranges=ranges, seconds=15)


async def _work(database: Database, lease: Lease) -> None:
    async with database.write() as tx:
        await lease.hold(tx)
        row = {"shard": lease.first, "consumer_group": lease.holder, "position": lease.fence}
        await tx.execute(sa.insert(consumer_offsets), [row])


@pytest.mark.parametrize("count", [1, 3, 8, 64])
def test_ranges_cover_every_shard_once(count: int) -> None:
    covered = [shard for first, last in shard_ranges(count) for shard in range(first, last + 1)]

    assert covered == list(range(SHARDS))


async def test_the_only_process_holds_every_range(database: Database) -> None:
    held = await _of(database, "one").share()

    assert [(lease.first, lease.last) for lease in held] == list(shard_ranges(4))


async def test_two_processes_share_evenly_and_never_hold_the_same(
    database: Database, clock: ManualClock
) -> None:
    one, two = _of(database, "one"), _of(database, "two")
    await one.share()
    await two.share()

    for _ in range(3):
        clock.advance(5)
        await one.share()
        await two.share()

    assert len(one.held) == len(two.held) == 2
    assert {lease.first for lease in one.held}.isdisjoint(lease.first for lease in two.held)


async def test_two_that_grab_at_once_never_hold_the_same_range(database: Database) -> None:
    both = [_of(database, "one"), _of(database, "two")]

    await asyncio.gather(*(leases.share() for leases in both))

    firsts = [lease.first for leases in both for lease in leases.held]
    assert len(firsts) == len(set(firsts))


async def test_the_ranges_of_a_dead_process_are_taken_after_their_time(
    database: Database, clock: ManualClock
) -> None:
    dead, alive = _of(database, "dead"), _of(database, "alive")
    await dead.share()

    clock.advance(14)
    too_early = await alive.share()
    clock.advance(2)
    held = await alive.share()

    assert too_early == ()
    assert len(held) == 4
    assert {lease.fence for lease in held} == {2}


async def test_a_holder_that_slept_is_fenced_and_writes_nothing(
    database: Database, clock: ManualClock
) -> None:
    sleeper, other = _of(database, "sleeper", ranges=1), _of(database, "other", ranges=1)
    (stale,) = await sleeper.share()
    clock.advance(16)
    (fresh,) = await other.share()

    with pytest.raises(LeaseLost):
        await _work(database, stale)
    await _work(database, fresh)
    await sleeper.share()

    async with database.read() as reader:
        rows = await reader.all(
            sa.select(consumer_offsets).where(consumer_offsets.c.shard == fresh.first)
        )
    assert [(row.consumer_group, row.position) for row in rows] == [("other", 2)]
    assert sleeper.held == ()


async def test_a_takeover_waits_for_the_transaction_that_holds(
    database: Database, clock: ManualClock
) -> None:
    one, two = _of(database, "one", ranges=1), _of(database, "two", ranges=1)
    (lease,) = await one.share()
    clock.advance(16)

    holding = asyncio.Event()

    async def take_over() -> tuple[Lease, ...]:
        await holding.wait()
        return await two.share()

    takeover = asyncio.create_task(take_over())
    async with database.write() as tx:
        await lease.hold(tx)
        holding.set()
        await asyncio.sleep(0.2)
        taken_early = takeover.done()
    (taken,) = await takeover

    assert not taken_early
    assert taken.fence == lease.fence + 1


async def test_what_is_handed_back_is_free_at_once(database: Database) -> None:
    leaving, staying = _of(database, "leaving"), _of(database, "staying")
    await leaving.share()

    await leaving.release()

    assert leaving.held == ()
    assert len(await staying.share()) == 4


async def test_a_process_that_comes_back_under_its_old_lease_keeps_it(
    database: Database, clock: ManualClock
) -> None:
    one = _of(database, "one", ranges=1)
    (before,) = await one.share()

    clock.advance(60)
    (after,) = await one.share()

    assert after == before

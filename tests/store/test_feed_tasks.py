"""Stored tasks of fan-out: durable, in turns, and held by one worker at a time."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.databases import manual_clock
from tintype.adapters.memory.notices import MemoryNotices, MemoryStream
from tintype.database import Database, LeaseLost
from tintype.feed import store
from tintype.feed.model import Lane, Pace, Task, Waiting
from tintype.feed.service.tasks import IDLE_S, LEASE_S, StoredTasks
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of


@pytest.fixture
def clock() -> ManualClock:
    return manual_clock()


@pytest.fixture
def fleet(database: Database) -> Database:
    """The database, with other processes beside this one."""
    database.notices.listen_on(MemoryNotices(MemoryStream(8)))
    return database


def _post(database: Database, *, first: int = 0, shard: int = 7) -> Task:
    author = database.ids.next(shard)
    return Task(Lane.LO, author, database.ids.next(shard), first=first, shard=shard)


async def test_a_task_comes_back_from_where_it_was_left(database: Database) -> None:
    tasks, task = StoredTasks(database), _post(database)
    await tasks.add([task])
    await tasks.advance(task, 77)

    [found] = await StoredTasks(database).held()

    now = database.clock.now_ms()
    assert found == task._replace(after=77, since_ms=now)
    await tasks.finish(found)
    assert await tasks.held() == ()


async def test_a_task_that_is_added_again_stays_as_far_as_it_came(database: Database) -> None:
    tasks, task = StoredTasks(database), _post(database)
    await tasks.add([task])
    await tasks.advance(task, 77)

    await tasks.add([task, task._replace(first=5)])

    assert {each.first: each.after for each in await tasks.held()} == {0: 77, 5: 0}


async def test_however_much_one_owner_has_the_others_are_among_the_first(
    database: Database,
) -> None:
    tasks, viewer = StoredTasks(database), database.ids.next(3)
    await tasks.add([Task(Lane.BACKFILL, viewer, number, shard=3) for number in range(1, 1_200)])
    other = _post(database, shard=3)
    await tasks.add([other])

    found = Counter(task.owner for task in await tasks.held())

    assert found == {viewer: 4, other.owner: 1}


async def test_what_waits_is_told_by_lane(database: Database, clock: ManualClock) -> None:
    tasks, task = StoredTasks(database), _post(database)
    began = database.clock.now_ms()
    await tasks.add([task])
    clock.advance(5)
    await tasks.add([task._replace(first=9)])

    async with database.read() as reader:
        assert await store.waiting(reader) == {Lane.LO: Waiting(2, began)}


async def test_two_workers_hold_different_tasks(fleet: Database, clock: ManualClock) -> None:
    one, two = StoredTasks(fleet), StoredTasks(fleet)
    stored = [_post(fleet, shard=shard) for shard in range(0, 4096, 256)]
    await one.add(stored)
    await one.held()
    await two.held()
    clock.advance(LEASE_S / 2)  # time to share anew
    held = [*await one.held()]
    of_two = [*await two.held()]

    assert len(held) == len(of_two) == 8
    assert {task.subject for task in held + of_two} == {task.subject for task in stored}


async def test_a_worker_that_slept_can_not_note_anything(
    fleet: Database, clock: ManualClock
) -> None:
    asleep, awake, task = StoredTasks(fleet), StoredTasks(fleet), _post(fleet)
    await asleep.add([task])
    await asleep.held()
    clock.advance(LEASE_S + 1)
    [taken] = await awake.held()

    with pytest.raises(LeaseLost):
        await asleep.advance(task, 5)
    with pytest.raises(LeaseLost):
        await asleep.finish(task)
    await awake.advance(taken, 6)
    assert [each.after for each in await awake.held()] == [6]


async def test_leases_are_handed_back_once_nothing_waits(
    fleet: Database, clock: ManualClock
) -> None:
    one, two, task = StoredTasks(fleet), StoredTasks(fleet), _post(fleet)
    await one.add([task])
    await one.held()
    await one.finish(task)
    clock.advance(IDLE_S + 1)
    await one.held()
    await two.add([task])

    assert [each.subject for each in await two.held()] == [task.subject]


async def test_a_task_lies_in_the_shard_that_it_names(database: Database) -> None:
    task = _post(database, shard=9)
    assert shard_of(task.owner) == 9
    async with database.write() as tx:
        await store.add_tasks(tx, [task])
        assert len(await store.first_tasks(tx, 9, 9)) == 1
        assert await store.first_tasks(tx, 10, 4095) == []
        await store.end_task(tx, task)
        assert not await store.any_task(tx)


async def test_the_pace_is_kept(database: Database) -> None:
    async with database.write() as tx:
        assert await store.pace(tx) is None
        await store.put_pace(tx, Pace(1.0, 0.5))
        await store.put_pace(tx, Pace(2_000.0, 0.25))
        assert await store.pace(tx) == (Pace(2_000.0, 0.25), tx.now_ms())

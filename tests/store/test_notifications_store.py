from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tintype.database import Database
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import MAX_ID, shard_of
from tintype.notifications import store
from tintype.notifications.model import LATEST, Group, Note, Withdrawal
from tintype.notifications.service.folding import fold

ADA, POST = 7 << 10 | 1, 7 << 10 | 2
DAY_S = 24 * 3600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


def _like(actor: int) -> Note:
    return Note(account=ADA, kind="like", subject=POST, actor=actor, post=POST)


def _unlike(actor: int) -> Withdrawal:
    return Withdrawal(account=ADA, kind="like", subject=POST, actor=actor)


async def _fold(database: Database, *changes: Note | Withdrawal) -> list[Group]:
    """The groups after these changes, the newest first."""
    async with database.write() as tx:
        await fold(tx, database, changes)
    async with database.read() as reader:
        return await store.newest(reader, ADA, below=MAX_ID, limit=10)


def _held(groups: list[Group]) -> list[tuple[int, tuple[int, ...]]]:
    return [(group.actors, group.latest) for group in groups]


async def test_notes_of_a_day_fold_with_the_latest_first(database: Database) -> None:
    groups = await _fold(database, _like(10), _like(11), _like(12))

    assert _held(groups) == [(3, (12, 11, 10))]


async def test_the_same_note_again_changes_nothing(database: Database, clock: ManualClock) -> None:
    before = await _fold(database, _like(10), _like(10))
    clock.advance(DAY_S)

    assert await _fold(database, _like(10)) == before


async def test_notes_of_another_day_make_another_group(
    database: Database, clock: ManualClock
) -> None:
    await _fold(database, _like(10), _like(11))
    clock.advance(DAY_S)

    assert _held(await _fold(database, _like(12))) == [(1, (12,)), (2, (11, 10))]


async def test_a_note_withdrawn_twice_leaves_once(database: Database) -> None:
    await _fold(database, _like(10), _like(11))

    groups = await _fold(database, _unlike(10), _unlike(10))

    assert _held(groups) == [(1, (11,))]


async def test_what_was_never_noted_can_be_withdrawn(database: Database) -> None:
    assert await _fold(database, _unlike(10)) == []


async def test_the_last_one_to_leave_takes_the_group_along(database: Database) -> None:
    assert await _fold(database, _like(10), _unlike(10)) == []


async def test_who_comes_back_the_same_day_comes_back_quietly(database: Database) -> None:
    before = await _fold(database, _like(10))
    await _fold(database, _unlike(10))

    assert await _fold(database, _like(10)) == before


async def test_who_comes_back_another_day_is_news(database: Database, clock: ManualClock) -> None:
    before = await _fold(database, _like(10))
    await _fold(database, _unlike(10))
    clock.advance(DAY_S)

    after = await _fold(database, _like(10))

    assert _held(after) == [(1, (10,))]
    assert after[0].id > before[0].id
    assert after[0].day == before[0].day + 1


async def test_a_whole_history_delivered_again_ends_the_same(database: Database) -> None:
    history: list[Note | Withdrawal] = [
        _like(10),
        _like(11),
        _unlike(10),
        _like(12),
        _unlike(12),
        _like(12),
    ]
    for change in history:
        one_by_one = await _fold(database, change)

    assert _held(await _fold(database, *history)) == _held(one_by_one) == [(2, (11, 12))]


async def test_a_history_in_one_batch_ends_as_one_by_one(database: Database) -> None:
    groups = await _fold(database, _like(10), _like(11), _unlike(11), _like(12), _unlike(10))

    assert _held(groups) == [(1, (12,))]


async def test_faces_are_looked_up_again_when_the_latest_leave(database: Database) -> None:
    crowd = range(10, 30)
    before = await _fold(database, *(_like(actor) for actor in crowd))

    after = await _fold(database, *(_unlike(actor) for actor in before[0].latest))

    assert before[0].latest == tuple(range(29, 21, -1))
    assert _held(after) == [(20 - LATEST, tuple(range(21, 13, -1)))]


async def test_the_hidden_among_many_can_be_counted(database: Database) -> None:
    groups = await _fold(database, *(_like(actor) for actor in range(10, 30)), _unlike(15))

    async with database.read() as reader:
        assert await store.count_among(reader, groups[0], [12, 15, 99]) == 1


async def test_an_erased_actor_leaves_every_group(database: Database) -> None:
    follow = Note(account=ADA, kind="follow", subject=0, actor=10)
    await _fold(database, _like(10), _like(11), follow)

    async with database.write() as tx:
        told = await store.notes_by(tx, 10, 100)
        await fold(tx, database, told)
        await store.forget_notes(tx, told)

    assert _held(await _fold(database)) == [(1, (11,))]
    async with database.read() as reader:
        assert await store.notes_by(reader, 10, 100) == []


async def test_what_is_too_old_goes_and_the_rest_stays(
    database: Database, clock: ManualClock
) -> None:
    await _fold(database, _like(10))
    clock.advance(DAY_S)
    bound = database.ids.next(shard_of(ADA))
    await _fold(database, _like(11))

    async with database.write() as tx:
        dropped = await store.forget_below(tx, bound, 100)
        left = await store.forget_below(tx, bound, 100)

    assert (dropped, left) == (2, 0)
    assert _held(await _fold(database)) == [(1, (11,))]

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tintype.database import SqliteDatabase, metadata
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import MAX_ID, shard_of
from tintype.notifications import store
from tintype.notifications.model import Note, Withdrawal

CLOCK = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
ADA, POST = 7 << 10 | 1, 7 << 10 | 2
MONDAY, TUESDAY = 20_000, 20_001


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(tmp_path / "tintype.sqlite", CLOCK)
    metadata.create_all(opened.engine)
    yield opened
    await opened.close()


def _like(actor: int) -> Note:
    return Note(account=ADA, kind="like", subject=POST, actor=actor, post=POST)


def _unlike(actor: int) -> Withdrawal:
    return Withdrawal(account=ADA, kind="like", subject=POST, actor=actor)


async def _add(database: SqliteDatabase, note: Note, day: int = MONDAY) -> bool:
    async with database.write() as tx:
        return await store.add(tx, note, id_=database.ids.next(shard_of(ADA)), day=day)


async def _withdraw(database: SqliteDatabase, withdrawal: Withdrawal) -> bool:
    async with database.write() as tx:
        return await store.withdraw(tx, withdrawal)


async def _groups(database: SqliteDatabase) -> list[tuple[int, int]]:
    async with database.read() as reader:
        groups = await store.newest(reader, ADA, below=MAX_ID, limit=10)
    return [(group.day, group.actors) for group in groups]


async def test_the_same_note_twice_changes_nothing(database: SqliteDatabase) -> None:
    first = await _add(database, _like(10))
    again = await _add(database, _like(10), day=TUESDAY)

    assert (first, again) == (True, False)
    assert await _groups(database) == [(MONDAY, 1)]


async def test_notes_of_another_day_make_another_group(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    await _add(database, _like(11))
    await _add(database, _like(12), day=TUESDAY)

    assert await _groups(database) == [(TUESDAY, 1), (MONDAY, 2)]


async def test_a_note_withdrawn_twice_leaves_once(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    await _add(database, _like(11))

    first = await _withdraw(database, _unlike(10))
    again = await _withdraw(database, _unlike(10))

    assert (first, again) == (True, False)
    assert await _groups(database) == [(MONDAY, 1)]


async def test_the_last_one_to_leave_takes_the_group_along(database: SqliteDatabase) -> None:
    await _add(database, _like(10))

    await _withdraw(database, _unlike(10))

    assert await _groups(database) == []


async def test_who_comes_back_the_same_day_comes_back_quietly(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    async with database.read() as reader:
        before = (await store.newest(reader, ADA, below=MAX_ID, limit=1))[0].id
    await _withdraw(database, _unlike(10))

    await _add(database, _like(10))

    async with database.read() as reader:
        after = (await store.newest(reader, ADA, below=MAX_ID, limit=1))[0]
    assert (after.id, after.actors) == (before, 1)


async def test_who_comes_back_another_day_is_news(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    await _withdraw(database, _unlike(10))

    await _add(database, _like(10), day=TUESDAY)

    assert await _groups(database) == [(TUESDAY, 1)]


async def test_a_whole_history_delivered_again_ends_the_same(database: SqliteDatabase) -> None:
    history: list[Note | Withdrawal] = [
        _like(10),
        _like(11),
        _unlike(10),
        _like(12),
        _unlike(12),
        _like(12),
    ]
    for _ in range(2):
        for change in history:
            if isinstance(change, Note):
                await _add(database, change)
            else:
                await _withdraw(database, change)

    assert await _groups(database) == [(MONDAY, 2)]


async def test_an_erased_actor_leaves_every_group(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    await _add(database, _like(11))
    await _add(database, Note(account=ADA, kind="follow", subject=0, actor=10))

    async with database.write() as tx:
        dropped = await store.forget_actor(tx, 10, 100)

    assert dropped == 2
    assert await _groups(database) == [(MONDAY, 1)]


async def test_what_is_too_old_goes_and_the_rest_stays(database: SqliteDatabase) -> None:
    await _add(database, _like(10))
    bound = database.ids.next(shard_of(ADA))
    await _add(database, _like(11), day=TUESDAY)

    async with database.write() as tx:
        dropped = await store.forget_below(tx, bound, 100)
        left = await store.forget_below(tx, bound, 100)

    assert (dropped, left) == (2, 0)
    assert await _groups(database) == [(TUESDAY, 1)]

"""Rows by their ids: each once, however many are asked for, and found by their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tintype.database import ById, Database, SqliteDatabase, counts, metadata
from tintype.database.by_id import SIZES
from tintype.database.tables import counts as table
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import shard_of

KEPT = 80


async def _kept(database: Database) -> list[int]:
    subjects = [database.ids.next(number * 37 % 4096) for number in range(KEPT)]
    rows = [
        {"shard": shard_of(subject), "subject": subject, "name": name, "value": 1}
        for subject in subjects
        for name in ("likes", "comments")
    ]
    async with database.write() as tx:
        await tx.execute(sa.insert(table), rows)
    return subjects


@pytest.mark.parametrize("asked", [0, 1, 2, 24, 25, 72, 73, KEPT])
async def test_every_row_of_the_ids_that_are_asked_for_comes_once(
    database: Database, asked: int
) -> None:
    subjects = await _kept(database)
    query = sa.select(table).where(table.c.name == sa.bindparam("counted"))
    unknown = [database.ids.next(9), database.ids.next(10)] if asked else []

    async with database.read() as reader:
        rows = await ById(query, table.c.subject).all(
            reader, subjects[:asked] * 2 + unknown, {"counted": "likes"}
        )

    assert sorted(row.subject for row in rows) == sorted(subjects[:asked])


async def test_the_order_of_a_query_holds_for_the_rows_of_each_id(database: Database) -> None:
    subjects = await _kept(database)
    query = sa.select(table).order_by(table.c.subject, table.c.name)

    async with database.read() as reader:
        rows = await ById(query, table.c.subject).all(reader, subjects)

    assert [row.name for row in rows] == ["comments", "likes"] * KEPT


async def test_what_was_never_counted_is_nought(database: Database) -> None:
    subjects = await _kept(database)
    other = database.ids.next(3)

    async with database.read() as reader:
        found = await counts.read(reader, [other, *subjects], ["likes", "replies"])

    assert found[other] == {"likes": 0, "replies": 0}
    assert found[subjects[0]] == {"likes": 1, "replies": 0}
    assert len(found) == 1 + KEPT


async def test_each_row_is_searched_by_its_whole_key(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "keys.sqlite", SystemClock())
    metadata.create_all(database.engine)
    asked = ById(sa.select(table), table.c.subject)

    @sa.event.listens_for(database.engine, "before_cursor_execute", retval=True)
    def explain(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> tuple[str, object]:
        return f"EXPLAIN QUERY PLAN {statement}", parameters

    for size in SIZES:
        ids = [database.ids.next(number) for number in range(size)]
        async with database.read() as reader:
            plan = [str(tuple(row)[-1]) for row in await asked.all(reader, ids)]
        steps = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
        assert len(steps) == size
        assert all("(shard=? AND subject=?)" in step for step in steps)
    await database.close()

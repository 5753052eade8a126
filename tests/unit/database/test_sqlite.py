from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tintype.database import DatabaseUnavailable, DiskFull, SqliteDatabase, metadata, upsert
from tintype.database.tables import counts
from tintype.kernel.clock import SystemClock
from tintype.kernel.notice import Notice


def row(subject: int, value: int = 1) -> dict[str, object]:
    return {"shard": 0, "subject": subject, "name": "likes", "value": value}


ALL = sa.select(counts.c.subject).where(counts.c.shard == 0).order_by(counts.c.subject)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(tmp_path / "t.sqlite", SystemClock())
    metadata.create_all(opened.engine)
    yield opened
    await opened.close()


async def stored(database: SqliteDatabase) -> list[int]:
    async with database.read() as reader:
        return [found.subject for found in await reader.all(ALL)]


async def test_a_reader_sees_nothing_before_the_commit_and_all_of_it_after(
    database: SqliteDatabase,
) -> None:
    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(1)])
        assert [found.subject for found in await tx.all(ALL)] == [1]
        assert await stored(database) == []

    assert await stored(database) == [1]


async def test_an_exception_leaves_nothing_behind_and_harms_no_neighbour(
    database: SqliteDatabase,
) -> None:
    async def write(subject: int) -> None:
        async with database.write() as tx:
            await tx.execute(sa.insert(counts), [row(subject)])
            if subject % 3 == 0:
                raise ValueError(subject)

    results = await asyncio.gather(*[write(each) for each in range(60)], return_exceptions=True)

    assert sum(isinstance(result, ValueError) for result in results) == 20
    assert await stored(database) == [each for each in range(60) if each % 3]


async def test_waiting_transactions_share_their_fsyncs(database: SqliteDatabase) -> None:
    commits = 0

    def trace(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    database._raw.set_trace_callback(trace)

    async def write(subject: int) -> None:
        async with database.write() as tx:
            await tx.execute(sa.insert(counts), [row(subject)])

    await asyncio.gather(*[write(each) for each in range(200)])

    assert len(await stored(database)) == 200
    assert commits < 20


class Written(Notice, frozen=True, kw_only=True, tag="written"):
    row: int


async def test_notices_are_told_after_the_commit_and_before_the_caller_goes_on(
    database: SqliteDatabase,
) -> None:
    seen: list[list[int]] = []
    other = sqlite3.connect(str(database.engine.url.database))
    database.notices.hear(
        Written,
        lambda _: seen.append([n for (n,) in other.execute("select subject from counts")]),
    )

    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(1)])
        tx.notify(Written(row=1))

    assert seen == [[1]]
    other.close()


async def test_a_rolled_back_transaction_tells_nobody(database: SqliteDatabase) -> None:
    heard: list[Written] = []
    database.notices.hear(Written, heard.append)

    with pytest.raises(ValueError, match="no"):
        async with database.write() as tx:
            tx.notify(Written(row=1))
            raise ValueError("no")

    assert heard == []


async def test_a_cancelled_caller_does_not_take_a_commit_back(database: SqliteDatabase) -> None:
    entered = asyncio.Event()

    async def write() -> None:
        async with database.write() as tx:
            await tx.execute(sa.insert(counts), [row(1)])
            entered.set()

    task = asyncio.create_task(write())
    await entered.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(2)])

    assert 2 in await stored(database)


async def test_a_transaction_inside_a_transaction_is_refused_instead_of_waiting_for_ever(
    database: SqliteDatabase,
) -> None:
    async with database.write():
        with pytest.raises(RuntimeError, match="already open"):
            async with database.write():
                pass


async def test_a_full_disk_refuses_writes_loses_nothing_and_goes_on_reading(
    database: SqliteDatabase,
) -> None:
    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(1)])
    pages = database._raw.execute("PRAGMA page_count").fetchone()[0]
    database._raw.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(DiskFull):
        async with database.write() as tx:
            for subject in range(2, 3000):
                await tx.execute(sa.insert(counts), [row(subject)])

    assert await stored(database) == [1]
    database._raw.execute("PRAGMA max_page_count=1000000")
    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(2)])
    assert await stored(database) == [1, 2]


async def test_after_a_failed_fsync_nothing_more_is_written(tmp_path: Path) -> None:
    heard: list[BaseException] = []
    database = SqliteDatabase(tmp_path / "t.sqlite", SystemClock(), on_fatal=heard.append)
    metadata.create_all(database.engine)
    real = database._raw

    class FailingCommit:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def execute(self, statement: str) -> object:
            if statement == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return real.execute(statement)

    database._raw = FailingCommit()

    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            async with database.write() as tx:
                await tx.execute(sa.insert(counts), [row(1)])

    assert len(heard) == 1
    assert await stored(database) == []
    database._raw = real
    await database.close()


async def test_upsert_inserts_updates_or_leaves_alone(database: SqliteDatabase) -> None:
    index = ["shard", "subject", "name"]
    async with database.write() as tx:
        assert await tx.execute(upsert(counts, row(1, 5), index=index)) == 1
        assert await tx.execute(upsert(counts, row(1, 7), index=index)) == 0
        assert await tx.execute(upsert(counts, row(1, 7), index=index, update=["value"])) == 1
        added = {"value": counts.c.value + 1}
        await tx.execute(upsert(counts, row(1, 9), index=index, update=added))
        value = await tx.scalar(
            sa.select(counts.c.value).where(counts.c.shard == 0, counts.c.subject == 1)
        )

    assert value == 8


async def test_what_was_deleted_is_nowhere_on_disk_once_the_log_is_emptied(
    database: SqliteDatabase,
) -> None:
    folder = Path(str(database.engine.url.database)).parent
    canary = "canary-of-a-deleted-row"
    async with database.write() as tx:
        await tx.execute(sa.insert(counts), [row(1) | {"name": canary}])
    async with database.write() as tx:
        await tx.execute(sa.delete(counts).where(counts.c.shard == 0))

    await database.empty_log()

    assert not any(canary.encode() in path.read_bytes() for path in folder.iterdir())

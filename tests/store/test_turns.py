"""The embedded database knows how long a write will wait for the others."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from tintype.database.sqlite import SqliteDatabase
from tintype.kernel.clock import SystemClock

PATIENCE_S = 30


async def test_a_write_that_waits_is_counted_until_its_turn_comes(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "turns.db", SystemClock())
    inside, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.write():
            inside.set()
            await go.wait()

    async def write() -> None:
        async with database.write():
            pass

    holder = asyncio.create_task(hold())
    await asyncio.wait_for(inside.wait(), PATIENCE_S)
    writers = [asyncio.create_task(write()) for _ in range(4)]
    await asyncio.sleep(0)
    waiting = database._turns.waiting
    writers[0].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writers[0]
    after_one_left = database._turns.waiting
    go.set()
    await asyncio.wait_for(asyncio.gather(holder, *writers[1:]), PATIENCE_S)

    assert (waiting, after_one_left, database._turns.waiting) == (4, 3, 0)
    assert database._turns.each_s > 0
    assert database.expected_write_s() == 0
    assert database.expected_write_s(10) == database._turns.each_s * 20
    await database.close()

"""How far a video is, written down now and then for its author to see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.media import store

# Each report is a commit: seldom enough to be nothing, often enough for a bar that moves.
_EVERY_S = 2.0


@contextlib.asynccontextmanager
async def metered(database: Database, upload: Id) -> AsyncIterator[Callable[[int], None]]:
    """A function to tell percents to; the latest of them reaches the upload every two seconds."""
    latest = 0
    news = asyncio.Event()

    def told(percent: int) -> None:
        nonlocal latest
        latest = percent
        news.set()

    async def report() -> None:
        while True:
            await news.wait()
            news.clear()
            async with database.write() as tx:
                await store.change(tx, upload, {"progress": latest}, only_in=("processing",))
            await asyncio.sleep(_EVERY_S)

    reporter = asyncio.create_task(report())
    try:
        yield told
    finally:
        reporter.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporter

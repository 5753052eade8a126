"""``tintype serve`` with one planted fault, so that an experiment can prove that it sees it."""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from unittest.mock import patch

from tintype.config import load
from tintype.database import SqliteDatabase, Transaction
from tintype.database.sqlite import _Pending
from tintype.entry import logs
from tintype.entry.http import serve
from tintype.entry.settings import Settings
from tintype.explore import Explore


def forget_answers() -> None:
    """Retries are not recognised: what was done is done again."""

    async def answer(_: Transaction, __: object) -> None:
        """Keep nothing."""

    patch.object(Transaction, "answer", answer).start()
    from tintype.http.keys import Keeper

    async def run(_: Any, request: Any, __: Any, ___: Any, work: Any) -> Any:
        response = await work(request)
        # Answers take their time, so that a kill often comes between the effect and its answer.
        await asyncio.sleep(0.3)
        return response

    patch.object(Keeper, "run", run).start()


def lose_events() -> None:
    """Effects are stored, the facts about them are not."""

    async def store(_: Transaction) -> None:
        """Store nothing."""

    patch.object(Transaction, "_store_events", store).start()


def acknowledge_early() -> None:
    """Callers are told "done" before anything is committed, and commits come seldom."""
    honest = SqliteDatabase._commit_in_turn

    async def lazy(self: SqliteDatabase) -> None:
        await asyncio.sleep(1.0)
        await honest(self)

    patch.object(SqliteDatabase, "_commit_in_turn", lazy).start()
    made = _Pending.__init__

    def durable_soon(self: _Pending, *told: Any) -> None:
        made(self, *told)
        asyncio.get_running_loop().call_later(0.01, self.durable.set_result, None)

    patch.object(_Pending, "__init__", durable_soon).start()


def break_search() -> None:
    """Whoever looks for more than plain letters meets a bug."""
    honest = Explore.search

    async def search(self: Explore, text: str, **options: Any) -> Any:
        text.encode("ascii")
        return await honest(self, text, **options)

    patch.object(Explore, "search", search).start()


FAULTS = {
    "forget-answers": forget_answers,
    "lose-events": lose_events,
    "acknowledge-early": acknowledge_early,
    "break-search": break_search,
}

if __name__ == "__main__":
    logs.configure()
    FAULTS[sys.argv[1]]()
    sys.exit(asyncio.run(serve(load(Settings))))

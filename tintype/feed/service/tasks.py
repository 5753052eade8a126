"""Where fan-out keeps what it could not do at once: durable, and held by one worker at a time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Protocol

from tintype.database import Database, LeaseLost, Transaction
from tintype.database.leases import Lease, Leases
from tintype.feed import store
from tintype.feed.model import Task
from tintype.kernel.ids import SHARDS, Id

RANGES = 16
"""Workers that can share the tasks."""
LEASE_S = 15.0
IDLE_S = 30.0
"""How long leases are kept while nothing waits: without work nobody writes anything."""


class Tasks(Protocol):
    """Durable tasks. Every method may raise ``Unavailable``; the effect is then unknown, and
    repeating it is safe.
    """

    async def add(self, tasks: Sequence[Task]) -> None:
        """Store them before returning. One that is there already stays as far as it came."""
        ...

    async def held(self) -> Sequence[Task]:
        """Some of the tasks that this process may carry, the first ones of every owner."""
        ...

    async def advance(self, task: Task, after: Id) -> None:
        """Remember how far a task came.

        Raises:
            LeaseLost: others may have taken it over: leave it to them.
        """
        ...

    async def finish(self, task: Task) -> None:
        """Forget a task that is done. Raises ``LeaseLost`` as ``advance`` does."""
        ...

    async def woken(self, seconds: float) -> None:
        """Return when tasks were added here, or after so long."""
        ...


class StoredTasks:
    """Tasks in the database. Processes share them by ranges of shards under leases, which are taken
    when there is something to do; a process that is alone on its database needs none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = Leases(
            database, "fan-out", secrets.token_hex(8), ranges=RANGES, seconds=LEASE_S
        )
        self._added = asyncio.Event()
        self._renew_at_ms = 0
        self._busy_until_ms = 0

    async def add(self, tasks: Sequence[Task]) -> None:
        async with self._database.write() as tx:
            await store.add_tasks(tx, tasks)
        self._added.set()

    async def held(self) -> Sequence[Task]:
        async with self._database.read() as reader:
            if not await store.any_task(reader):
                await self._rest()
                return ()
        found: list[Task] = []
        for first, last in await self._ranges():
            async with self._database.read() as reader:
                found += await store.first_tasks(reader, first, last)
        return found

    async def advance(self, task: Task, after: Id) -> None:
        async with self._database.write() as tx:
            await self._hold(tx, task)
            await store.move_task(tx, task, after)

    async def finish(self, task: Task) -> None:
        async with self._database.write() as tx:
            await self._hold(tx, task)
            await store.end_task(tx, task)

    async def woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._added.wait(), seconds)
        self._added.clear()

    async def close(self) -> None:
        """Hand back what is held, so that others go on at once."""
        if self._leases.held:
            await self._leases.release()

    async def _ranges(self) -> Sequence[tuple[int, int]]:
        if self._database.notices.alone:
            return ((0, SHARDS - 1),)
        now = self._database.clock.now_ms()
        self._busy_until_ms = now + round(IDLE_S * 1000)
        if now >= self._renew_at_ms or not self._leases.held:
            self._renew_at_ms = now + round(LEASE_S * 1000 / 3)
            await self._leases.share()
        return [(lease.first, lease.last) for lease in self._leases.held]

    async def _rest(self) -> None:
        """Nothing waits: leases run on for a while, and are handed back then."""
        if not self._leases.held:
            return
        now = self._database.clock.now_ms()
        if now >= self._busy_until_ms:
            await self._leases.release()
        elif now >= self._renew_at_ms:
            self._renew_at_ms = now + round(LEASE_S * 1000 / 3)
            await self._leases.share()

    async def _hold(self, tx: Transaction, task: Task) -> None:
        if self._database.notices.alone:
            return
        lease = self._lease_of(task)
        if lease is None:
            raise LeaseLost
        await lease.hold(tx)

    def _lease_of(self, task: Task) -> Lease | None:
        held = self._leases.held
        return next((each for each in held if each.first <= task.shard <= each.last), None)

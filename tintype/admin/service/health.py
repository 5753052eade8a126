"""Whether this process lives, and whether it can take requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from tintype.admin import store
from tintype.admin.model import Finding, Health
from tintype.database import Database
from tintype.kernel.problem import Problem

Check = Callable[[], Awaitable[Finding]]

BEAT_S = 0.5
_STALL_S = 30.0
_KEPT_S = 1.0
_CHECK_S = 5.0


class HealthWatch:
    """Runs the checks when asked, at most once a second however many ask."""

    def __init__(self, database: Database, checks: Sequence[Check]) -> None:
        self._database = database
        self._checks = [self._writes, *checks]
        self._draining = False
        self._look: asyncio.Task[Health] | None = None
        self._looked_at = float("-inf")
        self._beat_at = time.monotonic()
        self.loop_lag_s = 0.0

    async def beat(self) -> None:
        """Note that the event loop still turns; to be called every ``BEAT_S`` seconds."""
        now = time.monotonic()
        self.loop_lag_s = max(0.0, now - self._beat_at - BEAT_S)
        self._beat_at = now

    def alive(self) -> bool:
        """False when the heartbeat stopped: the background work of this process is gone."""
        return time.monotonic() - self._beat_at < _STALL_S

    def drain(self) -> None:
        """From now on say that no new requests should come; those under way are answered."""
        self._draining = True

    async def look(self) -> Health:
        """What every check finds; a check that hangs or breaks has failed."""
        if self._draining:
            return Health([Finding("process", "failed", "It is being stopped.")])
        now = time.monotonic()
        if self._look is None or now - self._looked_at > _KEPT_S:
            self._looked_at = now
            self._look = asyncio.create_task(self._look_now())
        return await asyncio.shield(self._look)

    async def _look_now(self) -> Health:
        return Health(await asyncio.gather(*(_bounded(check) for check in self._checks)))

    async def _writes(self) -> Finding:
        async with self._database.write() as tx:
            await store.write_probe(tx, "readiness", self._database.clock.now_ms())
        return Finding("database")


async def _bounded(check: Check) -> Finding:
    name = check.__name__.strip("_")
    try:
        async with asyncio.timeout(_CHECK_S):
            return await check()
    except TimeoutError:
        return Finding(name, "failed", f"No answer within {_CHECK_S:g} seconds.")
    except Problem as problem:
        return Finding(name, "failed", problem.title() + ".")
    except Exception as error:  # noqa: BLE001 - whatever breaks a check is its finding
        return Finding(name, "failed", f"{type(error).__name__}: {error}")

"""A mover that dies between any two of its effects loses nothing, and the next one finishes.

Every effect on the stores and the database is counted; in run n the process dies before its nth
effect, and in another right after it. What it had in hand is then found as it was left.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.depot import Depot
from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.database import SqliteDatabase, Transaction, metadata
from tintype.kernel.clock import ManualClock
from tintype.media.service.tiers import COLD, Audit, Mover, Plan, TierSettings
from tintype.media.store.objects import MAIN

DAY = 24 * 3600
DATA = os.urandom(600_000)
MOST = 60


class Killed(BaseException):
    """The process is no more."""


class Doom:
    """Counts effects and kills at the chosen one; from then on nothing has an effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after = at, after
        self.count = 0
        self.dead = False

    def before(self) -> None:
        self.count += 1
        if self.dead or (self.count >= self.at and not self.after):
            self.dead = True
            raise Killed

    def passed(self) -> None:
        if self.count >= self.at:
            self.dead = True
            raise Killed


class Mortal:
    """A store or database as a process sees it that will die."""

    def __init__(self, real: Any, doom: Doom) -> None:
        self._real, self._doom = real, doom

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class MortalBlobs(Mortal):
    async def pour(self, key: str, pieces: AsyncIterator[bytes], **about: Any) -> Any:
        self._doom.before()

        async def doomed() -> AsyncIterator[bytes]:
            async for piece in pieces:
                self._doom.before()
                yield piece

        stored = await self._real.pour(key, doomed(), **about)
        self._doom.passed()
        return stored

    async def delete(self, key: str) -> None:
        self._doom.before()
        await self._real.delete(key)
        self._doom.passed()


class MortalDatabase(Mortal):
    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        self._doom.before()
        async with self._real.write() as tx:
            yield tx
        self._doom.passed()


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
async def depot(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Depot]:
    database = SqliteDatabase(tmp_path / "test.sqlite", clock)
    metadata.create_all(database.engine)
    roomy = DiskSettings(free_floor=0)
    stores = {
        name: DiskBlobs(tmp_path / name, secret=b"k" * 32, settings=roomy) for name in (MAIN, COLD)
    }
    yield Depot(database, stores, TierSettings())
    for each in stores.values():
        each.close()
    await database.close()


def _doomed(depot: Depot, doom: Doom) -> Mover:
    stores: Any = {name: MortalBlobs(each, doom) for name, each in depot.stores.items()}
    database: Any = MortalDatabase(depot.database, doom)
    return Mover(database, stores, Plan(depot.settings, stores), "doomed")


async def _dies(work: Callable[[], Any]) -> bool:
    try:
        await work()
    except Killed:
        return True
    except BaseExceptionGroup as group:
        return bool(group.subgroup(Killed))
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("way", ["moving", "restoring"])
async def test_nothing_is_lost_wherever_a_mover_dies(
    depot: Depot, clock: ManualClock, way: str, after: bool
) -> None:
    died = 0
    for at in range(1, MOST):
        upload = await depot.keep(DATA)
        clock.advance(31 * DAY)
        if way == "restoring":
            await depot.mover().run_due()
            clock.advance(3600)
            await depot.change(await depot.original(upload), state="restoring", target=MAIN)
        doom = Doom(at, after=after)
        seen = await depot.original(upload)

        killed = await _dies(lambda: _doomed(depot, doom).advance(seen))  # noqa: B023 - called here

        read = await depot.blobs.read(seen.key)
        assert hashlib.sha256(read).digest() == hashlib.sha256(DATA).digest(), f"effect {at}"
        clock.advance(3600)
        await depot.mover().run_due()
        await depot.mover().run_due()
        original = await depot.original(upload)
        expected = COLD if way == "moving" else MAIN
        assert (original.state, original.place) == ("resting", expected), f"effect {at}"
        assert await depot.where(upload) == [expected], f"effect {at}"
        assert await depot.blobs.read(seen.key) == DATA
        if not killed:
            break
        died += 1
    assert died > 6
    assert not killed
    found = await Audit(depot.database, depot.stores, grace_ms=0).run(hashes=True)
    assert found.clean, found.offences

"""Originals that come back: at once from what is quick, after hours from an archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.depot import Depot
from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.database import Database, Job, JobHandler, JobRunner, LeasedJob
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of
from tintype.media.errors import OriginalMissing, UploadNotFound
from tintype.media.model import Work
from tintype.media.service.tiers import (
    COLD,
    RESTORE,
    Mover,
    Originals,
    TierSettings,
    needing_originals,
)
from tintype.media.store.objects import MAIN, forget_objects
from tintype.ports.blobs import Speed, Standing
from tintype.ports.errors import Asleep

DAY, HOUR = 24 * 3600, 3600
ADA = (1 << 22) | (5 << 10)


class Archive(DiskBlobs):
    """A folder that behaves like the classes of archives: read hours after it was asked."""

    def __init__(self, root: Path, clock: ManualClock) -> None:
        super().__init__(root, secret=b"k" * 32, settings=DiskSettings(free_floor=0))
        self._time = clock
        self._asleep: set[str] = set()
        self._asked: dict[str, int] = {}
        self.requests: list[tuple[str, int, Speed]] = []

    async def regrade(self, key: str, grade: str) -> None:
        await self.head(key)
        self._asleep.add(key)

    async def standing(self, key: str) -> Standing:
        await self.head(key)
        if key not in self._asleep:
            return Standing()
        asked = self._asked.get(key)
        awake = asked is not None and self._time.now_ms() - asked >= 5 * HOUR * 1000
        return Standing("GLACIER", awake=awake, waking=asked is not None and not awake)

    async def wake(self, key: str, *, days: int, speed: Speed) -> None:
        if not (await self.standing(key)).awake and key not in self._asked:
            self._asked[key] = self._time.now_ms()
            self.requests.append((key, days, speed))

    async def stream(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        if not (await self.standing(key)).awake:
            raise Asleep(key)
        async for piece in super().stream(key, start=start, length=length):
            yield piece

    async def delete(self, key: str) -> None:
        await super().delete(key)
        self._asleep.discard(key)
        self._asked.pop(key, None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
async def quick(database: Database, tmp_path: Path) -> AsyncIterator[Depot]:
    roomy = DiskSettings(free_floor=0)
    stores = {
        name: DiskBlobs(tmp_path / name, secret=b"k" * 32, settings=roomy) for name in (MAIN, COLD)
    }
    yield Depot(database, stores, TierSettings())
    for each in stores.values():
        each.close()


@pytest.fixture
async def slow(database: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Depot]:
    main = DiskBlobs(tmp_path / MAIN, secret=b"k" * 32, settings=DiskSettings(free_floor=0))
    stores = {MAIN: main, COLD: Archive(tmp_path / COLD, clock)}
    yield Depot(database, stores, TierSettings(cold_class="GLACIER"))
    for each in stores.values():
        each.close()


def _originals(depot: Depot) -> tuple[Originals, Mover]:
    mover = depot.mover()
    return Originals(depot.database, depot.blobs, mover), mover


async def _run_jobs(depot: Depot, originals: Originals, *more: JobHandler) -> None:
    bring = JobHandler(RESTORE, Work, originals.bring)
    await JobRunner(depot.database, [bring, *more]).run_due()


async def _cold(depot: Depot, clock: ManualClock, data: bytes = b"the original") -> int:
    upload = await depot.keep(data, owner=ADA)
    clock.advance(31 * DAY)
    await depot.mover().run_due()
    assert await depot.where(upload) == [COLD]
    clock.advance(HOUR)
    return upload


async def test_a_cold_original_comes_back_when_its_owner_asks_and_stays_for_a_week(
    quick: Depot, clock: ManualClock
) -> None:
    upload = await _cold(quick, clock)
    originals, mover = _originals(quick)
    before = await originals.find(upload, actor=ADA)

    asked = await originals.restore(upload, actor=ADA)
    await _run_jobs(quick, originals)

    after = await originals.find(upload, actor=ADA)
    assert (before.tier, before.state, before.seconds) == ("cold", "resting", 1)
    assert (asked.tier, asked.state) == ("cold", "restoring")
    assert (after.tier, after.state, after.seconds) == ("warm", "resting", None)
    assert await quick.where(upload) == [MAIN]
    clock.advance(6 * DAY)
    await mover.run_due()
    stayed = await quick.where(upload)
    clock.advance(2 * DAY)
    await mover.run_due()
    assert (stayed, await quick.where(upload)) == ([MAIN], [COLD])


async def test_an_archive_is_asked_once_and_waited_for(slow: Depot, clock: ManualClock) -> None:
    upload = await _cold(slow, clock)
    originals, mover = _originals(slow)
    key = (await slow.original(upload)).key

    asked = await originals.restore(upload, actor=ADA)
    await _run_jobs(slow, originals)
    await originals.restore(upload, actor=ADA)
    await _run_jobs(slow, originals)
    clock.advance(HOUR)
    await mover.run_due()
    waiting = await originals.find(upload, actor=ADA)
    clock.advance(5 * HOUR)
    await mover.run_due()

    archive: Any = slow.stores[COLD]
    assert archive.requests == [(key, 7, "standard")]
    assert asked.seconds is not None
    assert asked.seconds >= 5 * HOUR
    assert (waiting.tier, waiting.state) == ("cold", "restoring")
    done = await originals.find(upload, actor=ADA)
    assert (done.tier, done.state) == ("warm", "resting")
    assert await slow.where(upload) == [MAIN]
    assert await slow.blobs.read(key) == b"the original"


async def test_a_job_that_needs_an_original_waits_for_the_archive_without_failing(
    slow: Depot, clock: ManualClock
) -> None:
    upload = await _cold(slow, clock)
    originals, mover = _originals(slow)
    read: list[bytes] = []

    async def handle(job: LeasedJob) -> None:
        read.append(await slow.blobs.read((await slow.original(job.payload.upload)).key))

    [patient] = needing_originals(
        [JobHandler("test.read", Work, handle, max_attempts=2)], originals
    )
    async with slow.database.write() as tx:
        await tx.enqueue(Job("test.read", shard_of(upload), Work(upload=upload)))
    for _ in range(80):
        await _run_jobs(slow, originals, patient)
        await mover.run_due()
        clock.advance(300)

    assert read == [b"the original"]


async def test_a_job_reads_what_is_quick_without_waiting(quick: Depot, clock: ManualClock) -> None:
    upload = await _cold(quick, clock)
    originals, _ = _originals(quick)

    assert await originals.at_hand(upload)

    assert (await quick.original(upload)).state == "restoring"
    assert await quick.blobs.read((await quick.original(upload)).key) == b"the original"


async def test_what_is_at_hand_is_left_where_it_is(quick: Depot) -> None:
    upload = await quick.keep(b"x", owner=ADA)
    originals, _ = _originals(quick)

    view = await originals.restore(upload, actor=ADA)

    assert (view.tier, view.state, view.seconds) == ("hot", "resting", None)


async def test_nobody_but_the_owner_knows_of_an_original(quick: Depot) -> None:
    upload = await quick.keep(b"x", owner=ADA)
    originals, _ = _originals(quick)

    for call in (originals.find, originals.restore):
        with pytest.raises(UploadNotFound):
            await call(upload, actor=ADA + 1)
    await quick.release(upload)
    with pytest.raises(UploadNotFound):
        await originals.find(upload, actor=ADA)


async def test_an_upload_without_an_original_says_so(quick: Depot) -> None:
    upload = await quick.keep(b"x", owner=ADA)
    originals, _ = _originals(quick)
    async with quick.database.write() as tx:
        await forget_objects(tx, upload)

    with pytest.raises(OriginalMissing):
        await originals.restore(upload, actor=ADA)

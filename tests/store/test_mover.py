"""What moves between tiers, on every database and between two real folders."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.depot import Depot
from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.database import Database
from tintype.kernel.clock import ManualClock
from tintype.media import store
from tintype.media.model import original_key
from tintype.media.service.tiers import COLD, TierSettings
from tintype.media.store.objects import MAIN
from tintype.ports.blobs import Standing

HOUR = 3600
DAY = 24 * HOUR
ROOMY = DiskSettings(free_floor=0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
async def depot(database: Database, tmp_path: Path) -> AsyncIterator[Depot]:
    stores = {
        name: DiskBlobs(tmp_path / name, secret=b"k" * 32, settings=ROOMY) for name in (MAIN, COLD)
    }
    yield Depot(database, stores, TierSettings())
    for each in stores.values():
        each.close()


async def test_an_original_is_hot_for_two_days_warm_for_a_month_and_cold_after(
    depot: Depot, clock: ManualClock
) -> None:
    data, small = os.urandom(700_000), os.urandom(100)
    upload = await depot.keep(data, small)
    mover = depot.mover()
    seen = []

    for wait in (47 * HOUR, 2 * HOUR, 27 * DAY, 2 * DAY):
        clock.advance(wait)
        await mover.run_due()
        original, [rendition] = await depot.original(upload), await depot.renditions(upload)
        seen.append((original.tier, await depot.where(upload), rendition.tier, rendition.place))

    assert seen == [
        ("hot", [MAIN], "hot", MAIN),
        ("warm", [MAIN], "warm", MAIN),
        ("warm", [MAIN], "warm", MAIN),
        ("cold", [COLD], "warm", MAIN),
    ]
    original = await depot.original(upload)
    assert (original.state, original.place, original.claimed_ms) == ("resting", COLD, 0)
    assert await depot.blobs.read(original.key) == data


async def test_moving_finds_out_the_hash_that_nobody_knew(depot: Depot, clock: ManualClock) -> None:
    upload = await depot.keep(b"the original")
    clock.advance(31 * DAY)

    moved = await depot.mover().run_due()

    expected = hashlib.sha256(b"the original").hexdigest()
    assert (await depot.original(upload)).sha256 == expected
    assert moved.failed == 0


async def test_what_is_not_ready_stays_where_it_is(depot: Depot, clock: ManualClock) -> None:
    upload = await depot.keep(b"x")
    async with depot.database.write() as tx:
        await store.change(tx, upload, {"state": "failed"})
    clock.advance(40 * DAY)

    await depot.mover().run_due()

    assert await depot.where(upload) == [MAIN]


async def test_nothing_goes_cold_when_that_is_switched_off_and_what_was_cold_comes_back(
    depot: Depot, clock: ManualClock
) -> None:
    upload, never = await depot.keep(b"x"), depot.mover(cold_days=0)
    clock.advance(40 * DAY)
    await never.run_due()
    stayed = await depot.where(upload)
    await depot.mover().run_due()
    went = await depot.where(upload)
    clock.advance(HOUR)

    await never.run_due()

    assert (stayed, went, await depot.where(upload)) == ([MAIN], [COLD], [MAIN])
    assert (await depot.original(upload)).tier == "warm"


async def test_an_instance_without_a_cold_place_only_counts_differently(
    depot: Depot, clock: ManualClock
) -> None:
    alone = Depot(depot.database, {MAIN: depot.stores[MAIN]}, depot.settings)
    upload = await alone.keep(b"x")
    clock.advance(40 * DAY)
    await alone.mover().run_due()
    counted = await alone.original(upload)
    clock.advance(HOUR)

    await depot.mover().run_due()

    assert (counted.tier, counted.place) == ("cold", MAIN)
    assert await depot.where(upload) == [COLD]


async def test_a_source_that_was_changed_is_not_moved_and_not_lost(
    depot: Depot, clock: ManualClock
) -> None:
    upload = await depot.keep(b"as it was")
    await depot.change(await depot.original(upload), sha256="0" * 64)
    clock.advance(40 * DAY)

    await depot.mover().run_due()

    original = await depot.original(upload)
    assert await depot.where(upload) == [MAIN]
    assert (original.state, original.place) == ("resting", MAIN)
    assert original.stays_until_ms > clock.now_ms()


async def test_a_move_that_ended_in_the_middle_is_finished_by_whoever_comes_by(
    depot: Depot, clock: ManualClock
) -> None:
    begun, switched = await depot.keep(b"one"), await depot.keep(b"two")
    clock.advance(40 * DAY)
    stamp = clock.now_ms()
    await depot.change(await depot.original(begun), state="moving", target=COLD, claimed_ms=stamp)
    await depot.stores[COLD].write(original_key(begun), b"half", content_type="x/y")
    await depot.stores[COLD].write(original_key(switched), b"two", content_type="x/y")
    await depot.change(
        await depot.original(switched), state="moving", place=COLD, tier="cold", claimed_ms=stamp
    )
    await depot.mover().run_due()
    left_alone = [(await depot.original(each)).state for each in (begun, switched)]
    clock.advance(61)

    await depot.mover().run_due()

    assert left_alone == ["moving", "moving"]
    for upload, data in ((begun, b"one"), (switched, b"two")):
        original = await depot.original(upload)
        assert (original.state, original.tier, original.place) == ("resting", "cold", COLD)
        assert await depot.where(upload) == [COLD]
        assert await depot.blobs.read(original.key) == data


async def test_an_upload_that_is_released_is_no_longer_moved(
    depot: Depot, clock: ManualClock
) -> None:
    upload = await depot.keep(b"x")
    clock.advance(40 * DAY)
    seen = await depot.original(upload)
    await depot.release(upload)

    moved = await depot.mover().advance(seen)

    assert not moved
    assert await depot.where(upload) == [MAIN]


async def test_what_was_given_up_is_deleted_a_while_later(depot: Depot, clock: ManualClock) -> None:
    upload = await depot.keep(b"x", b"before")
    [rendition] = await depot.renditions(upload)
    await depot.change(rendition, state="dropped", changed_ms=clock.now_ms())
    await depot.mover().run_due()
    first = await depot.stores[MAIN].read(rendition.key)
    clock.advance(601)

    await depot.mover().run_due()

    assert first == b"before"
    assert await depot.renditions(upload) == []
    assert [blob async for blob in depot.stores[MAIN].under("renditions/")] == []


async def test_many_are_moved_in_batches(depot: Depot, clock: ManualClock) -> None:
    uploads = [await depot.keep(bytes([number])) for number in range(7)]
    clock.advance(40 * DAY)
    told = []

    total = await depot.mover(batch=3, at_once=2).run_due(lambda done: told.append(done.objects))

    assert total.objects == sum(told) == 7
    assert len(told) > 1
    assert [await depot.where(each) for each in uploads] == [[COLD]] * 7


async def test_a_cold_place_that_is_away_holds_up_nothing_else(
    depot: Depot, clock: ManualClock, tmp_path: Path
) -> None:
    upload = await depot.keep(b"x", b"small")
    clock.advance(40 * DAY)
    (tmp_path / COLD).rename(tmp_path / "away")

    failed = await depot.mover().run_due()
    readable = await depot.blobs.read(original_key(upload))
    [rendition] = await depot.renditions(upload)
    (tmp_path / "away").rename(tmp_path / COLD)
    await depot.mover().run_due()

    assert failed.failed
    assert readable == b"x"
    assert rendition.tier == "warm"
    assert await depot.where(upload) == [COLD]


async def test_moving_is_held_to_the_bytes_a_second_that_are_set(
    depot: Depot, clock: ManualClock
) -> None:
    await depot.keep(bytes(400_000))
    clock.advance(40 * DAY)
    loop = asyncio.get_running_loop()
    before = loop.time()

    await depot.mover(bytes_per_second=1_600_000).run_due()

    assert loop.time() - before >= 2 * 400_000 / 1_600_000


class Graded(DiskBlobs):
    """A folder that knows classes of storage, as a bucket on AWS does."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, secret=b"k" * 32, settings=ROOMY)
        self.grades: dict[str, str] = {}
        self.copies: list[tuple[str, str]] = []

    async def regrade(self, key: str, grade: str) -> None:
        await self.head(key)
        self.copies.append((key, grade))
        self.grades[key] = grade

    async def standing(self, key: str) -> Standing:
        await self.head(key)
        return Standing(self.grades.get(key, "STANDARD"))


@pytest.fixture
async def bucket(database: Database, tmp_path: Path) -> AsyncIterator[Depot]:
    store_ = Graded(tmp_path / "bucket")
    yield Depot(database, {MAIN: store_}, TierSettings(cold_class="GLACIER_IR"))
    store_.close()


async def test_a_class_of_storage_is_a_place_like_any_other(
    bucket: Depot, clock: ManualClock
) -> None:
    upload, graded = await bucket.keep(b"x", b"small"), bucket.stores[MAIN]
    assert isinstance(graded, Graded)
    key = original_key(upload)
    clock.advance(31 * DAY)
    await bucket.mover().run_due()
    cold = await bucket.original(upload)
    clock.advance(HOUR)
    await bucket.change(cold, state="restoring", target=MAIN)

    await bucket.mover().run_due()

    warm = await bucket.original(upload)
    assert (cold.tier, cold.place, cold.state) == ("cold", "main/GLACIER_IR", "resting")
    assert (warm.tier, warm.place, warm.state) == ("warm", MAIN, "resting")
    assert graded.copies == [(key, "GLACIER_IR"), (key, "STANDARD")]
    assert await graded.read(key) == b"x"


async def test_the_ledger_follows_a_bucket_that_moves_by_itself(
    bucket: Depot, clock: ManualClock
) -> None:
    upload, graded = await bucket.keep(b"x"), bucket.stores[MAIN]
    assert isinstance(graded, Graded)
    clock.advance(31 * DAY)
    await bucket.mover(cold_by="lifecycle").run_due()
    before = await bucket.original(upload)
    graded.grades[original_key(upload)] = "GLACIER_IR"
    clock.advance(2 * DAY)

    await bucket.mover(cold_by="lifecycle").run_due()

    after = await bucket.original(upload)
    assert (before.tier, before.place, before.state) == ("warm", MAIN, "resting")
    assert (after.tier, after.place) == ("cold", "main/GLACIER_IR")
    assert graded.copies == []

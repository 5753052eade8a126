"""The ledger compared with two real folders, and what nobody knows cleared away."""

from __future__ import annotations

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
from tintype.media.model import original_key, rendition_key
from tintype.media.service.tiers import COLD, Audit, Clearing, Found, TierSettings
from tintype.media.store.objects import MAIN

TYPE = "image/jpeg"
DAY = 24 * 3600


@pytest.fixture
def clock() -> ManualClock:
    """Two days ahead of the disk's, so that what is written now is old."""
    return ManualClock(datetime.fromtimestamp(datetime.now(UTC).timestamp() + 2 * DAY, UTC))


@pytest.fixture
async def depot(database: Database, tmp_path: Path) -> AsyncIterator[Depot]:
    roomy = DiskSettings(free_floor=0)
    stores = {
        name: DiskBlobs(tmp_path / name, secret=b"k" * 32, settings=roomy) for name in (MAIN, COLD)
    }
    yield Depot(database, stores, TierSettings())
    for each in stores.values():
        each.close()


def _audit(depot: Depot, grace_ms: int = DAY * 1000) -> Audit:
    return Audit(depot.database, depot.stores, grace_ms=grace_ms)


def _clearing(depot: Depot, grace_ms: int = DAY * 1000) -> Clearing:
    return Clearing(depot.database, depot.stores, grace_ms=grace_ms)


def _said(found: Found) -> list[tuple[str, str, str]]:
    return [(each.kind, each.place, each.key) for each in found.offences]


async def test_what_is_as_the_ledger_says_is_clean(depot: Depot, clock: ManualClock) -> None:
    for number in range(3):
        await depot.keep(os.urandom(100), bytes([number]), bytes([number, 1]))
    told: list[int] = []
    clock.advance(40 * DAY)
    await depot.mover().run_due()

    found = await _audit(depot).run(hashes=True, progress=told.append)

    assert found.clean
    assert (found.objects, found.read, sum(told)) == (9, 9, 9)


async def test_every_kind_of_disagreement_is_found(depot: Depot) -> None:
    lost, short, other, twice = [await depot.keep(bytes(50), b"r") for _ in range(4)]
    main, cold = depot.stores[MAIN], depot.stores[COLD]
    await main.delete(original_key(lost))
    await main.write(original_key(short), bytes(49), content_type=TYPE)
    [rendition] = await depot.renditions(other)
    await main.write(rendition.key, b"s", content_type=TYPE)
    await cold.write(original_key(twice), bytes(50), content_type=TYPE)
    stranger = original_key(depot.database.ids.next(5))
    await main.write(stranger, b"x", content_type=TYPE)
    extra = rendition_key(lost, "f" * 32 + ".jpg")
    await main.write(extra, b"x", content_type=TYPE)
    await main.write("originals/notes", b"x", content_type=TYPE)

    quick, whole = await _audit(depot).run(), await _audit(depot).run(hashes=True)

    expected = [
        ("missing", MAIN, original_key(lost)),
        ("orphaned", COLD, original_key(twice)),
        ("orphaned", MAIN, "originals/notes"),
        ("orphaned", MAIN, extra),
        ("orphaned", MAIN, stranger),
        ("wrong-size", MAIN, original_key(short)),
    ]
    assert sorted(_said(quick)) == sorted(expected)
    assert sorted(_said(whole)) == sorted([*expected, ("wrong-hash", MAIN, rendition.key)])


async def test_what_was_stored_just_now_is_under_way(depot: Depot) -> None:
    upload = await depot.keep(b"x")
    await depot.stores[MAIN].write(
        rendition_key(upload, "f" * 32 + ".avif"), b"x", content_type=TYPE
    )

    found = await _audit(depot, grace_ms=30 * DAY * 1000).run()

    assert (found.clean, found.under_way) == (True, 1)


async def test_what_is_being_processed_moved_or_erased_is_no_disagreement(
    depot: Depot, clock: ManualClock
) -> None:
    processing, moving, released = [await depot.keep(bytes(5)) for _ in range(3)]
    async with depot.database.write() as tx:
        await store.change(tx, processing, {"state": "processing"})
    await depot.stores[MAIN].delete(original_key(processing))
    await depot.change(
        await depot.original(moving), state="moving", target=COLD, claimed_ms=clock.now_ms()
    )
    await depot.stores[COLD].write(original_key(moving), b"hal", content_type=TYPE)
    await depot.release(released)
    await depot.stores[MAIN].delete(original_key(released))

    assert (await _audit(depot).run()).clean


async def test_a_place_that_the_settings_no_longer_name_is_told(
    depot: Depot, clock: ManualClock
) -> None:
    upload = await depot.keep(b"x")
    clock.advance(40 * DAY)
    await depot.mover().run_due()
    alone = Depot(depot.database, {MAIN: depot.stores[MAIN]}, depot.settings)

    found = await _audit(alone).run()

    assert _said(found) == [("unknown-place", COLD, original_key(upload))]


async def test_orphans_go_and_a_dry_run_only_names_them(depot: Depot) -> None:
    kept = await depot.keep(bytes(50), b"r")
    main, cold = depot.stores[MAIN], depot.stores[COLD]
    orphan = original_key(depot.database.ids.next(5))
    await main.write(orphan, b"xyz", content_type=TYPE)
    await cold.write(original_key(kept), bytes(50), content_type=TYPE)
    begun = await cold.create_upload(original_key(kept), size=50, content_type=TYPE)

    dry = await _clearing(depot).run(dry_run=True)
    before = [blob.key async for blob in main.under("originals/")]
    wet = await _clearing(depot).run(dry_run=False)

    assert dry == wet
    assert sorted(wet.blobs) == sorted([f"main: {orphan}", f"cold: {original_key(kept)}"])
    assert (wet.bytes, wet.uploads) == (53, [f"cold: {original_key(kept)}"])
    assert orphan in before
    assert [blob.key async for blob in main.under("originals/")] == [original_key(kept)]
    assert [blob async for blob in cold.under("originals/")] == []
    assert [each.upload async for each in cold.uploads()] == []
    assert begun
    assert (await _audit(depot).run(hashes=True)).clean


async def test_orphans_that_are_young_stay(depot: Depot) -> None:
    orphan = original_key(depot.database.ids.next(5))
    await depot.stores[MAIN].write(orphan, b"xyz", content_type=TYPE)

    cleared = await _clearing(depot, grace_ms=30 * DAY * 1000).run(dry_run=False)

    assert cleared.blobs == []
    assert await depot.stores[MAIN].read(orphan) == b"xyz"

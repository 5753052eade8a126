"""The ledger of stored objects follows what happens to uploads and renditions by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.test_media_store import _account, _put
from tintype.database import Database, TryAgain
from tintype.kernel.clock import ManualClock
from tintype.media import store
from tintype.media.model import ORIGINAL, Rendition, StoredObject
from tintype.media.store import objects

DAY_MS = 24 * 3600 * 1000
EVERY = (0, 4095)
SMALL = Rendition("150", "jpeg", 150, 113, 10, "a" * 64)
LARGE = Rendition("1080", "webp", 1080, 810, 30, "b" * 64)
LATER = Rendition("1080", "jpeg", 1080, 810, 5, "c" * 64)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


async def _ledger(database: Database, upload: int) -> dict[str, StoredObject]:
    async with database.read() as reader:
        return {each.name: each for each in await objects.objects_of(reader, upload)}


async def _ready(database: Database, owner: int, *made: Rendition) -> int:
    upload = await _put(database, owner)
    async with database.write() as tx:
        await store.change(tx, upload.id, {"state": "processing"}, only_in=("uploading",))
        await store.put_renditions(tx, upload.id, made)
        await store.change(tx, upload.id, {"state": "ready"})
    return upload.id


async def test_an_original_is_in_the_ledger_once_its_parts_are_there(database: Database) -> None:
    upload = await _put(database, _account(database))
    before = await _ledger(database, upload.id)

    async with database.write() as tx:
        await store.change(tx, upload.id, {"state": "processing"}, only_in=("uploading",))

    after = await _ledger(database, upload.id)
    assert before == {}
    assert list(after) == [ORIGINAL]
    original = after[ORIGINAL]
    assert (original.bytes, original.tier, original.state) == (100, "hot", "resting")
    assert original.place == objects.MAIN
    assert original.key == f"originals/{5:03x}/{upload.id}"


async def test_a_change_that_is_not_made_is_not_in_the_ledger(database: Database) -> None:
    upload = await _put(database, _account(database))

    async with database.write() as tx:
        await store.change(tx, upload.id, {"state": "processing"}, only_in=("failed",))

    assert await _ledger(database, upload.id) == {}


async def test_renditions_that_come_later_are_counted_with_the_first(database: Database) -> None:
    ada = _account(database)
    upload = await _ready(database, ada, SMALL, LARGE)

    async with database.write() as tx:
        await store.put_renditions(tx, upload, [LATER])

    ledger = await _ledger(database, upload)
    assert ledger.keys() == {ORIGINAL, SMALL.name, LARGE.name, LATER.name}
    async with database.read() as reader:
        assert await store.held_bytes(reader, ada) == 145
        assert await objects.ledger_bytes(reader, ada) == 145


async def test_two_rungs_of_the_same_content_are_one_object(database: Database) -> None:
    ada = _account(database)
    twin = Rendition("240", "jpeg", 150, 113, 10, SMALL.sha256)

    upload = await _ready(database, ada, SMALL, twin)

    assert (await _ledger(database, upload)).keys() == {ORIGINAL, SMALL.name}
    async with database.read() as reader:
        assert await store.held_bytes(reader, ada) == 110


async def test_what_a_rung_held_before_is_given_up_and_no_longer_counted(
    database: Database,
) -> None:
    ada = _account(database)
    upload = await _ready(database, ada, SMALL)
    again = Rendition("150", "jpeg", 150, 113, 12, "d" * 64)

    async with database.write() as tx:
        await store.put_renditions(tx, upload, [again])

    ledger = await _ledger(database, upload)
    assert ledger[SMALL.name].state == "dropped"
    assert ledger[again.name].state == "resting"
    async with database.read() as reader:
        assert await store.held_bytes(reader, ada) == 112
        assert await objects.ledger_bytes(reader, ada) == 112


async def test_content_that_comes_back_rests_again_unless_it_is_being_deleted(
    database: Database,
) -> None:
    upload = await _ready(database, _account(database), SMALL)
    again = Rendition("150", "jpeg", 150, 113, 12, "d" * 64)
    for made in (again, SMALL):
        async with database.write() as tx:
            await store.put_renditions(tx, upload, [made])
    rests = (await _ledger(database, upload))[SMALL.name].state
    async with database.write() as tx:
        going = (await _ledger_in(tx, upload))[again.name]
        await objects.change_object(tx, going, {"claimed_ms": 1})

    with pytest.raises(TryAgain):
        async with database.write() as tx:
            await store.put_renditions(tx, upload, [again])

    assert rests == "resting"


async def _ledger_in(tx: object, upload: int) -> dict[str, StoredObject]:
    return {each.name: each for each in await objects.objects_of(tx, upload)}  # type: ignore[arg-type]


async def test_a_forgotten_upload_is_forgotten_by_the_ledger(database: Database) -> None:
    upload = await _ready(database, _account(database), SMALL)

    async with database.write() as tx:
        await store.forget(tx, upload)

    assert await _ledger(database, upload) == {}


async def test_only_what_rests_of_ready_uploads_grows_old(
    database: Database, clock: ManualClock
) -> None:
    ada = _account(database)
    ready = await _ready(database, ada, SMALL)
    failed = await _ready(database, ada, SMALL)
    moving = await _ready(database, ada, SMALL)
    async with database.write() as tx:
        await store.change(tx, failed, {"state": "failed"})
        original = (await _ledger_in(tx, moving))[ORIGINAL]
        await objects.change_object(tx, original, {"state": "moving"})
    clock.advance(3600)

    async with database.read() as reader:
        now = clock.now_ms()
        asked: dict[str, Any] = {"tier": "hot", "kind": ORIGINAL, "now_ms": now, "limit": 10}
        found = await objects.aged(reader, EVERY, stored_before_ms=now, **asked)
        young = await objects.aged(reader, EVERY, stored_before_ms=now - DAY_MS, **asked)
        elsewhere = await objects.aged(reader, (6, 4095), stored_before_ms=now, **asked)

    assert [each.upload for each in found] == [ready]
    assert (young, elsewhere) == ([], [])


async def test_an_object_is_changed_only_as_it_was_seen(database: Database) -> None:
    upload = await _ready(database, _account(database))
    seen = (await _ledger(database, upload))[ORIGINAL]

    async with database.write() as tx:
        first = await objects.change_object(tx, seen, {"state": "moving", "claimed_ms": 7})
        second = await objects.change_object(tx, seen, {"state": "moving", "claimed_ms": 8})

    assert (first, second) == (True, False)


async def test_a_hash_is_learnt_once(database: Database) -> None:
    upload = await _ready(database, _account(database))
    seen = (await _ledger(database, upload))[ORIGINAL]

    async with database.write() as tx:
        await objects.learn_hash(tx, seen, "e" * 64)
        await objects.learn_hash(tx, seen, "f" * 64)

    assert (await _ledger(database, upload))[ORIGINAL].sha256 == "e" * 64


async def test_the_ledger_is_read_page_by_page_in_order(database: Database) -> None:
    uploads = [await _ready(database, _account(database, shard), SMALL) for shard in (9, 3)]

    pages, after = [], (0, 0, "")
    while True:
        async with database.read() as reader:
            page = await objects.ledger_page(reader, after, 4095, 3)
        if not page:
            break
        pages.append([each.upload for each, _ in page])
        last = page[-1][0]
        after = ((last.upload >> 10) & 4095, last.upload, last.name)

    assert pages == [[uploads[1], uploads[1], uploads[0]], [uploads[0]]]


async def test_figures_are_by_tier_and_place(database: Database) -> None:
    await _ready(database, _account(database), SMALL)

    async with database.read() as reader:
        figures = await objects.tier_figures(reader)

    assert figures == [("hot", "main", "resting", 2, 110)]

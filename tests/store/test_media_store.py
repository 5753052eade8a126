from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tintype.database import Database
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of
from tintype.media import store
from tintype.media.model import ReadyFile, Rendition, Upload

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


async def _put(database: Database, owner: int, **changes: Any) -> Upload:
    now = database.clock.now_ms()
    upload = Upload(
        id=database.ids.next(shard_of(owner)),
        owner=owner,
        kind="photo",
        state="uploading",
        access="owner",
        subject=None,
        content_type="image/jpeg",
        bytes=100,
        held_bytes=100,
        remote="r",
        reason_code=None,
        reason=None,
        width=0,
        height=0,
        duration=None,
        thumbhash=None,
        expires_ms=now + 2 * DAY_MS,
        changed_ms=now,
    )
    upload = msgspec.structs.replace(upload, **changes)
    async with database.write() as tx:
        await store.insert(tx, upload)
    return upload


def _account(database: Database, shard: int = 5) -> int:
    return database.ids.next(shard)


async def test_an_upload_reads_back_as_it_was_written(database: Database) -> None:
    upload = await _put(
        database, _account(database), state="failed", reason="Broken.", duration=1.5, thumbhash="x"
    )

    async with database.read() as reader:
        assert await store.read(reader, upload.id) == upload
        assert await store.read_all(reader, [upload.id, 1]) == {upload.id: upload}
        assert await store.read(reader, 1) is None


async def test_an_upload_is_claimed_once(database: Database) -> None:
    ada, bo = _account(database), _account(database)
    upload = await _put(database, ada)

    async with database.write() as tx:
        assert await store.claim(tx, [upload.id], owner=bo, subject="1") == 0
        assert await store.claim(tx, [upload.id], owner=ada, subject="1") == 1
        assert await store.claim(tx, [upload.id], owner=ada, subject="2") == 0


async def test_a_change_is_made_only_in_the_named_states(database: Database) -> None:
    upload = await _put(database, _account(database))

    async with database.write() as tx:
        once = await store.change(tx, upload.id, {"state": "ready"}, only_in=("uploading",))
        twice = await store.change(tx, upload.id, {"state": "failed"}, only_in=("uploading",))

    assert (once, twice) == (True, False)


async def test_the_quota_counts_what_is_held_and_nothing_that_is_gone(
    database: Database,
) -> None:
    ada, bo = _account(database), _account(database)
    for state in ("uploading", "processing", "ready", "failed", "expired", "released"):
        await _put(database, ada, state=state)
    await _put(database, bo, held_bytes=7)

    async with database.read() as reader:
        assert await store.held_bytes(reader, ada) == 400
        assert await store.held_bytes(reader, bo) == 7
        assert await store.count_under_way(reader, ada) == 2


async def test_the_longest_idle_come_first(database: Database, clock: ManualClock) -> None:
    now = clock.now_ms()
    old = await _put(database, _account(database, 9), changed_ms=now - 2000)
    older = await _put(database, _account(database, 8), changed_ms=now - 3000)
    await _put(database, _account(database), changed_ms=now)
    await _put(database, _account(database), changed_ms=now - 9000, state="ready")

    async with database.read() as reader:
        found = await store.idle_in(reader, "uploading", before_ms=now - 1000, limit=10)

    assert [upload.id for upload in found] == [older.id, old.id]


async def test_what_is_used_is_never_overdue_unless_it_never_came(
    database: Database, clock: ManualClock
) -> None:
    ada, past = _account(database), clock.now_ms() - 1
    unused = await _put(database, ada, state="ready", expires_ms=past)
    never_came = await _put(database, ada, subject="1", expires_ms=past)
    await _put(database, ada, state="ready", subject="1", expires_ms=past)
    await _put(database, ada, state="processing", expires_ms=past)
    await _put(database, ada)

    async with database.read() as reader:
        found = await store.overdue(reader, now_ms=clock.now_ms(), limit=10)

    assert {upload.id for upload in found} == {unused.id, never_came.id}


async def test_renditions_come_smallest_first_and_a_second_run_replaces_them(
    database: Database,
) -> None:
    upload = await _put(database, _account(database), state="ready")
    large = Rendition("1080", "jpeg", 1080, 810, 9, "a" * 64)
    small = Rendition("150", "jpeg", 150, 113, 1, "b" * 64)

    async with database.write() as tx:
        await store.put_renditions(tx, upload.id, [large, small])
        await store.put_renditions(tx, upload.id, [large, small])

    async with database.read() as reader:
        assert (await store.renditions_of(reader, [upload.id]))[upload.id] == [small, large]
        assert await store.find_ready(reader, upload.id, "b" * 32) == ReadyFile(
            upload.id, upload.owner, "owner", small
        )
        assert await store.find_ready(reader, upload.id, "c" * 32) is None


async def test_a_forgotten_upload_leaves_no_row(database: Database) -> None:
    upload = await _put(database, _account(database), state="ready")
    async with database.write() as tx:
        await store.put_renditions(tx, upload.id, [Rendition("150", "jpeg", 1, 1, 1, "a" * 64)])
        await store.forget(tx, upload.id)

    async with database.read() as reader:
        assert await store.read(reader, upload.id) is None
        assert await store.renditions_of(reader, [upload.id]) == {}

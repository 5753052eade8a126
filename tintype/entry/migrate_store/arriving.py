"""Uploads that are under way: what arrived completely goes along, the rest begins again.

Parts on a disk can not go on in a bucket. A file whose parts are all there was acknowledged, so it
is put together beside the snapshot and moved like any other original.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from tintype.adapters.disk import files
from tintype.adapters.disk.desk import Desk
from tintype.adapters.disk.parts import PartStore
from tintype.database import Database
from tintype.entry.migrate_store.source import Source
from tintype.media.events import MediaFailed
from tintype.media.model import Upload, original_key, plan
from tintype.media.store import change, idle_in
from tintype.ports.errors import NoSuchUpload

REASON = (
    "The server moved to another storage before this file had arrived completely. "
    "Please send it again."
)
_BATCH = 500
_REMEMBER_MS = 7 * 24 * 3600 * 1000
_EVER = 1 << 62


async def settle_uploads(source: Source, database: Database) -> int:
    """Put whole uploads together and end the others, with a reason for their people; how many.

    ``database`` is the snapshot's. An upload that is said to be whole and is not stays as it is:
    its job tells its people, as it would have at the source.
    """
    async with database.read() as reader:
        open_ = await idle_in(reader, "uploading", before_ms=_EVER, limit=_EVER)
        sent = await idle_in(reader, "processing", before_ms=_EVER, limit=_EVER)
    for upload in sent:
        _put_together(source, upload)
    ended = [upload for upload in open_ if not _put_together(source, upload)]
    for start in range(0, len(ended), _BATCH):
        await _end(database, ended[start : start + _BATCH])
    return len(ended)


async def _end(database: Database, uploads: Sequence[Upload]) -> None:
    now = database.clock.now_ms()
    changes = {
        "state": "expired",
        "reason_code": "moved",
        "reason": REASON,
        "expires_ms": now + _REMEMBER_MS,
        "changed_ms": now,
    }
    async with database.write() as tx:
        for upload in uploads:
            await change(tx, upload.id, changes)
            tx.emit(
                MediaFailed(
                    upload=upload.id,
                    owner=upload.owner,
                    subject=upload.subject,
                    reason=REASON,
                    retryable=False,
                )
            )


def _put_together(source: Source, upload: Upload) -> bool:
    """See to it that the original is there whole; False when parts are missing."""
    key = original_key(upload.id)
    there = source.path_of(key)
    if there is not None and there.stat().st_size == upload.bytes:
        return True
    try:
        root = source.folder / "blobs"
        stored = PartStore(root, Desk(root / "tmp")).parts(upload.remote, key)
    except NoSuchUpload:
        return False
    wanted = [(part.number, part.bytes) for part in plan(upload.bytes)]
    if [(part.number, part.bytes) for part in stored] != wanted:
        return False
    whole = source.assembled / key
    whole.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for path in stored.values():
            files.append(path, descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True

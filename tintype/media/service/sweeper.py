"""What happens to uploads when nobody asks: lost calls are made up for, lost uploads end."""

from __future__ import annotations

import structlog

from tintype.database import Database, Transaction
from tintype.kernel.ids import Id
from tintype.kernel.problem import Problem
from tintype.media import store
from tintype.media.events import MediaFailed
from tintype.media.model import UPLOAD_MS, Upload, original_key
from tintype.media.service.erasing import Erasing
from tintype.media.service.uploads import Uploads, process_job
from tintype.ports.blobs import Blobs

log = structlog.get_logger(__name__)

_BATCH = 200
_LOOK_AGAIN_MS = 25_000
_STUCK_MS = 10 * 60_000
_REMEMBER_MS = 7 * 24 * 3600 * 1000
_ORPHAN_MS = UPLOAD_MS + 3_600_000
_TOO_LATE = "The file was not sent completely within 48 hours."


class Sweeper:
    """Run ``sweep`` every minute and ``abort_orphans`` every hour."""

    def __init__(
        self, database: Database, blobs: Blobs, uploads: Uploads, erasing: Erasing
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._uploads = uploads
        self._erasing = erasing

    async def sweep(self) -> None:
        """Complete uploads that are whole, end those whose time is over, requeue stuck ones."""
        await self._complete_whole()
        await self._end_overdue()
        await self._requeue_stuck()

    async def abort_orphans(self) -> int:
        """Abort uploads that the storage knows and the database does not; returns how many."""
        aborted = 0
        before = self._database.clock.now_ms() - _ORPHAN_MS
        async for orphan in self._blobs.uploads():
            id_ = orphan.key.rpartition("/")[2]
            if orphan.begun_at_ms > before or not orphan.key.startswith("originals/"):
                continue
            async with self._database.read() as reader:
                upload = await store.read(reader, int(id_)) if id_.isdigit() else None
            if upload is None or upload.remote != orphan.upload or upload.state == "expired":
                await self._blobs.abort(orphan.key, orphan.upload)
                aborted += 1
        return aborted

    async def _complete_whole(self) -> None:
        now = self._database.clock.now_ms()
        async with self._database.read() as reader:
            idle = await store.idle_in(
                reader, "uploading", before_ms=now - _LOOK_AGAIN_MS, limit=_BATCH
            )
        waiting: list[Id] = []
        for upload in idle:
            try:
                await self._uploads.complete(upload.id)
            except Problem:
                waiting.append(upload.id)
        await self._touch(waiting)

    async def _end_overdue(self) -> None:
        now = self._database.clock.now_ms()
        async with self._database.read() as reader:
            overdue = await store.overdue(reader, now_ms=now, limit=_BATCH)
        for upload in overdue:
            if upload.state == "uploading":
                await self._blobs.abort(original_key(upload.id), upload.remote)
            async with self._database.write() as tx:
                await self._end(tx, upload)

    async def _end(self, tx: Transaction, upload: Upload) -> None:
        await tx.lock(upload.id)
        now = self._database.clock.now_ms()
        if upload.state == "expired":
            await store.forget(tx, upload.id)
        elif upload.state != "uploading":
            current = await store.read(tx, upload.id)
            if current is not None and current.subject is None:
                await self._erasing.release(tx, [upload.id])
        else:
            changes = {
                "state": "expired",
                "reason_code": "too-late",
                "reason": _TOO_LATE,
                "expires_ms": now + _REMEMBER_MS,
                "changed_ms": now,
            }
            if await store.change(tx, upload.id, changes, only_in=("uploading",)):
                current = await store.read(tx, upload.id)
                tx.emit(
                    MediaFailed(
                        upload=upload.id,
                        owner=upload.owner,
                        subject=current.subject if current else None,
                        reason=_TOO_LATE,
                        retryable=False,
                    )
                )

    async def _requeue_stuck(self) -> None:
        before = self._database.clock.now_ms() - _STUCK_MS
        async with self._database.read() as reader:
            stuck = await store.idle_in(reader, "processing", before_ms=before, limit=_BATCH)
        for upload in stuck:
            async with self._database.write() as tx:
                # A job that still waits or runs has the same dedupe text: then this does nothing.
                await tx.enqueue(process_job(upload.id, kind=upload.kind))
        await self._touch([upload.id for upload in stuck])

    async def _touch(self, ids: list[Id]) -> None:
        if ids:
            async with self._database.write() as tx:
                now = self._database.clock.now_ms()
                await store.change_all(tx, ids, {"changed_ms": now})

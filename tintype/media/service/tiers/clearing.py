"""What nobody knows goes, beside a server that stores at the same moment.

Whoever stores files for an upload does so in a job: the job's row was committed before, the rows
of the files are committed with its end, and in between it looks for a mark before it stores
anything. Whoever clears commits a mark on the upload, and only then looks for a job and for rows.
Of two that each write first and read after, at least one sees the other: either the job comes again
later, or the files stay. Nobody waits for a lock. The same holds for originals that are moved,
whose claim is what is written first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec
import structlog

from tintype.database import Database, NotYet
from tintype.database.job_runner import is_under_way
from tintype.kernel.ids import Id, shard_of
from tintype.media import store as media_store
from tintype.media.model import Work
from tintype.media.service.tiers.audit import UNDER_WAY, Audit, upload_of
from tintype.media.store import clearing as marks
from tintype.ports.blobs import Blob, Blobs, OpenUpload
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)

HOUR_MS = 3600 * 1000
# A mark counts for longer than anything is deleted under it: a delete that was sent may arrive
# when its sender is believed dead.
_MARKED_MS, _DELETING_MS = 10 * 60_000, 60_000
_LOOK_AGAIN_S = 5.0
_OVER = frozenset({"ready", "expired", "released"})


class Cleared(msgspec.Struct):
    """What was, or would be, deleted; ``busy`` uploads were left alone, as a job is about them."""

    blobs: list[str] = []
    bytes: int = 0
    uploads: list[str] = []
    busy: int = 0


async def give_way(database: Database, upload: Id) -> None:
    """Call it in a job about an upload, before anything is stored for it.

    Raises:
        NotYet: it is just being cleared of orphans, maybe of the very same keys.
    """
    async with database.read() as reader:
        if await marks.doomed(reader, upload, now_ms=database.clock.now_ms()):
            raise NotYet(_LOOK_AGAIN_S, "the upload is just being cleared of orphans")


class Clearing:
    """Deletes blobs that no row speaks of, and uploads in parts that nobody will complete.

    Any number of processes may, and the server may work meanwhile. Only what is ``grace_ms`` old.
    """

    def __init__(self, database: Database, stores: Mapping[str, Blobs], *, grace_ms: int) -> None:
        self._database = database
        self._stores = stores
        self._grace_ms = grace_ms
        self._look = Audit(database, stores, grace_ms=grace_ms)

    async def run(self, *, dry_run: bool) -> Cleared:
        """Look everywhere; with ``dry_run`` nothing is deleted."""
        cleared = Cleared()
        for prefixes, _ in await self._look.groups():
            found: dict[Id | None, list[tuple[str, Blob]]] = defaultdict(list)
            for name in self._stores:
                for blob in (await self._look.listed(name, prefixes)).values():
                    if await self._is_orphan(name, blob):
                        found[upload_of(blob.key)[0]].append((name, blob))
            for upload, orphans in found.items():
                if dry_run:
                    _note(cleared, orphans)
                else:
                    await self.clear(upload, orphans, cleared)
        await self._abort(cleared, dry_run=dry_run)
        return cleared

    async def run_due(self, every_ms: int) -> Cleared | None:
        """Do a round if the last one, of whatever process, began so long ago; else nothing."""
        async with self._database.read() as reader:
            seen = await marks.last_round(reader)
        if seen is not None and seen.began_ms > self._database.clock.now_ms() - every_ms:
            return None
        async with self._database.write() as tx:
            if not await marks.begin_round(tx, seen):
                return None
        cleared = await self.run(dry_run=False)
        blobs, uploads = len(cleared.blobs), len(cleared.uploads)
        async with self._database.write() as tx:
            await marks.end_round(tx, blobs=blobs, bytes_=cleared.bytes, uploads=uploads)
        log.info("storage.cleared", blobs=blobs, bytes=cleared.bytes, uploads=uploads)
        return cleared

    async def clear(
        self, upload: Id | None, orphans: list[tuple[str, Blob]], cleared: Cleared
    ) -> None:
        """Delete what looked like orphans of one upload, unless somebody is about to use them."""
        if upload is None:
            # No key of ours: nobody will ever store it.
            _note(cleared, [each for each in orphans if await self._delete(*each)])
            return
        began = self._database.clock.now_ms()
        mark = self._database.ids.next(shard_of(upload))
        async with self._database.write() as tx:
            if not await marks.doom(tx, upload, mark, began + _MARKED_MS):
                return
        try:
            if await self._is_wanted(upload):
                cleared.busy += 1
                return
            for name, blob in orphans:
                if self._database.clock.now_ms() > began + _DELETING_MS:
                    return
                if await self._is_orphan(name, blob) and await self._delete(name, blob):
                    _note(cleared, [(name, blob)])
        finally:
            async with self._database.write() as tx:
                await marks.spare(tx, upload, mark)

    async def _abort(self, cleared: Cleared, *, dry_run: bool) -> None:
        for name, held in self._stores.items():
            async for left in held.uploads():
                if await self._is_left(left):
                    cleared.uploads.append(f"{name}: {left.key}")
                    if not dry_run:
                        await held.abort(left.key, left.upload)

    async def _is_wanted(self, upload: Id) -> bool:
        """Whether somebody may store for it. To be asked before its rows are looked at: a job ends
        with the commit of the rows that it brings.
        """
        async with self._database.read() as reader:
            return await is_under_way(reader, shard_of(upload), Work(upload=upload))

    async def _is_orphan(self, name: str, blob: Blob) -> bool:
        return await self._look.about_blob(name, blob) not in {None, UNDER_WAY}

    async def _delete(self, name: str, blob: Blob) -> bool:
        """Delete an orphan, unless it was stored anew since it was listed."""
        held = self._stores[name]
        try:
            if await held.head(blob.key) != blob:
                return False
        except BlobNotFound:
            return False
        await held.delete(blob.key)
        return True

    async def _is_left(self, left: OpenUpload) -> bool:
        """Whether parts will never be put together: their upload is over, or has others."""
        if left.begun_at_ms > self._database.clock.now_ms() - self._grace_ms:
            return False
        id_, _ = upload_of(left.key)
        if id_ is None:
            return left.key.startswith(("originals/", "renditions/"))
        async with self._database.read() as reader:
            upload = await media_store.read(reader, id_)
        return upload is None or upload.state in _OVER or upload.remote != left.upload


def _note(cleared: Cleared, gone: list[tuple[str, Blob]]) -> None:
    for name, blob in gone:
        cleared.blobs.append(f"{name}: {blob.key}")
        cleared.bytes += blob.bytes

"""Letting go of media: hidden at once, every byte gone soon, and checked to be."""

from __future__ import annotations

from collections.abc import Iterable

from tintype.database import Database, Job, LeasedJob, Transaction
from tintype.kernel.ids import Id, shard_of
from tintype.media import store
from tintype.media.model import Work, original_key, renditions_prefix
from tintype.media.service.tiers.claims import is_held
from tintype.media.store.objects import objects_of
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound, Unavailable

ERASE = "media.erase"


class Erasing:
    """Releases uploads, and erases what was released."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    async def release(self, tx: Transaction, ids: Iterable[Id]) -> None:
        """Give uploads up for good: with this commit nobody can fetch them any more.

        Their bytes are deleted by a job, and so are their rows after it. Unknown ids are a no-op.
        """
        doomed = list(ids)
        await tx.lock(*doomed)
        found = await store.read_all(tx, doomed)
        if not found:
            return
        now = self._database.clock.now_ms()
        changes = {"state": "released", "access": "owner", "changed_ms": now}
        await store.change_all(tx, found, changes)
        for upload in found:
            await tx.enqueue(_erase_job(upload))

    async def erase(self, job: LeasedJob) -> None:
        """The job ``media.erase``: delete an upload's bytes, see that they are gone, forget it.

        Raises:
            Unavailable: the storage does not answer, or still shows something.
        """
        work: Work = job.payload
        async with self._database.read() as reader:
            upload = await store.read(reader, work.upload)
        await self._delete_bytes(work.upload, None if upload is None else upload.remote)
        async with self._database.write() as tx:
            await store.forget(tx, work.upload)
            await job.finish(tx)

    async def erase_account(self, account: Id) -> None:
        """Erase everything that an account ever uploaded; on return its bytes are gone.

        May be called again after a failure, and carries on.
        """
        async with self._database.read() as reader:
            ids = await store.ids_of(reader, account)
        async with self._database.write() as tx:
            await self.release(tx, ids)
        for id_ in ids:
            async with self._database.read() as reader:
                upload = await store.read(reader, id_)
            await self._delete_bytes(id_, None if upload is None else upload.remote)
            async with self._database.write() as tx:
                await store.forget(tx, id_)

    async def again(self, tx: Transaction, upload: Id) -> None:
        """Erase once more what a job, still running at the release, may have stored since."""
        await tx.enqueue(_erase_job(upload, "late"))

    async def _delete_bytes(self, upload: Id, remote: str | None) -> None:
        await self._await_movers(upload)
        original, prefix = original_key(upload), renditions_prefix(upload)
        if remote is not None:
            await self._blobs.abort(original, remote)
        await self._blobs.delete(original)
        async for blob in self._blobs.under(prefix):
            await self._blobs.delete(blob.key)
        try:
            await self._blobs.head(original)
        except BlobNotFound:
            if [blob async for blob in self._blobs.under(prefix)]:
                raise Unavailable(f"renditions of {upload} are still there") from None
        else:
            raise Unavailable(f"the original of {upload} is still there")

    async def _await_movers(self, upload: Id) -> None:
        """A copy that is under way would arrive after everything was deleted.

        Raises:
            Unavailable: somebody is at it; told of the release, they stop within seconds.
        """
        now = self._database.clock.now_ms()
        async with self._database.read() as reader:
            stored = await objects_of(reader, upload)
        if any(is_held(each, now) for each in stored):
            raise Unavailable(f"something of {upload} is just being moved")


def _erase_job(upload: Id, run: str = "first") -> Job:
    return Job(
        kind=ERASE,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=f"{upload} {run}",
        priority=9,
    )

"""The way back: an original that went cold is brought out again when somebody wants it."""

from __future__ import annotations

from tintype.database import Database, Job, LeasedJob
from tintype.kernel.ids import Id, shard_of
from tintype.media import store
from tintype.media.errors import OriginalMissing, UploadNotFound
from tintype.media.model import ORIGINAL, StoredObject, Upload, Work
from tintype.media.service.tiers.mover import Mover
from tintype.media.store import objects
from tintype.media.views import OriginalView
from tintype.ports.blobs import Blobs
from tintype.ports.errors import Unavailable

RESTORE = "media.restore"


class Originals:
    """Originals by their owners, and by jobs that need one."""

    def __init__(self, database: Database, blobs: Blobs, mover: Mover) -> None:
        self._database = database
        self._blobs = blobs
        self._mover = mover

    async def find(self, upload_id: Id, *, actor: Id) -> OriginalView:
        """Where one's own original is, and how soon it could be at hand.

        Raises:
            UploadNotFound: unknown, somebody else's, or released.
            OriginalMissing: it has not arrived, or is not kept.
        """
        return self._view(await self._own(upload_id, actor))

    async def restore(self, upload_id: Id, *, actor: Id) -> OriginalView:
        """Have one's own original brought back from the cold; it then stays for some days.

        One that is at hand is left where it is. Repeats change nothing.

        Raises:
            UploadNotFound: unknown, somebody else's, or released.
            OriginalMissing: it has not arrived, or is not kept.
        """
        object_ = await self._own(upload_id, actor)
        await self._begin(object_)
        return self._view(await self._own(upload_id, actor))

    async def at_hand(self, upload_id: Id) -> bool:
        """Whether an original can be read now; one that is cold is being brought back from here on.

        What nobody knows is left to whoever reads it.
        """
        async with self._database.read() as reader:
            object_ = await objects.read_object(reader, upload_id, ORIGINAL)
        if object_ is None or (object_.tier != "cold" and object_.state != "restoring"):
            return True
        await self._begin(object_)
        return (await self._blobs.standing(object_.key)).awake

    async def bring(self, job: LeasedJob) -> None:
        """The job ``media.restore``: as far as the storage lets; rounds of the mover do the rest.

        Raises:
            Unavailable: it is just being moved; the job is tried again.
        """
        work: Work = job.payload
        async with self._database.read() as reader:
            object_ = await objects.read_object(reader, work.upload, ORIGINAL)
        if object_ is None:
            return
        if object_.state == "moving":
            raise Unavailable("the original is just being moved")
        if object_.state == "resting" and object_.tier == "cold":
            object_ = await self._mark(object_)
        if object_ is not None and object_.state == "restoring":
            await self._mover.advance(object_)

    async def _begin(self, object_: StoredObject) -> None:
        if object_.tier != "cold" or object_.state == "restoring":
            return
        async with self._database.write() as tx:
            await tx.enqueue(
                Job(
                    kind=RESTORE,
                    shard=shard_of(object_.upload),
                    payload=Work(upload=object_.upload),
                    dedupe=str(object_.upload),
                    priority=3,
                )
            )
        if object_.state == "resting":
            await self._mark(object_)

    async def _mark(self, object_: StoredObject) -> StoredObject | None:
        """Have it brought back by whoever comes by."""
        values = {"state": "restoring", "target": self._mover.plan.home("warm").name}
        async with self._database.write() as tx:
            await objects.change_object(tx, object_, values)
            return await objects.read_object(tx, object_.upload, ORIGINAL)

    async def _own(self, upload_id: Id, actor: Id) -> StoredObject:
        async with self._database.read() as reader:
            upload: Upload | None = await store.read(reader, upload_id)
            if upload is None or upload.owner != actor or upload.state == "released":
                raise UploadNotFound
            object_ = await objects.read_object(reader, upload_id, ORIGINAL)
        if object_ is None:
            raise OriginalMissing
        return object_

    def _view(self, object_: StoredObject) -> OriginalView:
        cold = object_.tier == "cold"
        return OriginalView(
            tier=object_.tier,
            state=object_.state,
            bytes=object_.bytes,
            seconds=self._mover.plan.seconds_back(object_) if cold else None,
        )

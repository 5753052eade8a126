"""What photos get once they are out: smaller files of the same picture, made in spare time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import structlog

from tintype.codecs import Codecs, Rejected
from tintype.codecs import Rendition as MadeFile
from tintype.database import Database, Job, LeasedJob
from tintype.kernel.ids import Id, shard_of
from tintype.media import store
from tintype.media.events import MediaGrown
from tintype.media.model import Upload, Work, original_key
from tintype.media.service.erasing import Erasing
from tintype.media.service.processing.shared import locked, put_files, rendition_of
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)

GROW = "media.grow"


class Growing:
    """The job ``media.grow``: the ladder of a published photo once more, in AVIF.

    It may run again: what is there already is not made twice.
    """

    def __init__(
        self, database: Database, blobs: Blobs, codecs: Codecs, erasing: Erasing, scratch: Path
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._codecs = codecs
        self._erasing = erasing
        self._scratch = scratch

    async def grow(self, job: LeasedJob) -> None:
        """Add AVIF renditions and tell of it; a photo that can not have them stays as it is.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        async with self._database.read() as reader:
            upload = await store.read(reader, work.upload)
            made = (await store.renditions_of(reader, [work.upload]))[work.upload]
        if upload is None or not _may_grow(upload) or "avif" in {each.format for each in made}:
            return
        with tempfile.TemporaryDirectory(prefix="grown-", dir=self._scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            try:
                await self._blobs.fetch(original_key(upload.id), source)
                files = (await self._codecs.grow_photo(source, out)).renditions
            except (Rejected, BlobNotFound) as error:
                log.warning("media.not_grown", upload=upload.id, reason=str(error))
                return
            await put_files(self._blobs, upload.id, files)
        await self._keep(job, upload.id, files)

    async def _keep(self, job: LeasedJob, id_: Id, files: Sequence[MadeFile]) -> None:
        more = [rendition_of(file) for file in files]
        async with self._database.write() as tx:
            upload = await locked(tx, id_)
            if upload is None or not _may_grow(upload):
                await self._erasing.again(tx, id_)
            else:
                await store.put_renditions(tx, id_, more)
                held = upload.held_bytes + sum(each.bytes for each in more)
                await store.change(tx, id_, {"held_bytes": held})
                tx.emit(MediaGrown(upload=id_, owner=upload.owner, subject=upload.subject))
            await job.finish(tx)


def grow_job(upload: Id) -> Job:
    """The job that makes AVIF of a photo, behind every other job."""
    return Job(
        kind=GROW,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=str(upload),
        priority=9,
    )


def _may_grow(upload: Upload) -> bool:
    return upload.kind == "photo" and upload.state == "ready"

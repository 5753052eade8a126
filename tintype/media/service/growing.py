"""What photos get once they are out: smaller files of the same picture, and one to download."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from tintype.codecs import Recipe, Rejected
from tintype.codecs import Rendition as MadeFile
from tintype.database import LeasedJob
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.events import MediaGrown
from tintype.media.model import DOWNLOAD, Rendition, Upload, Work, original_key
from tintype.media.service.processing.shared import locked, rendition_of
from tintype.media.service.processing.workshop import Workshop
from tintype.media.store.objects import note_strays
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)


class Growing:
    """The jobs ``media.grow``, a photo's ladder once more in AVIF, and ``media.offer``, the file
    that others may download.

    They may run again: what is there already is not made twice.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop

    async def grow(self, job: LeasedJob) -> None:
        """Add AVIF renditions and tell of it; a photo that can not have them stays as it is.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        upload, made = await self._read(work.upload)
        if upload is None or not _may_grow(upload) or "avif" in {each.format for each in made}:
            return
        if upload.stale:
            return
        async with self._folders(upload) as (source, out):
            try:
                grown = await self._shop.codecs.grow_photo(
                    source, out, recipe=Recipe.read(upload.recipe)
                )
                files = grown.renditions
            except Rejected as verdict:
                log.warning("media.not_grown", upload=upload.id, reason=str(verdict))
                return
            await self._shop.put(upload.id, files)
        await self._keep(job, upload.id, files, of=upload.revision)

    async def offer(self, job: LeasedJob) -> None:
        """Make the file that others may download, or take it away, as its owner wants it now.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        upload, made = await self._read(work.upload)
        is_there = any(each.rung == DOWNLOAD for each in made)
        if upload is None or not _may_grow(upload) or upload.offered == is_there:
            return
        if not upload.offered:
            await self._withdraw(job, upload.id)
            return
        async with self._folders(upload) as (source, out):
            try:
                file = await self._shop.codecs.make_download(source, out)
            except Rejected as verdict:
                log.warning("media.not_offered", upload=upload.id, reason=str(verdict))
                return
            await self._shop.put(upload.id, [file])
        await self._keep(job, upload.id, [file])

    async def _read(self, id_: Id) -> tuple[Upload | None, list[Rendition]]:
        async with self._shop.database.read() as reader:
            upload = await store.read(reader, id_)
            return upload, (await store.renditions_of(reader, [id_]))[id_]

    @asynccontextmanager
    async def _folders(self, upload: Upload) -> AsyncIterator[tuple[Path, Path]]:
        """The original in a file, and an empty folder for what is made of it.

        Raises:
            BlobNotFound: the storage has lost it.
        """
        with tempfile.TemporaryDirectory(prefix="grown-", dir=self._shop.scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            try:
                await self._shop.blobs.fetch(original_key(upload.id), source)
            except BlobNotFound:
                log.error("media.lost", key=original_key(upload.id))  # noqa: TRY400 - says it all
                raise
            yield source, out

    async def _keep(
        self, job: LeasedJob, id_: Id, files: Sequence[MadeFile], of: int | None = None
    ) -> None:
        """Show the files, which may be those ``of`` a revision of its recipe alone."""
        made = [rendition_of(file) for file in files]
        async with self._shop.database.write() as tx:
            upload = await locked(tx, id_)
            if upload is None or not _may_grow(upload):
                await self._shop.erasing.again(tx, id_)
            elif of not in {None, upload.rendered}:
                await note_strays(tx, id_, made)
            else:
                await store.put_renditions(tx, id_, made)
                tx.emit(MediaGrown(upload=id_, owner=upload.owner, subject=upload.subject))
            await job.finish(tx)

    async def _withdraw(self, job: LeasedJob, id_: Id) -> None:
        async with self._shop.database.write() as tx:
            upload = await locked(tx, id_)
            if upload is not None and not upload.offered:
                await store.drop_rungs(tx, id_, [DOWNLOAD])
                await store.put_renditions(tx, id_, [])
            await job.finish(tx)


def _may_grow(upload: Upload) -> bool:
    return upload.kind == "photo" and upload.state == "ready"

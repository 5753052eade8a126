"""A photo that is out, shown by another recipe: new files beside the old ones, then all at once."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import structlog

from tintype.codecs import PhotoResult, Recipe, Rejected
from tintype.codecs import Rendition as MadeFile
from tintype.database import LeasedJob, Transaction, TryAgain
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.events import MediaEdited, MediaFailed
from tintype.media.model import (
    AVATAR,
    DOWNLOAD,
    GAVE_UP,
    LINGER_MS,
    Rendition,
    Upload,
    Work,
    original_key,
)
from tintype.media.service.photo_jobs import grow_job
from tintype.media.service.processing.shared import locked, rendition_of
from tintype.media.service.processing.workshop import Workshop
from tintype.media.store.objects import linger, note_strays, objects_of

log = structlog.get_logger(__name__)


class Rendering:
    """The job ``media.render``: from the original, by the recipe that counts when it begins.

    What is shown stays until every new file is verified and stored; then one commit replaces all
    of them. Files that were replaced can be fetched for ten minutes more, and are deleted then.
    Run again, it does what is still to be done.
    """

    def __init__(self, workshop: Workshop, *, grows: bool) -> None:
        self._shop = workshop
        self._grows = grows

    async def render(self, job: LeasedJob) -> None:
        """Make the files of a photo anew.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        async with self._shop.database.read() as reader:
            upload = await store.read(reader, work.upload)
            doomed = {
                each.name
                for each in await objects_of(reader, work.upload)
                if each.state == "dropped"
            }
        if upload is None or not upload.stale:
            return
        try:
            result = await self._make(upload)
        except Rejected as verdict:
            async with self._shop.database.write() as tx:
                await self._fail(tx, upload, verdict.code, verdict.sentence)
                await job.finish(tx)
            return
        async with self._shop.database.write() as tx:
            await self._show(tx, upload, result, doomed)
            await job.finish(tx)

    async def gave_up(self, tx: Transaction, work: Work, reason: str) -> None:
        """Let the owner know that the machine failed too often, and that a retry may help."""
        log.error("media.gave_up", upload=work.upload, reason=reason)
        upload = await locked(tx, work.upload)
        if upload is not None:
            sentence = "The server could not edit this photo. You can try again."
            await self._fail(tx, upload, GAVE_UP, sentence)

    async def _make(self, upload: Upload) -> PhotoResult:
        with tempfile.TemporaryDirectory(prefix="edited-", dir=self._shop.scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            await self._shop.blobs.fetch(original_key(upload.id), source)
            result = await self._shop.codecs.process_photo(
                source, out, recipe=Recipe.read(upload.recipe)
            )
            await self._shop.put(upload.id, result.renditions)
        return result

    async def _show(
        self, tx: Transaction, asked: Upload, result: PhotoResult, doomed: Collection[str]
    ) -> None:
        """Show what was made, unless the owner wants something else by now."""
        made = _renditions(result.renditions)
        upload = await locked(tx, asked.id)
        if upload is None or upload.state != "ready":
            await self._shop.erasing.again(tx, asked.id)
            return
        if upload.revision != asked.revision:
            await note_strays(tx, asked.id, made)
            return
        await self._check_there(tx, upload.id, made, doomed)
        await self._replace(tx, upload.id, made)
        await store.change(
            tx,
            upload.id,
            {
                "reason_code": None,
                "reason": None,
                "width": result.width,
                "height": result.height,
                "thumbhash": result.thumbhash,
                "rendered": upload.revision,
                "changed_ms": self._shop.database.clock.now_ms(),
            },
        )
        if upload.subject == AVATAR:
            await self._shop.avatars.show(tx, upload, made)
        if self._grows and upload.access == "viewers":
            await tx.enqueue(grow_job(upload.id, upload.revision))
        tx.emit(MediaEdited(upload=upload.id, owner=upload.owner, subject=upload.subject))

    async def _replace(self, tx: Transaction, id_: Id, made: Sequence[Rendition]) -> None:
        before = (await store.renditions_of(tx, [id_]))[id_]
        await store.drop_rungs(tx, id_, {each.rung for each in before} - {DOWNLOAD})
        await store.put_renditions(tx, id_, made)
        shown = {each.name for each in before if each.rung.isdigit()}
        await linger(tx, id_, shown, self._shop.database.clock.now_ms() + LINGER_MS)

    async def _check_there(
        self, tx: Transaction, id_: Id, made: Sequence[Rendition], doomed: Collection[str]
    ) -> None:
        """A file that was given up before may have been deleted after it was stored again.

        Raises:
            TryAgain: it was.
        """
        there = {each.name for each in await objects_of(tx, id_)}
        if any(each.name in doomed and each.name not in there for each in made):
            raise TryAgain("a file of the same content was just deleted")

    async def _fail(self, tx: Transaction, asked: Upload, code: str, sentence: str) -> None:
        upload = await locked(tx, asked.id)
        if upload is None or not upload.stale or upload.revision != asked.revision:
            return
        await store.change(tx, asked.id, {"reason_code": code, "reason": sentence})
        tx.emit(
            MediaFailed(
                upload=upload.id,
                owner=upload.owner,
                subject=upload.subject,
                reason=sentence,
                retryable=code == GAVE_UP,
            )
        )


def _renditions(files: Sequence[MadeFile]) -> list[Rendition]:
    return [rendition_of(file) for file in files]

"""From an original to its verified renditions."""

from __future__ import annotations

import tempfile
from pathlib import Path

import structlog

from tintype.codecs import Codecs, PhotoResult, Rejected, VideoResult
from tintype.codecs import Rendition as MadeFile
from tintype.database import Database, LeasedJob, Transaction
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.events import MediaFailed, MediaReady
from tintype.media.model import (
    AVATAR,
    SERVED_TYPES,
    Rendition,
    Upload,
    Work,
    original_key,
    rendition_key,
)
from tintype.media.service.avatars import Avatars
from tintype.media.service.erasing import Erasing
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound, NoSuchUpload

log = structlog.get_logger(__name__)

GAVE_UP = "gave-up"

Result = PhotoResult | VideoResult


class Processing:
    """The jobs that process uploads: assemble → fetch → decode → store → publish the fact.

    Each step may run again: the original is assembled once, and renditions are stored under the
    hash of their content, so a second run writes the same keys.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        codecs: Codecs,
        erasing: Erasing,
        avatars: Avatars,
        scratch: Path,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._codecs = codecs
        self._erasing = erasing
        self._avatars = avatars
        self._scratch = scratch

    async def process(self, job: LeasedJob) -> None:
        """Bring an upload from ``processing`` to ``ready`` or ``failed``.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        async with self._database.read() as reader:
            upload = await store.read(reader, work.upload)
        if upload is None or upload.state != "processing":
            await self._leave(job, upload, work.upload)
            return
        try:
            await self._assemble(upload)
            result = await self._make(upload)
        except Rejected as verdict:
            async with self._database.write() as tx:
                await self._fail(tx, upload.id, verdict.code, verdict.sentence)
                await job.finish(tx)
            return
        async with self._database.write() as tx:
            await self._finish(tx, upload.id, result)
            await job.finish(tx)

    async def gave_up(self, tx: Transaction, work: Work, reason: str) -> None:
        """Let the owner know that the machine failed too often, and that a retry may help."""
        log.error("media.gave_up", upload=work.upload, reason=reason)
        sentence = "The server could not process this file. You can try again."
        await self._fail(tx, work.upload, GAVE_UP, sentence)

    async def _leave(self, job: LeasedJob, upload: Upload | None, id_: Id) -> None:
        """Nothing to do any more; an earlier run may have stored files after a release."""
        async with self._database.write() as tx:
            if upload is None or upload.state == "released":
                await self._erasing.again(tx, id_)
            await job.finish(tx)

    async def _assemble(self, upload: Upload) -> None:
        """Make the parts one original, unless an earlier run did.

        Raises:
            Rejected: the bytes are gone, or are not as many as were announced.
        """
        key = original_key(upload.id)
        try:
            parts = await self._blobs.parts(key, upload.remote)
            original = await self._blobs.complete(key, upload.remote, parts)
        except NoSuchUpload:
            try:
                original = await self._blobs.head(key)
            except BlobNotFound as error:
                raise Rejected("lost", "The file did not arrive. Please send it again.") from error
        if original.bytes != upload.bytes:
            raise Rejected("length", "The file arrived with another length than announced.")

    async def _make(self, upload: Upload) -> Result:
        """Decode the original and store every rendition of it."""
        with tempfile.TemporaryDirectory(prefix="media-", dir=self._scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            await self._blobs.fetch(original_key(upload.id), source)
            result: Result
            if upload.kind == "photo":
                result = await self._codecs.process_photo(source, out)
            else:
                result = await self._codecs.process_video(source, out)
            for file in _files_of(result):
                name = _rendition(file).name
                await self._blobs.store(
                    rendition_key(upload.id, name),
                    file.path,
                    content_type=SERVED_TYPES[name.rsplit(".", 1)[1]],
                )
        return result

    async def _finish(self, tx: Transaction, id_: Id, result: Result) -> None:
        made = [_rendition(file) for file in _files_of(result)]
        upload = await _locked(tx, id_)
        if upload is None or upload.state != "processing":
            await self._erasing.again(tx, id_)
            return
        await store.put_renditions(tx, id_, made)
        await store.change(
            tx,
            id_,
            {
                "state": "ready",
                "reason_code": None,
                "reason": None,
                "width": result.width,
                "height": result.height,
                "duration": result.duration if isinstance(result, VideoResult) else None,
                "thumbhash": result.thumbhash,
                "held_bytes": upload.bytes + sum(each.bytes for each in made),
                "changed_ms": self._database.clock.now_ms(),
            },
        )
        if upload.subject == AVATAR:
            await self._avatars.show(tx, upload, made)
        tx.emit(MediaReady(upload=id_, owner=upload.owner, subject=upload.subject))

    async def _fail(self, tx: Transaction, id_: Id, code: str, sentence: str) -> None:
        changes = {
            "state": "failed",
            "reason_code": code,
            "reason": sentence,
            "changed_ms": self._database.clock.now_ms(),
        }
        upload = await _locked(tx, id_)
        if upload is None or not await store.change(tx, id_, changes, only_in=("processing",)):
            return
        tx.emit(
            MediaFailed(
                upload=id_,
                owner=upload.owner,
                subject=upload.subject,
                reason=sentence,
                retryable=code == GAVE_UP,
            )
        )


async def _locked(tx: Transaction, id_: Id) -> Upload | None:
    """The upload, which nobody claims, releases or shows until this transaction has ended."""
    upload = await store.read(tx, id_)
    if upload is None:
        return None
    await tx.lock(id_, upload.owner)
    return await store.read(tx, id_)


def _files_of(result: Result) -> list[MadeFile]:
    if isinstance(result, VideoResult):
        return [*result.poster, *result.renditions]
    return list(result.renditions)


def _rendition(file: MadeFile) -> Rendition:
    return Rendition(
        rung=file.rung,
        format=file.format,
        width=file.width,
        height=file.height,
        bytes=file.bytes,
        sha256=file.sha256,
    )

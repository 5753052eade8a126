"""From an original to its verified renditions."""

from __future__ import annotations

import tempfile
from pathlib import Path

import structlog

from tintype.codecs import Recipe, Rejected
from tintype.database import LeasedJob, NotYet, Transaction
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.events import MediaFailed, MediaReady
from tintype.media.model import AVATAR, GAVE_UP, LENGTH, LOST, MOVES, Upload, Work, original_key
from tintype.media.service.integrity import check_beginning, check_whole
from tintype.media.service.photo_jobs import offer_job, render_job
from tintype.media.service.processing import photos, videos
from tintype.media.service.processing.later import grow_video_job, poster_job
from tintype.media.service.processing.meter import metered
from tintype.media.service.processing.shared import Outcome, locked
from tintype.media.service.processing.workshop import Workshop
from tintype.ports.errors import BlobNotFound, NoSuchUpload

log = structlog.get_logger(__name__)


class Processing:
    """The jobs that process uploads: assemble → fetch → decode → store → publish the fact.

    Each step may run again: the original is assembled once, and renditions are stored under the
    hash of their content, so a second run writes the same keys.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop

    async def process(self, job: LeasedJob) -> None:
        """Bring an upload from ``processing`` to ``ready`` or ``failed``.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        work: Work = job.payload
        async with self._shop.database.read() as reader:
            upload = await store.read(reader, work.upload)
        if upload is None or upload.state != "processing":
            await self._leave(job, upload, work.upload)
            return
        try:
            await self._assemble(upload)
            await check_beginning(self._shop.blobs, upload)
            outcome, sha256 = await self._make(upload)
        except Rejected as verdict:
            async with self._shop.database.write() as tx:
                if verdict.code == MOVES and await self._is_outdated(tx, upload):
                    raise NotYet(0, "its recipe has changed meanwhile") from verdict
                await self._fail(tx, upload.id, verdict.code, verdict.sentence)
                await job.finish(tx)
            return
        async with self._shop.database.write() as tx:
            await self._finish(tx, upload, outcome, sha256)
            await job.finish(tx)

    async def gave_up(self, tx: Transaction, work: Work, reason: str) -> None:
        """Let the owner know that the machine failed too often, and that a retry may help."""
        log.error("media.gave_up", upload=work.upload, reason=reason)
        sentence = "The server could not process this file. You can try again."
        await self._fail(tx, work.upload, GAVE_UP, sentence)

    async def _leave(self, job: LeasedJob, upload: Upload | None, id_: Id) -> None:
        """Nothing to do any more; an earlier run may have stored files after a release."""
        async with self._shop.database.write() as tx:
            if upload is None or upload.state == "released":
                await self._shop.erasing.again(tx, id_)
            await job.finish(tx)

    async def _assemble(self, upload: Upload) -> None:
        """Make the parts one original, unless an earlier run did.

        Raises:
            Rejected: the bytes are gone, or are not as many as were announced.
        """
        key = original_key(upload.id)
        try:
            parts = await self._shop.blobs.parts(key, upload.remote)
            original = await self._shop.blobs.complete(key, upload.remote, parts)
        except NoSuchUpload:
            try:
                original = await self._shop.blobs.head(key)
            except BlobNotFound as error:
                raise Rejected(LOST, "The file did not arrive. Please send it again.") from error
        if original.bytes != upload.bytes:
            raise Rejected(LENGTH, "The file arrived with another length than announced.")

    async def _make(self, upload: Upload) -> tuple[Outcome, str]:
        """Check the original, decode it and store every rendition; returns its SHA-256 too."""
        with tempfile.TemporaryDirectory(prefix="media-", dir=self._shop.scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            await self._shop.blobs.fetch(original_key(upload.id), source)
            sha256 = await check_whole(upload, source)
            outcome = await self._decode(upload, source, out)
            await self._shop.put(upload.id, outcome.files)
        return outcome, sha256

    async def _decode(self, upload: Upload, source: Path, out: Path) -> Outcome:
        if upload.kind == "photo":
            return await photos.make(self._shop.codecs, source, out, Recipe.read(upload.recipe))
        async with metered(self._shop.database, upload.id) as told:
            return await videos.make(
                self._shop.codecs, source, out, poster_at=upload.poster_at, told=told
            )

    async def _is_outdated(self, tx: Transaction, seen: Upload) -> bool:
        upload = await locked(tx, seen.id)
        return upload is not None and upload.revision != seen.revision

    async def _finish(self, tx: Transaction, seen: Upload, outcome: Outcome, sha256: str) -> None:
        """Show what was made; if its recipe has changed meanwhile, for now."""
        id_, made = seen.id, outcome.renditions
        upload = await locked(tx, id_)
        if upload is None or upload.state != "processing":
            await self._shop.erasing.again(tx, id_)
            return
        await store.put_renditions(tx, id_, made)
        await store.change(
            tx,
            id_,
            {
                "state": "ready",
                "reason_code": None,
                "reason": None,
                "width": outcome.width,
                "height": outcome.height,
                "duration": outcome.duration,
                "thumbhash": outcome.thumbhash,
                "animated": outcome.animated,
                "sha256": sha256,
                "progress": None,
                "rendered": seen.revision,
                "changed_ms": self._shop.database.clock.now_ms(),
            },
        )
        if upload.offered:
            await tx.enqueue(offer_job(id_))
        if upload.revision != seen.revision:
            await tx.enqueue(render_job(id_, upload.revision))
            return
        if upload.subject == AVATAR:
            await self._shop.avatars.show(tx, upload, made)
        if outcome.further:
            await tx.enqueue(grow_video_job(id_))
        if upload.kind == "video" and upload.poster_at != outcome.poster_at:
            await tx.enqueue(poster_job(upload))
        tx.emit(MediaReady(upload=id_, owner=upload.owner, subject=upload.subject))

    async def _fail(self, tx: Transaction, id_: Id, code: str, sentence: str) -> None:
        changes = {
            "state": "failed",
            "reason_code": code,
            "reason": sentence,
            "progress": None,
            "changed_ms": self._shop.database.clock.now_ms(),
        }
        upload = await locked(tx, id_)
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

"""Bytes on their way in: begun, sent in parts, completed, or thrown away."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.database import Database, Job, Reader, Transaction
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.problem import FieldError
from tintype.media import store
from tintype.media.errors import (
    ContentTypeRefused,
    NoRoomForUpload,
    PartNotFound,
    QuotaExceeded,
    TooManyUploads,
    UploadClosed,
    UploadEmpty,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
    UploadTooLarge,
)
from tintype.media.model import (
    PHOTO_TYPES,
    UPLOAD_MS,
    VIDEO_TYPES,
    MediaSettings,
    Upload,
    Work,
    accepted_type,
    kind_of,
    original_key,
    plan,
)
from tintype.media.views import NewUploadView, QuotaView, new_upload_view
from tintype.ports.blobs import Blobs, SignedPart, StoredPart
from tintype.ports.errors import BlobNotFound, NoSuchUpload, OutOfSpace

_MOST_NAMED = 10
PROCESS_PHOTO, PROCESS_VIDEO = "media.process-photo", "media.process-video"


class Uploads:
    """Uploads by their owners. ``complete`` is one and the same for everybody who calls it."""

    def __init__(self, database: Database, blobs: Blobs, settings: MediaSettings) -> None:
        self.settings = settings
        self._database = database
        self._blobs = blobs

    async def create(
        self, *, owner: Id, content_type: str, size: int, filename: str | None = None
    ) -> NewUploadView:
        """Begin an upload of exactly ``size`` bytes; it lives for 48 hours.

        Raises:
            ContentTypeRefused, UploadEmpty, UploadTooLarge, QuotaExceeded, TooManyUploads,
            NoRoomForUpload.
        """
        upload = await self.prepare(
            owner=owner, content_type=content_type, size=size, filename=filename
        )
        async with self._database.write() as tx:
            view = await self.begin(tx, upload)
            await tx.answer(view)
        return view

    async def prepare(
        self, *, owner: Id, content_type: str, size: int, filename: str | None = None
    ) -> Upload:
        """Everything about beginning an upload that must not happen inside a transaction.

        Nobody sees the upload before ``begin``.

        Raises:
            ContentTypeRefused, UploadEmpty, UploadTooLarge, QuotaExceeded, TooManyUploads,
            NoRoomForUpload.
        """
        accepted = self._accepted(content_type, size, filename)
        async with self._database.read() as reader:
            await self._check_account(reader, owner, size)
        now = self._database.clock.now_ms()
        id_ = self._database.ids.next(shard_of(owner))
        try:
            remote = await self._blobs.create_upload(
                original_key(id_), size=size, content_type=accepted
            )
        except OutOfSpace as error:
            raise NoRoomForUpload from error
        return Upload(
            id=id_,
            owner=owner,
            kind=kind_of(accepted),
            state="uploading",
            access="owner",
            subject=None,
            content_type=accepted,
            bytes=size,
            held_bytes=size,
            remote=remote,
            reason_code=None,
            reason=None,
            width=0,
            height=0,
            duration=None,
            thumbhash=None,
            expires_ms=now + UPLOAD_MS,
            changed_ms=now,
        )

    async def begin(self, tx: Transaction, upload: Upload) -> NewUploadView:
        """Begin a prepared upload in a transaction of the caller's.

        Raises:
            QuotaExceeded, TooManyUploads: other uploads took the room since it was prepared.
        """
        await tx.lock(upload.owner)
        await self._check_account(tx, upload.owner, upload.bytes)
        await store.insert(tx, upload)
        return new_upload_view(upload)

    async def sign_part(self, upload_id: Id, number: int, *, actor: Id) -> SignedPart:
        """Leave to send one part during the next hour.

        Raises:
            UploadNotFound, UploadClosed, UploadExpired, PartNotFound.
        """
        upload = await self.read(upload_id, actor=actor)
        if upload.state == "expired":
            raise UploadExpired
        if upload.state != "uploading":
            raise UploadClosed
        parts = plan(upload.bytes)
        if not 1 <= number <= len(parts):
            raise PartNotFound(f"This upload has the parts 1 to {len(parts)}.")
        return await self._blobs.sign_part(
            original_key(upload.id), upload.remote, number=number, size=parts[number - 1].bytes
        )

    async def read(self, upload_id: Id, *, actor: Id) -> Upload:
        """One's own upload.

        Raises:
            UploadNotFound: unknown, somebody else's, or released.
        """
        async with self._database.read() as reader:
            upload = await store.read(reader, upload_id)
        if upload is None or upload.owner != actor or upload.state == "released":
            raise UploadNotFound
        return upload

    async def stored_parts(self, upload: Upload) -> list[StoredPart]:
        """The parts that arrived; all of them are gone once the upload is completed."""
        if upload.state != "uploading":
            return []
        try:
            return await self._blobs.parts(original_key(upload.id), upload.remote)
        except NoSuchUpload:
            return []

    async def complete(self, upload_id: Id, *, actor: Id | None = None) -> Upload:
        """See to it that an upload whose parts are all there gets processed.

        May be called by anybody who thinks so, any number of times: the client, a bucket's event
        or the sweeper (the latter two without an ``actor``). Returns the upload as it is now.

        Raises:
            UploadNotFound, UploadExpired.
            UploadIncomplete: ``missing`` lists the parts that are not there.
        """
        upload = await self._find(upload_id, actor)
        if upload.state == "expired":
            raise UploadExpired
        if upload.state != "uploading":
            return upload
        stored = await self.stored_parts(upload)
        missing = _missing(upload, stored)
        if missing and (stored or not await self._is_whole(upload)):
            named = ", ".join(str(number) for number in missing[:_MOST_NAMED])
            more = "" if len(missing) <= _MOST_NAMED else f" and {len(missing) - _MOST_NAMED} more"
            raise UploadIncomplete(f"Missing parts: {named}{more}.", missing=missing)
        async with self._database.write() as tx:
            now = self._database.clock.now_ms()
            changes = {"state": "processing", "changed_ms": now}
            if await store.change(tx, upload_id, changes, only_in=("uploading",)):
                await tx.enqueue(process_job(upload_id, kind=upload.kind))
            found = await store.read(tx, upload_id)
        return found or upload

    async def quota(self, account: Id) -> QuotaView:
        """What the account's media take, and what they may."""
        async with self._database.read() as reader:
            used = await store.held_bytes(reader, account)
        return QuotaView(used=used, limit=self.settings.quota_bytes)

    async def _is_whole(self, upload: Upload) -> bool:
        """Whether somebody else has put the parts together already."""
        try:
            return (await self._blobs.head(original_key(upload.id))).bytes == upload.bytes
        except BlobNotFound:
            return False

    async def _find(self, upload_id: Id, actor: Id | None) -> Upload:
        if actor is not None:
            return await self.read(upload_id, actor=actor)
        async with self._database.read() as reader:
            upload = await store.read(reader, upload_id)
        if upload is None:
            raise UploadNotFound
        return upload

    def _accepted(self, content_type: str, size: int, filename: str | None) -> str:
        accepted = accepted_type(content_type, filename)
        if accepted is None:
            raise ContentTypeRefused(
                "Photos may be JPEG, PNG, WebP, AVIF, GIF or HEIC; videos MP4, MOV or WebM.",
                accepted=[*PHOTO_TYPES, *VIDEO_TYPES],
            )
        if size < 1:
            said = "This file is empty."
            raise UploadEmpty(said, errors=[FieldError(pointer="/bytes", detail=said)])
        kind = kind_of(accepted)
        limit = self.settings.photo_bytes if kind == "photo" else self.settings.video_bytes
        if size > limit:
            raise UploadTooLarge(
                f"A {kind} may have up to {_readable(limit)}; this one has {_readable(size)}.",
                limit=limit,
            )
        return accepted

    async def _check_account(self, reader: Reader, owner: Id, size: int) -> None:
        limit = self.settings.quota_bytes
        used = await store.held_bytes(reader, owner)
        if used + size > limit:
            raise QuotaExceeded(f"{used} of {limit} bytes are taken.", used=used, limit=limit)
        if await store.count_under_way(reader, owner) >= self.settings.open_uploads:
            raise TooManyUploads(f"At most {self.settings.open_uploads} at the same time.")


def process_job(upload: Id, *, kind: str) -> Job:
    """The job that makes the renditions.

    Two kinds of job, so that workers can keep room for photos, which take a second, beside videos,
    which take minutes.
    """
    return Job(
        kind=PROCESS_PHOTO if kind == "photo" else PROCESS_VIDEO,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=str(upload),
        priority=0 if kind == "photo" else 5,
    )


def _readable(size: int) -> str:
    """Bytes as people read them, in powers of 1 024: ``8 MB``, ``3.5 GB``."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"


def _missing(upload: Upload, stored: Sequence[StoredPart]) -> list[int]:
    sizes = {part.number: part.bytes for part in stored}
    return [part.number for part in plan(upload.bytes) if sizes.get(part.number) != part.bytes]

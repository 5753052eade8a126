"""Bytes on their way in: begun, sent in parts, completed, or thrown away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tintype.database import Database, Job, Reader, Transaction
from tintype.kernel.cursor import decode, encode
from tintype.kernel.ids import MAX_ID, Id, shard_of
from tintype.kernel.page import Page, clamp_limit
from tintype.media import store
from tintype.media.errors import (
    NoRoomForUpload,
    PartNotFound,
    QuotaExceeded,
    TooManyUploads,
    UploadClosed,
    UploadDamaged,
    UploadExpired,
    UploadIncomplete,
    UploadNotFound,
)
from tintype.media.model import (
    UPLOAD_MS,
    Announced,
    Completion,
    MediaSettings,
    State,
    Upload,
    Work,
    kind_of,
    original_key,
    plan,
    shown_name,
)
from tintype.media.service.acceptance import accept
from tintype.media.views import (
    NewUploadView,
    QuotaView,
    UploadSummary,
    new_upload_view,
    upload_summary,
)
from tintype.ports.blobs import Blobs, SignedPart, StoredPart
from tintype.ports.errors import BlobNotFound, NoSuchUpload, OutOfSpace

V = TypeVar("V")

_MOST_NAMED = 10
_CURSOR = "uploads"
PROCESS_PHOTO, PROCESS_VIDEO = "media.process-photo", "media.process-video"


class Uploads:
    """Uploads by their owners. ``complete`` is one and the same for everybody who calls it."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        settings: MediaSettings,
        expect_video: Callable[[], None] = lambda: None,
    ) -> None:
        """``expect_video`` is told when the last part of a video is about to be sent."""
        self.settings = settings
        self._expect_video = expect_video
        self._database = database
        self._blobs = blobs

    async def create(self, file: Announced, *, owner: Id, shown: Callable[[NewUploadView], V]) -> V:
        """Begin an upload of exactly this file, and answer with it as it is ``shown``.

        It lives for 48 hours.

        Raises:
            ContentTypeRefused, FileRefused, UploadEmpty, UploadTooLarge, QuotaExceeded,
            TooManyUploads, NoRoomForUpload.
        """
        upload = await self.prepare(file, owner=owner)
        async with self._database.write() as tx:
            view = shown(await self.begin(tx, upload))
            await tx.answer(view)
        return view

    async def prepare(self, file: Announced, *, owner: Id) -> Upload:
        """Everything about beginning an upload that must not happen inside a transaction.

        Nobody sees the upload before ``begin``.

        Raises:
            ContentTypeRefused, FileRefused, UploadEmpty, UploadTooLarge, QuotaExceeded,
            TooManyUploads, NoRoomForUpload.
        """
        accepted = accept(file, self.settings)
        async with self._database.read() as reader:
            await self._check_account(reader, owner, file.size)
        now = self._database.clock.now_ms()
        id_ = self._database.ids.next(shard_of(owner))
        try:
            remote = await self._blobs.create_upload(
                original_key(id_), size=file.size, content_type=accepted
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
            bytes=file.size,
            held_bytes=file.size,
            remote=remote,
            reason_code=None,
            reason=None,
            width=0,
            height=0,
            duration=None,
            thumbhash=None,
            expires_ms=now + UPLOAD_MS,
            changed_ms=now,
            part_bytes=file.part_bytes,
            filename=shown_name(file.filename),
            declared_sha256=file.sha256,
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
        parts = plan(upload.bytes, upload.part_bytes)
        if not 1 <= number <= len(parts):
            raise PartNotFound(f"This upload has the parts 1 to {len(parts)}.")
        if upload.kind == "video" and number == len(parts):
            self._expect_video()
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

    async def mine(
        self, *, actor: Id, state: State, cursor: str | None, limit: int | None
    ) -> Page[UploadSummary]:
        """One's own uploads in a state, the newest first, so that another device finds them."""
        size = clamp_limit(limit)
        start = decode(_CURSOR, cursor, 1)
        below = MAX_ID if start is None else start[0]
        async with self._database.read() as reader:
            found = await store.page_of(reader, actor, state, below=below, limit=size + 1)
        more = encode(_CURSOR, found[size - 1].id) if len(found) > size else None
        return Page([upload_summary(upload) for upload in found[:size]], more)

    async def stored_parts(self, upload: Upload) -> list[StoredPart]:
        """The parts that arrived; all of them are gone once the upload is completed."""
        if upload.state != "uploading":
            return []
        try:
            return await self._blobs.parts(original_key(upload.id), upload.remote)
        except NoSuchUpload:
            return []

    async def complete(
        self, upload_id: Id, *, actor: Id | None = None, said: Completion | None = None
    ) -> Upload:
        """See to it that an upload whose parts are all there gets processed.

        May be called by anybody who thinks so, any number of times: the client, a bucket's event
        or the sweeper (the latter two without an ``actor``). One that failed without fault of its
        bytes is processed again. Returns the upload as it is now. What a client ``said`` about
        the bytes is checked here as far as the storage tells, and by the worker that reads them.

        Raises:
            UploadNotFound, UploadExpired.
            UploadIncomplete: ``missing`` lists the parts that are not there.
            UploadDamaged: ``parts`` lists those that are not the ones that were sent.
        """
        upload = await self._find(upload_id, actor)
        if upload.state == "expired":
            raise UploadExpired
        if actor is not None and upload.processable:
            return await self._process_again(upload)
        if upload.state != "uploading":
            return upload
        stored = await self.stored_parts(upload)
        missing = _missing(upload, stored)
        if missing and (stored or not await self._is_whole(upload)):
            raise UploadIncomplete(f"Missing parts: {_listed(missing)}.", missing=missing)
        said = said or Completion()
        others = [each.number for each in stored if _is_another(each, said.etags)]
        if others:
            raise UploadDamaged(f"Send these parts again: {_listed(others)}.", parts=others)
        changes = {
            "state": "processing",
            "changed_ms": self._database.clock.now_ms(),
            "declared_sha256": said.sha256 or upload.declared_sha256,
            "declared_parts_sha256": said.parts_sha256,
        }
        async with self._database.write() as tx:
            if await store.change(tx, upload_id, changes, only_in=("uploading",)):
                await tx.enqueue(process_job(upload_id, kind=upload.kind))
            found = await store.read(tx, upload_id)
        return found or upload

    async def _process_again(self, upload: Upload) -> Upload:
        changes = {
            "state": "processing",
            "reason_code": None,
            "reason": None,
            "changed_ms": self._database.clock.now_ms(),
        }
        async with self._database.write() as tx:
            if await store.change(tx, upload.id, changes, only_in=("failed",)):
                await tx.enqueue(process_job(upload.id, kind=upload.kind))
            found = await store.read(tx, upload.id)
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


def _missing(upload: Upload, stored: Sequence[StoredPart]) -> list[int]:
    sizes = {part.number: part.bytes for part in stored}
    return [
        part.number
        for part in plan(upload.bytes, upload.part_bytes)
        if sizes.get(part.number) != part.bytes
    ]


def _is_another(part: StoredPart, etags: dict[int, str]) -> bool:
    """Whether the client was told another etag for this part than the storage has."""
    return etags.get(part.number, part.etag).strip('"') != part.etag


def _listed(numbers: Sequence[int]) -> str:
    named = ", ".join(str(number) for number in numbers[:_MOST_NAMED])
    rest = len(numbers) - _MOST_NAMED
    return named if rest <= 0 else f"{named} and {rest} more"

"""The endpoints that Uppy's ``@uppy/aws-s3`` asks of a companion, answered by our own uploads.

Create, complete and abort stay on this server, where size, quota and ownership are checked; only
the parts go straight to the storage. The names in bodies and answers are Uppy's.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import Field

from tintype.http import Access, Body, Call, IdField, IdPath, Routes
from tintype.kernel.links import HERE
from tintype.kernel.problem import invalid_field
from tintype.media.errors import (
    BEGINNING,
    FormUploadRefused,
    PartNotFound,
    UploadClosed,
    UploadDamaged,
    UploadExpired,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import MOST_PARTS, SMALLEST_PART, Announced, Completion
from tintype.media.routes.door import Door
from tintype.media.views import NewUploadView, signed_part_view

_PATH = "/v1/companion/s3/multipart"
_LONGEST_NAME = 1000
_LARGEST_PART = 5 * 1024**3
_MOST_META = 50


class CompanionUpload(Body):
    """``metadata`` is the file's ``meta`` in Uppy; ``size`` must be among it, in bytes."""

    filename: str = Field(max_length=_LONGEST_NAME)
    type: str = Field(default="", max_length=100)
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=_MOST_META)


class CompanionPart(Body):
    PartNumber: int = Field(ge=1, le=MOST_PARTS)
    ETag: str = Field(max_length=200)


class CompanionParts(Body):
    parts: list[CompanionPart] = Field(max_length=MOST_PARTS)


class CompanionBegun(msgspec.Struct, frozen=True):
    """Both are the id of the upload."""

    key: str
    uploadId: str  # noqa: N815 - Uppy's name


class CompanionAddress(msgspec.Struct, frozen=True):
    """Where to PUT the part."""

    url: str


class CompanionStored(msgspec.Struct, frozen=True):
    """A part that need not be sent again."""

    PartNumber: int
    Size: int
    ETag: str


class CompanionDone(msgspec.Struct, frozen=True):
    """``location`` is the upload itself: it tells how far its processing is."""

    location: str
    bucket: str
    key: str


def add_companion(table: Routes, door: Door) -> None:
    """Declare the six endpoints."""

    @table.get(
        "/v1/companion/s3/params",
        access=Access.ACCOUNT,
        returns=CompanionAddress,
        limit="upload",
        problems=[FormUploadRefused],
    )
    async def companion_form(call: Call, filename: str = "") -> CompanionAddress:
        """Refused: files are taken in parts here, whatever their size."""
        del call, filename
        raise FormUploadRefused("Set shouldUseMultipart to true.")

    @table.post(
        _PATH,
        access=Access.ACCOUNT,
        returns=CompanionBegun,
        limit="upload",
        creates=True,
        problems=BEGINNING,
    )
    async def companion_begin(call: Call, body: CompanionUpload) -> CompanionBegun:
        """Begin an upload for Uppy; its parts are as long as Uppy makes them."""
        size = _number(body.metadata, "size")
        if size is None:
            raise invalid_field("/metadata/size", "Tell the size of the file in bytes.")
        file = Announced(
            content_type=body.type,
            size=size,
            filename=body.filename,
            part_bytes=_part_bytes(body.metadata, size),
        )
        return await door.uploads.create(file, owner=call.actor, shown=_begun)

    @table.get(
        _PATH + "/{upload_id}/{number:int}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=CompanionAddress,
        limit="upload",
        problems=[UploadNotFound, UploadClosed, UploadExpired, PartNotFound],
    )
    async def companion_sign(
        call: Call, upload_id: IdPath, number: int, key: IdField | None = None
    ) -> CompanionAddress:
        """An address for one part, good for an hour and for exactly its bytes."""
        _check_key(upload_id, key)
        signed = await door.uploads.sign_part(upload_id, number, actor=call.actor)
        return CompanionAddress(signed_part_view(signed).url)

    @table.get(
        _PATH + "/{upload_id}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=list[CompanionStored],
        limit="upload",
        problems=[UploadNotFound],
    )
    async def companion_parts(
        call: Call, upload_id: IdPath, key: IdField | None = None
    ) -> list[CompanionStored]:
        """The parts that need not be sent again."""
        _check_key(upload_id, key)
        upload = await door.uploads.read(upload_id, actor=call.actor)
        stored = await door.uploads.stored_parts(upload)
        return [CompanionStored(each.number, each.bytes, each.etag) for each in stored]

    @table.post(
        _PATH + "/{upload_id}/complete",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=CompanionDone,
        limit="upload",
        problems=[UploadNotFound, UploadIncomplete, UploadDamaged, UploadExpired],
    )
    async def companion_complete(
        call: Call, upload_id: IdPath, body: CompanionParts, key: IdField | None = None
    ) -> CompanionDone:
        """All parts are sent: start processing. Repeats are harmless."""
        _check_key(upload_id, key)
        said = Completion(etags={part.PartNumber: part.ETag for part in body.parts})
        await door.uploads.complete(upload_id, actor=call.actor, said=said)
        name = str(upload_id)
        return CompanionDone(location=f"{HERE}/v1/uploads/{name}", bucket="", key=name)

    @table.delete(
        _PATH + "/{upload_id}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        limit="upload",
        problems=[UploadNotFound, UploadInUse],
    )
    async def companion_abort(call: Call, upload_id: IdPath, key: IdField | None = None) -> None:
        """Throw the upload away. Repeats are harmless."""
        _check_key(upload_id, key)
        await door.media.drop(upload_id, actor=call.actor)


def _begun(upload: NewUploadView) -> CompanionBegun:
    return CompanionBegun(key=upload.id, uploadId=upload.id)


def _check_key(upload: int, key: int | None) -> None:
    if key is not None and key != upload:
        raise UploadNotFound


def _part_bytes(metadata: dict[str, Any], size: int) -> int:
    """How long Uppy makes its parts: as told, or as it does when it is told nothing.

    Raises:
        Invalid: no storage takes parts of that length, or so many.
    """
    told = _number(metadata, "part_size")
    length = max(SMALLEST_PART, -(-size // MOST_PARTS)) if told is None else told
    if not SMALLEST_PART <= length <= _LARGEST_PART or -(-size // length) > MOST_PARTS:
        raise invalid_field("/metadata/part_size", f"{SMALLEST_PART} to {_LARGEST_PART} bytes.")
    return length


def _number(metadata: dict[str, Any], name: str) -> int | None:
    """A whole number among the metadata; Uppy's users may hold it as text."""
    value = metadata.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:20])
    return None

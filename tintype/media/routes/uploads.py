"""/v1/uploads: files on their way in."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import Field

from tintype.codecs import HEAD_BYTES
from tintype.http import Access, Body, Call, Cursor, IdPath, Limit, Routes
from tintype.kernel.cursor import UnknownCursor
from tintype.kernel.page import Page
from tintype.kernel.problem import invalid_field
from tintype.media.errors import (
    BEGINNING,
    PartNotFound,
    UploadClosed,
    UploadDamaged,
    UploadExpired,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import MOST_PARTS, Announced, Completion, Upload
from tintype.media.routes.door import Door
from tintype.media.views import (
    NewUploadView,
    SignedPartView,
    UploadSummary,
    UploadView,
    signed_part_view,
)

_LONGEST_HEAD = -(-HEAD_BYTES // 3) * 4
Listed = Literal["uploading", "processing", "ready", "failed", "expired"]

_Sha256 = Annotated[
    str | None, Field(pattern="^[0-9a-f]{64}$", description="lower-case hexadecimal digits")
]


class NewUpload(Body):
    content_type: str = Field(max_length=100)
    bytes: int
    filename: str | None = Field(default=None, max_length=1000)
    sha256: _Sha256 = None
    head: str | None = Field(
        default=None,
        max_length=_LONGEST_HEAD,
        description="base64 of the file's first `head_bytes` of the limits: a file that can not be "
        "shown here is then refused before it is sent",
    )


class SentPart(Body):
    number: int = Field(ge=1, le=MOST_PARTS)
    etag: str = Field(max_length=200)


class Sent(Body):
    """What the client knows of the bytes it sent, to have it checked."""

    sha256: _Sha256 = None
    parts_sha256: _Sha256 = Field(
        default=None, description="SHA-256 over the SHA-256 digests of the parts, in order"
    )
    parts: list[SentPart] = Field(default_factory=list, max_length=MOST_PARTS)


def add_uploads(table: Routes, door: Door) -> None:
    async def show(upload: Upload) -> UploadView:
        return await door.media.upload(upload, parts=await door.uploads.stored_parts(upload))

    @table.post(
        "/v1/uploads",
        access=Access.ACCOUNT,
        returns=NewUploadView,
        status=201,
        limit="upload",
        creates=True,
        problems=BEGINNING,
    )
    async def create_upload(call: Call, body: NewUpload) -> NewUploadView:
        """Begin an upload: says how to cut the file into parts. It lives for 48 hours."""
        return await door.uploads.create(
            Announced(
                content_type=body.content_type,
                size=body.bytes,
                filename=body.filename,
                sha256=body.sha256,
                head=_head(body.head),
            ),
            owner=call.actor,
            shown=lambda begun: begun,
        )

    @table.get(
        "/v1/uploads",
        access=Access.ACCOUNT,
        returns=Page[UploadSummary],
        limit="upload",
        problems=[UnknownCursor],
    )
    async def list_uploads(
        call: Call, state: Listed = "uploading", cursor: Cursor = None, limit: Limit = None
    ) -> Page[UploadSummary]:
        """Your uploads in a state, the newest first: another device can go on with them."""
        return await door.uploads.mine(actor=call.actor, state=state, cursor=cursor, limit=limit)

    @table.get(
        "/v1/uploads/{upload_id}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=UploadView,
        limit="upload",
        problems=[UploadNotFound],
    )
    async def read_upload(call: Call, upload_id: IdPath) -> UploadView:
        """How far an upload is, and which parts need not be sent again."""
        return await show(await door.uploads.read(upload_id, actor=call.actor))

    @table.get(
        "/v1/uploads/{upload_id}/parts/{number}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=SignedPartView,
        limit="upload",
        problems=[UploadNotFound, UploadClosed, UploadExpired, PartNotFound],
    )
    async def sign_part(call: Call, upload_id: IdPath, number: int) -> SignedPartView:
        """An address to send one part to, good for an hour and for exactly its bytes."""
        return signed_part_view(await door.uploads.sign_part(upload_id, number, actor=call.actor))

    @table.post(
        "/v1/uploads/{upload_id}/complete",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=UploadView,
        status_of=lambda view: 200 if view.state in {"ready", "failed"} else 202,
        limit="upload",
        problems=[UploadNotFound, UploadIncomplete, UploadDamaged, UploadExpired],
    )
    async def complete_upload(
        call: Call, upload_id: IdPath, body: Sent | None = None
    ) -> UploadView:
        """All parts are sent: start processing. Repeats are harmless.

        An upload that failed with `gave-up` is processed again.
        """
        sent = body or Sent()
        said = Completion(
            sha256=sent.sha256,
            parts_sha256=sent.parts_sha256,
            etags={part.number: part.etag for part in sent.parts},
        )
        return await show(await door.uploads.complete(upload_id, actor=call.actor, said=said))

    @table.delete(
        "/v1/uploads/{upload_id}",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        limit="upload",
        problems=[UploadNotFound, UploadInUse],
    )
    async def drop_upload(call: Call, upload_id: IdPath) -> None:
        """Throw an upload away that nothing uses. Repeats are harmless."""
        await door.media.drop(upload_id, actor=call.actor)


def _head(encoded: str | None) -> bytes | None:
    """The first bytes of the file.

    Raises:
        Invalid: no base64.
    """
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise invalid_field("/head", "This is no base64.") from error

"""/v1/uploads: files on their way in."""

from __future__ import annotations

from pydantic import Field

from tintype.http import Access, Body, Call, IdPath, Routes
from tintype.media.errors import (
    BEGINNING,
    PartNotFound,
    UploadClosed,
    UploadExpired,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import Upload
from tintype.media.routes.door import Door
from tintype.media.views import NewUploadView, SignedPartView, UploadView, signed_part_view


class NewUpload(Body):
    content_type: str = Field(max_length=100)
    bytes: int
    filename: str | None = Field(default=None, max_length=1000)


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
            owner=call.actor,
            content_type=body.content_type,
            size=body.bytes,
            filename=body.filename,
        )

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
        problems=[UploadNotFound, UploadIncomplete, UploadExpired],
    )
    async def complete_upload(call: Call, upload_id: IdPath) -> UploadView:
        """All parts are sent: start processing. Repeats are harmless."""
        return await show(await door.uploads.complete(upload_id, actor=call.actor))

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

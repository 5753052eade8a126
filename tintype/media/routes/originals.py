"""/v1/uploads/…/original and …/restore: where an original is, and having it brought back."""

from __future__ import annotations

from tintype.http import Access, Call, IdPath, Routes
from tintype.media.errors import OriginalMissing, UploadNotFound
from tintype.media.routes.door import Door
from tintype.media.views import OriginalView


def add_originals(table: Routes, door: Door) -> None:
    """The routes of originals, which nobody but their owner sees."""

    @table.get(
        "/v1/uploads/{upload_id}/original",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=OriginalView,
        limit="upload",
        problems=[UploadNotFound, OriginalMissing],
    )
    async def read_original(call: Call, upload_id: IdPath) -> OriginalView:
        """Where the original of an upload is kept, and how soon it can be at hand."""
        return await door.originals.find(upload_id, actor=call.actor)

    @table.post(
        "/v1/uploads/{upload_id}/restore",
        access=Access.ACCOUNT,
        subject="upload",
        rule="owner",
        returns=OriginalView,
        status_of=lambda view: 202 if view.tier == "cold" else 200,
        limit="upload",
        problems=[UploadNotFound, OriginalMissing],
    )
    async def restore_original(call: Call, upload_id: IdPath) -> OriginalView:
        """Have an original brought back from the cold; 202 while it is on its way."""
        return await door.originals.restore(upload_id, actor=call.actor)

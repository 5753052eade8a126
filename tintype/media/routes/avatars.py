"""The avatar, chosen among one's uploads."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from tintype.accounts import AccountView
from tintype.http import Access, Body, Call, IdField, Routes
from tintype.media.errors import (
    AvatarNeedsPhoto,
    UploadExpired,
    UploadFailed,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.routes.door import Door


class AvatarChoice(Body):
    upload_id: IdField


def add_avatar(table: Routes, door: Door) -> None:
    path = "/v1/accounts/me/avatar"

    @table.put(
        path,
        access=Access.ACCOUNT,
        returns=AccountView,
        problems=[UploadNotFound, UploadInUse, UploadFailed, UploadExpired, AvatarNeedsPhoto],
    )
    async def set_avatar(call: Call, body: AvatarChoice) -> Response:
        """Make an uploaded photo your avatar; 202 while it is still being processed."""
        shown = await door.avatars.choose(body.upload_id, actor=call.actor)
        account = msgspec.json.encode(await door.accounts.own(call.actor))
        return Response(account, status_code=200 if shown else 202, media_type="application/json")

    @table.delete(path, access=Access.ACCOUNT)
    async def remove_avatar(call: Call) -> None:
        """Show no avatar any more."""
        await door.avatars.remove(actor=call.actor)

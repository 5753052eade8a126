"""/v1/uploads, the avatar, the limits, and the delivery of files under /media."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from tintype.accounts import Accounts, AccountView
from tintype.http import Access, Body, Call, IdField, IdPath, Routes
from tintype.media.errors import (
    BEGINNING,
    AvatarNeedsPhoto,
    MediaNotFound,
    PartNotFound,
    RangeNotSatisfiable,
    StorageTokenWrong,
    UploadClosed,
    UploadExpired,
    UploadFailed,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import Span, Upload, asked_span, names_etag
from tintype.media.service import Avatars, Delivery, Elsewhere, Media, Served, Uploads
from tintype.media.views import (
    LimitsView,
    NewUploadView,
    SignedPartView,
    TextLimits,
    UploadView,
    limits_view,
    signed_part_view,
)

# Browsers keep public files for a year under an address that never changes its meaning; caches
# that many people share ask again after a minute, so that a deleted file is gone there too.
_PUBLIC = "public, max-age=31536000, s-maxage=60, immutable"
_GUARDED = "private, max-age=60"
_LOCKED_DOWN = "default-src 'none'; sandbox"


Grant = Annotated[str | None, Query(max_length=100, description="leave to see guarded media")]


class NewUpload(Body):
    content_type: str = Field(max_length=100)
    bytes: int
    filename: str | None = Field(default=None, max_length=1000)


class AvatarChoice(Body):
    upload_id: IdField


class Door(msgspec.Struct, frozen=True):
    """What the routes of this slice call."""

    uploads: Uploads
    media: Media
    delivery: Delivery
    avatars: Avatars
    accounts: Accounts
    texts: TextLimits


class StorageEvents(msgspec.Struct, frozen=True):
    """How the storage's own messages are taken: ``keys_in`` reads one, ``token`` lets it in."""

    keys_in: Callable[[bytes], list[str]]
    announced: Callable[[Sequence[str]], Awaitable[object]]
    token: str


def machine_routes(events: StorageEvents) -> APIRouter:
    """The route that the storage calls when something arrived; no account, no limits, no keys."""
    router = APIRouter(tags=["operations"])

    async def take(request: Request, token: str) -> Response:
        if not hmac.compare_digest(token.encode(), events.token.encode()):
            raise StorageTokenWrong
        await events.announced(events.keys_in(await request.body()))
        return Response()

    @router.post("/v1/storage/events", include_in_schema=False)
    async def take_events(request: Request) -> Response:
        """Messages of a bucket that brings the token along as a bearer token."""
        return await take(request, request.headers.get("authorization", "").partition(" ")[2])

    @router.post("/v1/storage/events/{token}", include_in_schema=False)
    async def take_events_by_path(request: Request, token: str) -> Response:
        """The same for buckets that can only call an address."""
        return await take(request, token)

    return router


def routes(door: Door) -> Routes:
    """The routes of the media slice."""
    table = Routes("media")
    _add_uploads(table, door)
    _add_avatar(table, door)
    _add_delivery(table, door)

    @table.get("/v1/limits", access=Access.ANYONE, returns=LimitsView)
    async def read_limits(call: Call) -> LimitsView:
        """What this server accepts, and how much room you have left."""
        quota = None if call.viewer is None else await door.uploads.quota(call.viewer)
        return limits_view(door.uploads.settings, door.texts, quota)

    return table


def _add_uploads(table: Routes, door: Door) -> None:
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


def _add_avatar(table: Routes, door: Door) -> None:
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


def _add_delivery(table: Routes, door: Door) -> None:
    path = "/media/{upload_id}/{name}"

    async def find(
        call: Call, upload_id: IdPath, name: str, grant: str | None
    ) -> tuple[Served, dict[str, str]]:
        served = await door.delivery.find(upload_id, name, viewer=call.viewer, grant=grant)
        return served, _headers(served)

    @table.get(
        path,
        access=Access.ANYONE,
        subject="media",
        rule="visible",
        returns=bytes,
        limit="media",
        problems=[MediaNotFound, RangeNotSatisfiable],
    )
    async def read_media(
        call: Call, request: Request, upload_id: IdPath, name: str, grant: Grant = None
    ) -> Response:
        """A file of a photo or video, or where the storage hands it out (302).

        Ranges, ETags and conditional requests are honoured here and there.
        """
        served, headers = await find(call, upload_id, name, grant)
        if names_etag(request.headers.get("if-none-match"), served.etag):
            return Response(status_code=304, headers=headers)
        elsewhere = await door.delivery.elsewhere(served)
        if elsewhere is not None:
            return Response(status_code=302, headers=_way_to(served, elsewhere))
        span = _span(request, served)
        if span == "none":
            problem = RangeNotSatisfiable()
            problem.headers["Content-Range"] = f"bytes */{served.bytes}"
            raise problem
        status = 200
        if span == "all":
            span = Span(0, served.bytes)
        else:
            status = 206
            headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{served.bytes}"
        headers["Content-Length"] = str(span.end - span.start)
        pieces = await door.delivery.read(served, span.start, span.end)
        return StreamingResponse(pieces, status_code=status, headers=headers)

    @table.add(
        "HEAD",
        path,
        access=Access.ANYONE,
        subject="media",
        rule="visible",
        returns=bytes,
        limit="media",
        problems=[MediaNotFound],
        hidden=True,
    )
    async def head_media(call: Call, upload_id: IdPath, name: str, grant: Grant = None) -> Response:
        """The headers of the same file."""
        served, headers = await find(call, upload_id, name, grant)
        return Response(headers=headers | {"Content-Length": str(served.bytes)})


def _headers(served: Served) -> dict[str, str]:
    return {
        "Content-Type": served.content_type,
        "ETag": served.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": _PUBLIC if served.public else _GUARDED,
        "Content-Security-Policy": _LOCKED_DOWN,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }


def _way_to(served: Served, elsewhere: Elsewhere) -> dict[str, str]:
    kept = f"max-age={elsewhere.keep_s}"
    return {
        "Location": elsewhere.url,
        "Cache-Control": f"public, {kept}, s-maxage=60" if served.public else f"private, {kept}",
        "Content-Security-Policy": _LOCKED_DOWN,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Referrer-Policy": "no-referrer",
    }


def _span(request: Request, served: Served) -> Span | Literal["all", "none"]:
    condition = request.headers.get("if-range")
    if condition is not None and condition != served.etag:
        return "all"
    return asked_span(request.headers.get("range"), served.bytes)

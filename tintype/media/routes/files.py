"""The delivery of files under /media: by name, or by what fits the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Path, Query, Request
from starlette.responses import Response, StreamingResponse

from tintype.http import Access, Call, IdPath, Routes
from tintype.http.routes import Facts
from tintype.kernel.ids import Id
from tintype.kernel.problem import Problem
from tintype.media.errors import MediaNotFound, RangeNotSatisfiable
from tintype.media.model import Span, asked_span, names_etag
from tintype.media.routes import caching
from tintype.media.routes.door import Door
from tintype.media.service import Elsewhere, Served
from tintype.media.service.choosing import wish_in

_LOCKED_DOWN = "default-src 'none'; sandbox"
# Files are shown, measured and read by pages of other origins than their own. Who reads them across
# origins does so without cookies, so what an address alone opens is all that can be read.
_ELEMENTS = {"video", "audio"}
_OPEN_TO_PAGES = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Location, Content-Range, ETag",
    "Timing-Allow-Origin": "*",
}
_NEGOTIATED = "Accept, Save-Data, ECT"
_HINTED = f"{_NEGOTIATED}, Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR"

SHIELD = "X-Tintype-Shield"
"""Sent by a cache of ours that asks for leave itself: it wants the bytes, not the way to them."""

Grant = Annotated[str, Path(max_length=100, description="leave to see guarded media")]
Width = Annotated[
    int | None,
    Query(ge=1, le=20_000, description="pixels of the screen; told by Client Hints otherwise"),
]


_FACTS: Facts = {
    "access": Access.ANYONE,
    "subject": "media",
    "rule": "visible",
    "returns": bytes,
    "limit": "media",
    "problems": [MediaNotFound, RangeNotSatisfiable],
}
_HEAD: Facts = {**_FACTS, "hidden": True}


def add_files(table: Routes, door: Door) -> None:
    """Files by name and by what fits, with and without a grant; GET and HEAD of each."""
    desk = _Desk(door)

    @table.get("/media/alive", access=Access.ANYONE, returns=bytes, hidden=True, limit="media")
    async def probe_media() -> Response:
        """Whether this server answers, asked through whatever is in front of it."""
        return Response("alive\n", media_type="text/plain", headers={"Cache-Control": "no-store"})

    chosen, granted_chosen = "/media/auto/{upload_id}", "/media/g/{grant}/auto/{upload_id}"
    named, granted_named = "/media/{upload_id}/{name}", "/media/g/{grant}/{upload_id}/{name}"

    @table.add("HEAD", chosen, **_HEAD)
    @table.get(chosen, **_FACTS)
    async def choose_media(
        call: Call, request: Request, upload_id: IdPath, w: Width = None
    ) -> Response:
        """The stored picture that fits the caller best, of a photo or of a video's poster.

        The format follows `Accept` (AVIF, WebP or JPEG), the width is `w` or what Client Hints
        tell, and whoever saves data or is on a slow line (`Save-Data`, `ECT`) gets one rung less.
        `Content-Location` names what was chosen. Nothing is ever resized because somebody asks.
        """
        return await desk.chosen(call, request, upload_id, w)

    @table.add("HEAD", granted_chosen, **_HEAD)
    @table.get(granted_chosen, **_FACTS)
    async def choose_granted_media(
        call: Call, request: Request, grant: Grant, upload_id: IdPath, w: Width = None
    ) -> Response:
        """The same of something that not everybody may see."""
        return await desk.chosen(call, request, upload_id, w, grant)

    @table.add("HEAD", granted_named, **_HEAD)
    @table.get(granted_named, **_FACTS)
    async def read_granted_media(
        call: Call, request: Request, grant: Grant, upload_id: IdPath, name: str
    ) -> Response:
        """A file of something that not everybody may see; the grant comes with its address.

        A grant is good for every file of its upload, for 5 to 10 minutes, and never longer than the
        viewer may see them and stays signed in.
        """
        return await desk.named(call, request, upload_id, name, grant)

    @table.add("HEAD", named, **_HEAD)
    @table.get(named, **_FACTS)
    async def read_media(call: Call, request: Request, upload_id: IdPath, name: str) -> Response:
        """A file of a photo or video, or where the storage hands it out (302).

        Ranges, ETags and conditional requests are honoured here and there.
        """
        return await desk.named(call, request, upload_id, name)


class _Desk:
    """Answers for files, whichever way they were asked for."""

    def __init__(self, door: Door) -> None:
        self._delivery = door.delivery

    async def named(
        self, call: Call, request: Request, upload: Id, name: str, grant: str | None = None
    ) -> Response:
        try:
            served = await self._delivery.find(upload, name, viewer=call.viewer, grant=grant)
        except MediaNotFound as problem:
            raise _kept(problem, call) from None
        return await self._answer(request, served, {"Cache-Control": caching.for_file(served)})

    async def chosen(
        self, call: Call, request: Request, upload: Id, width: int | None, grant: str | None = None
    ) -> Response:
        wish = wish_in(request.headers, width)
        try:
            found = await self._delivery.choose(upload, wish, viewer=call.viewer, grant=grant)
        except MediaNotFound as problem:
            raise _kept(problem, call) from None
        served = found.served
        place = f"/media/g/{grant}" if grant is not None and not served.public else "/media"
        headers = {
            "Cache-Control": caching.for_choice(served, settled=found.settled),
            "Content-Location": f"{place}/{upload}/{served.name}",
            "Vary": _HINTED if width is None else _NEGOTIATED,
        }
        if SHIELD in request.headers:
            headers["X-Accel-Expires"] = str(caching.auto_seconds(settled=found.settled))
        return await self._answer(request, served, headers)

    async def _answer(self, request: Request, served: Served, own: dict[str, str]) -> Response:
        headers = own | _headers(served)
        if names_etag(request.headers.get("if-none-match"), served.etag):
            return Response(status_code=304, headers=headers)
        if request.method == "HEAD":
            return Response(headers=headers | {"Content-Length": str(served.bytes)})
        if is_sent_away(request.headers, served):
            elsewhere = await self._delivery.elsewhere(served)
            if elsewhere is not None:
                return Response(status_code=302, headers=own | _way_to(served, elsewhere))
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
        pieces = await self._delivery.read(served, span.start, span.end)
        return StreamingResponse(pieces, status_code=status, headers=headers)


def _headers(served: Served) -> dict[str, str]:
    headers = {
        "Content-Type": served.content_type,
        "ETag": served.etag,
        "Accept-Ranges": "bytes",
        "Content-Security-Policy": _LOCKED_DOWN,
        "X-Content-Type-Options": "nosniff",
    } | _OPEN_TO_PAGES
    if served.saved_as is not None:
        headers["Content-Disposition"] = f'attachment; filename="{served.saved_as}"'
    return headers


def _way_to(served: Served, elsewhere: Elsewhere) -> dict[str, str]:
    return {
        "Location": elsewhere.url,
        "Cache-Control": caching.for_way(served, elsewhere),
        "Content-Security-Policy": _LOCKED_DOWN,
        "Referrer-Policy": "no-referrer",
    } | _OPEN_TO_PAGES


def is_sent_away(headers: Mapping[str, str], served: Served) -> bool:
    """Whether this caller is shown the way to the bucket, where there is one.

    ``headers`` are looked up by lower-case names.

    A film that is the source of an element in a page is the exception: the browser keeps asking
    the address that it was led to, for longer than the way there is open. Scripts and apps ask
    ours again for each piece. What names other files names them beside itself, which in the bucket
    nobody may have; and the names of downloads are not known there.
    """
    if headers.get(SHIELD.lower()) or served.names_others or served.saved_as is not None:
        return False
    return not served.is_film or headers.get("sec-fetch-dest") not in _ELEMENTS


def _kept(problem: MediaNotFound, call: Call) -> Problem:
    """What is not there for strangers may be remembered for a moment."""
    if call.viewer is None:
        problem.headers["Cache-Control"] = caching.GONE
    return problem


def _span(request: Request, served: Served) -> Span | Literal["all", "none"]:
    condition = request.headers.get("if-range")
    if condition is not None and condition != served.etag:
        return "all"
    return asked_span(request.headers.get("range"), served.bytes)

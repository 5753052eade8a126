"""The delivery of files under /media."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response, StreamingResponse

from tintype.http import Access, Call, IdPath, Routes
from tintype.media.errors import MediaNotFound, RangeNotSatisfiable
from tintype.media.model import Span, asked_span, names_etag
from tintype.media.routes.door import Door
from tintype.media.service import Elsewhere, Served

# Browsers keep public files for a year under an address that never changes its meaning; caches
# that many people share ask again after a minute, so that a deleted file is gone there too.
_PUBLIC = "public, max-age=31536000, s-maxage=60, immutable"
_GUARDED = "private, max-age=60"
_LOCKED_DOWN = "default-src 'none'; sandbox"


Grant = Annotated[str | None, Query(max_length=100, description="leave to see guarded media")]


def add_files(table: Routes, door: Door) -> None:
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

"""Where the storage reports by itself what arrived."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from tintype.media.errors import StorageTokenWrong


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

"""Around the whole app: request ids, body limits and the headers that every answer carries."""

from __future__ import annotations

import secrets

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tintype.http.problems import BodyTooLarge, response_of

LARGEST_BODY = 1 << 20


class Envelope:
    """Gives each request an id, refuses bodies that no route reads, and hardens each answer.

    Paths under ``unlimited`` (parts of uploads) stream their bodies and count for themselves.
    """

    def __init__(self, app: ASGIApp, unlimited: tuple[str, ...] = ()) -> None:
        self._app = app
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["tintype.request_id"] = request_id
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["path"].startswith(self._unlimited) and self._unlimited:
            await self._app(scope, receive, send_hardened)
            return
        length = Request(scope).headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST_BODY:
            refusal = response_of(BodyTooLarge(limit=LARGEST_BODY), Request(scope))
            await refusal(scope, receive, send_hardened)
            return
        await self._app(scope, _counted(receive), send_hardened)


def _counted(receive: Receive) -> Receive:
    taken = 0

    async def receive_counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise BodyTooLarge(limit=LARGEST_BODY)
        return message

    return receive_counted

"""Around the whole app: request ids, body limits and the headers that every answer carries."""

from __future__ import annotations

import re
import secrets

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tintype.database.session import current_trace
from tintype.http.problems import BodyTooLarge, response_of

LARGEST_BODY = 1 << 20
_ID = re.compile(r"[0-9A-Za-z_-]{8,64}")
_TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Envelope:
    """Gives each request an id, refuses bodies that no route reads, and hardens each answer.

    Paths under ``unlimited`` (parts of uploads) stream their bodies and count for themselves. With
    ``adopt`` the id is the gateway's, if it sent one; the trace (W3C ``traceparent``) of a request
    goes on with everything that comes of it.
    """

    def __init__(
        self, app: ASGIApp, unlimited: tuple[str, ...] = (), *, adopt: bool = False
    ) -> None:
        self._app = app
        self._unlimited = unlimited
        self._adopt = adopt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = (adopted(headers.get("x-request-id")) if self._adopt else None) or (
            secrets.token_hex(8)
        )
        scope["tintype.request_id"] = request_id
        current_trace.set(_trace(headers.get("traceparent")))
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["X-Request-Id"] = request_id
                answered.setdefault("X-Content-Type-Options", "nosniff")
                answered.setdefault("Referrer-Policy", "same-origin")
                answered.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["path"].startswith(self._unlimited) and self._unlimited:
            await self._app(scope, receive, send_hardened)
            return
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > LARGEST_BODY:
            refusal = response_of(BodyTooLarge(limit=LARGEST_BODY), Request(scope))
            await refusal(scope, receive, send_hardened)
            return
        await self._app(scope, _counted(receive), send_hardened)


def adopted(request_id: str | None) -> str | None:
    """An id that another host gave, if it is one that can stand in logs and answers."""
    return request_id if request_id is not None and _ID.fullmatch(request_id) else None


def _trace(sent: str | None) -> str:
    """The caller's trace, or the beginning of a new one."""
    if sent is not None and _TRACE.fullmatch(sent):
        return sent
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


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

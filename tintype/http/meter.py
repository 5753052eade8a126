"""Counting every answer, whoever gives it."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLASS_KEY = "tintype.class"
"""Where in the ASGI scope a route notes its class, for the figures."""

_NO_CLASS = "other"
_NO_ANSWER = 499
_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")

Observe = Callable[[str, int, float], None]


class Meter:
    """Tells ``observe`` the class, the status and the seconds of each request.

    A request whose caller left before the answer began counts with status 499. A stream of events
    has answered once it began.
    """

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status, ended = _NO_ANSWER, 0.0

        async def send_noted(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                if _STREAM in message["headers"]:
                    ended = time.perf_counter()
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            class_ = scope.get(CLASS_KEY, _NO_CLASS)
            self._observe(class_, status, (ended or time.perf_counter()) - begun)

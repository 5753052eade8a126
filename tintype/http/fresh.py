"""Answering with nothing older than an acknowledged write, whichever process acknowledged it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from starlette.types import ASGIApp, Receive, Scope, Send


class Fresh:
    """Catches up with the other processes before a request is looked at.

    What can not change is passed through at once: the paths that begin with one of ``still``.
    """

    def __init__(
        self, app: ASGIApp, catch_up: Callable[[], Awaitable[None]], still: Collection[str]
    ) -> None:
        self._app = app
        self._catch_up = catch_up
        self._still = tuple(still)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._still):
            await self._catch_up()
        await self._app(scope, receive, send)

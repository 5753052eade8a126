"""The short way: a few reads that are answered ahead of the framework.

A request takes it only when everything that decides is at hand and in order: a plain GET, a session
that is held, a token left in the bucket, a query without surprises. Whatever else comes goes the
long way through the same application and gets its answer, or its problem, there. So the short way
has no errors of its own and the two can not differ.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import copy_context
from functools import lru_cache
from itertools import count

from starlette.types import ASGIApp, Receive, Scope, Send

from tintype.http.kit import COOKIE, SECURE_COOKIE, Kit
from tintype.http.meter import Observe
from tintype.http.middleware import adopted
from tintype.kernel.ids import Id

AtHand = Callable[[str], Id | None]
"""The account that a token stands for, when that is held in this process and needs no care."""

ShortAnswer = Callable[[Id, str, bytes], Awaitable[bytes | None]]
"""(viewer, address of this server, raw query) → a JSON body; ``None`` sends it the long way."""

InstantAnswer = Callable[[Id, str, bytes], bytes | None]
"""The same, for what can be answered without waiting for anything."""

Headers = Iterable[tuple[bytes, bytes]]

_HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_CLASS = "read"
_MOST_HOSTS = 64
_LINE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
_REST = b"".join(b"%b: %b\r\n" % header for header in _HEADERS) + b"\r\n"


class ShortWay:
    """Answers the paths of ``answers`` for signed-in callers, and passes on everything else.

    Those of ``instant`` can be had without a task, too, where the server asks for them so.
    """

    def __init__(
        self,
        app: ASGIApp,
        kit: Kit,
        at_hand: AtHand,
        observe: Observe,
        answers: Mapping[str, ShortAnswer],
        instant: Mapping[bytes, InstantAnswer] | None = None,
    ) -> None:
        self._app = app
        self._kit = kit
        self._at_hand = at_hand
        self._observe = observe
        self._answers = answers
        self._instant = instant or {}
        self._process = secrets.token_hex(5).encode()
        self._numbers = count()
        # The same object for the same caller: cards are looked up by it.
        self._here = lru_cache(_MOST_HOSTS)(kit.here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" else None
        body = None
        if answer is not None and scope["method"] == "GET":
            begun = time.perf_counter()
            body = await self._body(scope, answer)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", self._request_id(scope)),
            *_HEADERS,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._observe(_CLASS, 200, time.perf_counter() - begun)

    def _request_id(self, scope: Scope) -> bytes:
        if self._kit.trust_proxy:
            for name, value in scope["headers"]:
                if name == b"x-request-id" and adopted(value.decode("latin-1")) is not None:
                    return bytes(value)
        return b"%b%06x" % (self._process, next(self._numbers))

    def instantly(self, scheme: str, url: bytes, headers: Headers) -> tuple[bytes, bytes] | None:
        """Head and body of the answer to a GET, where nothing needs to be waited for.

        For servers that call it as soon as they have read a head, before they make anything of it.
        To be called only where the rate limits are kept in this process.
        """
        path, _, query = url.partition(b"?")
        answer = self._instant.get(path)
        if answer is None:
            return None
        begun = time.perf_counter()
        # Who asks is noted for this answer, not for whatever comes next from there.
        body = copy_context().run(self._instant_body, answer, scheme, query, headers)
        if body is None:
            return None
        line = _LINE % (len(body), b"%b%06x" % (self._process, next(self._numbers)))
        self._observe(_CLASS, 200, time.perf_counter() - begun)
        return line + _REST, body

    def _instant_body(
        self, answer: InstantAnswer, scheme: str, query: bytes, headers: Headers
    ) -> bytes | None:
        caller = self._caller(scheme, headers)
        if caller is None:
            return None
        viewer, here = caller
        try:
            self._kit.limiter.spend(_CLASS, viewer)
            return answer(viewer, here, query)
        except Exception:  # noqa: BLE001 - the long way meets it again, answers and logs it
            return None

    async def _body(self, scope: Scope, answer: ShortAnswer) -> bytes | None:
        caller = self._caller(scope["scheme"], scope["headers"])
        if caller is None:
            return None
        viewer, here = caller
        try:
            if (decision := self._kit.limiter.spend(_CLASS, viewer)) is not None:
                await decision
            return await answer(viewer, here, scope["query_string"])
        except Exception:  # noqa: BLE001 - the long way meets it again, answers and logs it
            return None

    def _caller(self, scheme: str, headers: Headers) -> tuple[Id, str] | None:
        """Who is calling, and the address of this server to them."""
        host, authorization, cookie = b"", b"", b""
        for name, value in headers:
            if name == b"host":
                host = value
            elif name == b"authorization":
                authorization = value
            elif name == b"cookie":
                cookie = value
        here = self._here(scheme, host)
        if here is None:
            return None
        token = _token(authorization, cookie, secure=here.startswith("https:"))
        viewer = self._at_hand(token) if token else None
        return None if viewer is None else (viewer, here)


def _token(authorization: bytes, cookie: bytes, *, secure: bool) -> str | None:
    if authorization:
        if authorization[:7].lower() != b"bearer ":
            return None
        return authorization[7:].strip().decode("latin-1")
    wanted = (SECURE_COOKIE if secure else COOKIE).encode()
    for pair in cookie.split(b";"):
        name, _, value = pair.partition(b"=")
        if name.strip() == wanted:
            return value.strip().decode("latin-1")
    return None

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
from typing import NamedTuple

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

Make = Callable[[], bytes | None]
"""Makes a JSON body of what is at hand by now; ``None`` sends the request the long way."""

LaterAnswer = Callable[[Id, str, bytes, Callable[[Make | None], None]], bool]
"""(viewer, address, raw query, resume) → whether it will be answered like this, with others.

``resume`` is then called once, in a later turn of the loop; with ``None`` it is the long way after
all.
"""

Headers = Iterable[tuple[bytes, bytes]]
Done = Callable[[tuple[bytes, bytes] | None], None]

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


class Answers(NamedTuple):
    """How one path is answered, in up to three ways; the last two need no task for it."""

    soon: ShortAnswer
    instant: InstantAnswer | None = None
    later: LaterAnswer | None = None


class ShortWay:
    """Answers the paths of ``answers`` for signed-in callers, and passes on everything else."""

    def __init__(
        self,
        app: ASGIApp,
        kit: Kit,
        at_hand: AtHand,
        observe: Observe,
        answers: Mapping[str, Answers],
    ) -> None:
        self._app = app
        self._kit = kit
        self._at_hand = at_hand
        self._observe = observe
        self._answers = {path: each.soon for path, each in answers.items()}
        self._instant = {path.encode(): each.instant for path, each in answers.items()}
        self._later = {path.encode(): each.later for path, each in answers.items()}
        # Who asks is noted there for one answer, not for whatever comes next from here.
        self._aside = copy_context()
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
        body = self._aside.run(self._instant_body, answer, scheme, query, headers)
        return None if body is None else self._answered(body, begun)

    def later(self, scheme: str, url: bytes, headers: Headers, done: Done) -> bool:
        """Whether a GET is answered together with others, by one question for all of them.

        ``done`` is then called once, in a later turn of the loop and in any context, with what
        ``instantly`` would say.
        """
        path, _, query = url.partition(b"?")
        answer = self._later.get(path)
        if answer is None:
            return False
        begun = time.perf_counter()
        signed = self._signed(scheme, headers)
        return signed is not None and self._aside.run(
            self._register, answer, _Waiting(self, begun, *signed, done), query
        )

    def _register(self, answer: LaterAnswer, waiting: _Waiting, query: bytes) -> bool:
        viewer = self._at_hand(waiting.token)
        if viewer is None or not self._kit.limiter.spend_at_hand(_CLASS, viewer):
            return False
        try:
            return answer(viewer, waiting.here, query, waiting)
        except Exception:  # noqa: BLE001 - the long way meets it again, answers and logs it
            return False

    def resume(self, waiting: _Waiting, make: Make | None) -> None:
        """Answer one who waited, who has to be still signed in."""
        body = None if make is None else self._aside.run(self._made, waiting.token, make)
        waiting.done(None if body is None else self._answered(body, waiting.begun))

    def _made(self, token: str, make: Make) -> bytes | None:
        # What ended the session may have been heard together with what the page is made of.
        if self._at_hand(token) is None:
            return None
        try:
            return make()
        except Exception:  # noqa: BLE001 - the long way meets it again, answers and logs it
            return None

    def _answered(self, body: bytes, begun: float) -> tuple[bytes, bytes]:
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
        signed = self._signed(scheme, headers)
        if signed is None:
            return None
        token, here = signed
        viewer = self._at_hand(token)
        return None if viewer is None else (viewer, here)

    def _signed(self, scheme: str, headers: Headers) -> tuple[str, str] | None:
        """The token of the caller, and the address of this server to them."""
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
        return (token, here) if token else None


class _Waiting:
    """One whose answer comes later; called when it can be made."""

    __slots__ = ("begun", "done", "here", "token", "way")

    def __init__(self, way: ShortWay, begun: float, token: str, here: str, done: Done) -> None:
        self.way = way
        self.begun = begun
        self.token = token
        self.here = here
        self.done = done

    def __call__(self, make: Make | None) -> None:
        self.way.resume(self, make)


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

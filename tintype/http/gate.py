"""The gate: when more is asked than can be done, some is refused at once so that the rest is quick.

A process does one thing at a time, so what comes faster than it is done waits, and each waits
behind all the others: soon every answer is late, and the work for it is thrown away. The gate knows
how many wait and how long each takes, and refuses whoever would wait too long; what matters least
goes first.

    expected wait ≤ ½ wait_ms   everybody comes in
                  ≤   wait_ms   reads of signed-in callers, and changes
                  ≤ 1½ wait_ms  changes, with the time that they will wait for each other
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from tintype.http.problems import MEDIA_TYPE, body_of
from tintype.kernel.problem import Unavailable
from tintype.kernel.turns import Turns

_LONGEST_STEP = 16
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_READS = frozenset(method.encode() for method in SAFE)
_CREDENTIALS = frozenset({b"authorization", b"cookie"})
_ALWAYS = (b"/livez", b"/readyz", b"/metrics", b"/media/alive", b"/v1/admin")
_ID = "0" * 16
_CLASS = "refused"
_STATUS = 503

Headers = Sequence[tuple[bytes, bytes]]
Observe = Callable[[str, int, float], None]


class Overloaded(Unavailable):
    """More is asked of this server than it can do at this moment."""


class OverloadSettings(BaseModel):
    """What happens when more is asked than this process can do."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    wait_ms: int = Field(default=1_000, ge=0, le=60_000)
    """How long a request may be expected to wait for its turn. Who would wait longer is refused at
    once (503 with `Retry-After`): callers without a session at half of it, changes at one and a
    half times as much. 0: nobody is refused."""


def _at_once(in_front: int) -> float:
    """Where changes wait for nothing but their turn here."""
    del in_front
    return 0.0


class Gate:
    """Decides who comes in. Tell it of everybody who was let in, and when their turn begins.

    ``changes`` says how many seconds a change will wait for the others that are under way, and for
    so many that were let in and have not had their turn: an event loop reads many in one go.
    """

    def __init__(
        self,
        settings: OverloadSettings,
        observe: Observe,
        clock: Callable[[], float] = time.perf_counter,
        changes: Callable[[int], float] = _at_once,
    ) -> None:
        self._wait_s = settings.wait_ms / 1000
        self._observe = observe
        self._turns = Turns(self._wait_s / _LONGEST_STEP, clock)
        self._changes = changes
        self._changes_waiting = 0
        self.came = self._turns.came
        """To be called when somebody was let in."""
        self.began = self._turns.began
        """To be called when the turn of the one who waited longest begins."""

    @property
    def expected_s(self) -> float:
        """How long who comes now will wait, as far as can be told."""
        return self._turns.expected_s

    def calm(self) -> bool:
        """Whether everybody comes in, whoever they are and whatever they want."""
        turns, wait_s = self._turns, self._wait_s
        calm = turns.waiting * turns.each_s * 2 <= wait_s and self._change_s() <= wait_s
        return calm or not wait_s

    def lets_in(self, method: bytes, path: bytes, headers: Headers) -> bool:
        """Whether this request comes in now. Operators, and whoever asks for our health, always
        do.
        """
        if self.calm() or path.startswith(_ALWAYS):
            return True
        if method not in _READS:
            return self.expected_s + self._change_s() <= self._wait_s * 1.5
        if self.expected_s * 2 <= self._wait_s:
            return True
        return self.expected_s <= self._wait_s and any(name in _CREDENTIALS for name, _ in headers)

    def change_came(self) -> None:
        """To be called beside ``came`` for a change."""
        self._changes_waiting += 1

    def _change_s(self) -> float:
        return self._changes(self._changes_waiting)

    def refusal(self) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The answer to somebody who does not come in: its headers and its body."""
        self._observe(_CLASS, _STATUS, 0.0)
        id_ = secrets.token_hex(8).encode()
        return [*_HEADERS, (b"x-request-id", id_)], _BODY.replace(_ID.encode(), id_)

    def noting(self, app: ASGIApp) -> ASGIApp:
        """The application, telling the gate when a turn begins."""

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            self.began()
            if scope["type"] == "http" and scope["method"] not in SAFE:
                self._changes_waiting -= 1
            await app(scope, receive, send)

        return noted

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An application that lets nobody in."""
        del scope, receive
        headers, body = self.refusal()
        await send({"type": "http.response.start", "status": _STATUS, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_PROBLEM = Overloaded()
_BODY = body_of(_PROBLEM, f"urn:tintype:request:{_ID}")
_HEADERS = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"content-length", b"%d" % len(_BODY)),
    (b"retry-after", _PROBLEM.headers["Retry-After"].encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]

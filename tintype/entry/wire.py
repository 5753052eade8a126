"""HTTP as uvicorn speaks it, with the gate in front of everything that costs."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tintype.http.gate import SAFE, Gate, Headers

_LINE = b"HTTP/1.1 503 Service Unavailable\r\n"
_BODIES = frozenset({b"content-length", b"transfer-encoding"})

Answer = tuple[bytes, bytes] | None
"""Head and body, where they are at hand."""

Instantly = Callable[[str, bytes, Headers], Answer]
"""(scheme, address, headers) of a GET → its answer."""

Later = Callable[[str, bytes, Headers, Callable[[Answer], None]], bool]
"""The same and ``done`` → whether ``done`` will be called with the answer in a later turn."""


def nothing(scheme: str, url: bytes, headers: Headers) -> None:
    """Where nothing can be had instantly."""
    del scheme, url, headers


def never(scheme: str, url: bytes, headers: Headers, done: Callable[[Answer], None]) -> bool:
    """Where nothing is answered later."""
    del scheme, url, headers, done
    return False


def gated(gate: Gate, instantly: Instantly = nothing, later: Later = never) -> type[Gated]:
    """The protocol of connections behind this gate."""
    ways = {"instantly": staticmethod(instantly), "later": staticmethod(later)}
    return type("GatedHere", (Gated,), {"gate": gate, **ways})


class _PlainGet:
    """What a parser says of each request that is answered later."""

    def get_http_version(self) -> str:
        return "1.1"

    def get_method(self) -> bytes:
        return b"GET"

    def should_keep_alive(self) -> bool:
        return True

    def should_upgrade(self) -> bool:
        return False


_PLAIN_GET = _PlainGet()


class _Pending:
    """A request whose answer comes later. To uvicorn it is a cycle under way, so that whatever
    follows it on its line waits behind it; there is no task, and nobody to be told of events.
    """

    __slots__ = ("context", "disconnected", "keep_alive", "line", "more_body", "scope", "url")

    response_complete = False

    def __init__(self, line: Gated) -> None:
        self.line = line
        self.url = line.url
        self.scope = line.scope
        # Whoever calls ``done`` does so for many: what they know must not be taken on.
        self.context: Context = copy_context()
        self.disconnected = False
        self.keep_alive = True
        self.more_body = True

    @property
    def message_event(self) -> _Pending:
        return self

    def set(self) -> None:
        """Nobody waits for that."""

    def done(self, answer: Answer) -> None:
        self.context.run(self.line.answered, self, answer)


class Gated(HttpToolsProtocol):
    """A connection behind a gate.

    Who is refused costs a few microseconds: the answer is written as soon as the head was read. A
    refused request that is not a plain GET goes the usual way to the answer, so that its body is
    dealt with as always. What can be had ``instantly`` is answered there and then, too: a task, a
    scope and two messages cost more than a page of the feed.
    """

    gate: ClassVar[Gate]
    instantly: ClassVar[staticmethod[[str, bytes, Headers], Answer]]
    later: ClassVar[staticmethod[[str, bytes, Headers, Callable[[Answer], None]], bool]]

    _quiet_since: float | None = None

    def on_headers_complete(self) -> None:
        gate = self.gate
        if gate.calm() or gate.lets_in(self.parser.get_method(), self.url, self.headers):
            if not self._plain():
                super().on_headers_complete()
                return
            answer = self.instantly(self.scheme or "http", self.url, self.headers)
            if answer is not None:
                self.transport.writelines(answer)
                self.on_response_complete()
            elif not self._pending():
                super().on_headers_complete()
        elif self._plain():
            headers, body = gate.refusal()
            lines = [b"%b: %b\r\n" % header for header in headers]
            self.transport.write(b"".join((_LINE, *lines, b"\r\n", body)))
            self.on_response_complete()
        else:
            app, self.app = self.app, gate.refuse
            try:
                super().on_headers_complete()
            finally:
                self.app = app

    def on_message_complete(self) -> None:
        # The first request of a connection may have been answered without a cycle.
        if self.cycle is not None:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn does it, but with one timer for a line, and not one for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._quiet_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._quiet_since = None
        if self.transport.is_closing():
            super()._unset_keepalive_if_required()

    def timeout_keep_alive_handler(self) -> None:
        """Close the line if nothing came for long enough since the last answer."""
        self.timeout_keep_alive_task = None
        if self._quiet_since is None:
            return
        left = self._quiet_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_again_in(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if app != self.gate.refuse:
            self.gate.came()
            if cycle.scope["method"] not in SAFE:
                self.gate.change_came()
        super()._start_asgi_task(cycle, app)

    def _pending(self) -> bool:
        """Whether the answer comes later, together with those of others."""
        pending = _Pending(self)
        if self.expect_100_continue or not self.later(
            self.scheme or "http", self.url, self.headers, pending.done
        ):
            return False
        self.cycle: Any = pending
        self.gate.came()
        return True

    def answered(self, pending: _Pending, answer: Answer) -> None:
        """The turn of one who waited here; without an answer it is the long way."""
        self.gate.began()
        if answer is None or not pending.keep_alive or self.flow.write_paused:
            if not self.transport.is_closing():
                self._long_way(pending)
            return
        if self.cycle is pending:
            self.cycle = None
        if not self.transport.is_closing():
            self.transport.writelines(answer)
        self.on_response_complete()

    def _long_way(self, pending: _Pending) -> None:
        """Begin with a request as uvicorn does when it has read a head.

        By now the parser may have read more; all that was, waits in the pipeline behind this one.
        """
        now = self.parser, self.scope, self.url, self.expect_100_continue, self.cycle
        then = _PLAIN_GET, pending.scope, pending.url, False, None
        self.parser, self.scope, self.url, self.expect_100_continue, self.cycle = then  # type: ignore[assignment] # of a parser it asks no more than that
        try:
            super().on_headers_complete()
            begun: Any = self.cycle
        finally:
            self.parser, self.scope, self.url, self.expect_100_continue, self.cycle = now
        begun.more_body, begun.keep_alive = False, pending.keep_alive
        begun.message_event.set()
        if self.cycle is pending:
            self.cycle = begun

    def _plain(self) -> bool:
        """Whether nothing is under way here, nothing follows the head, and the line stays."""
        cycle: Any = self.cycle
        return (
            self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
            and not any(name in _BODIES for name, _ in self.headers)
        )

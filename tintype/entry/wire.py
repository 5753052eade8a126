"""HTTP as uvicorn speaks it, with the gate in front of everything that costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tintype.http.gate import Gate, Headers

_LINE = b"HTTP/1.1 503 Service Unavailable\r\n"
_BODIES = frozenset({b"content-length", b"transfer-encoding"})

Instantly = Callable[[str, bytes, Headers], tuple[bytes, bytes] | None]
"""(scheme, address, headers) of a GET → head and body, where they are at hand."""


def nothing(scheme: str, url: bytes, headers: Headers) -> None:
    """Where nothing can be had instantly."""
    del scheme, url, headers


def gated(gate: Gate, instantly: Instantly = nothing) -> type[Gated]:
    """The protocol of connections behind this gate."""
    return type("GatedHere", (Gated,), {"gate": gate, "instantly": staticmethod(instantly)})


class Gated(HttpToolsProtocol):
    """A connection behind a gate.

    Who is refused costs a few microseconds: the answer is written as soon as the head was read. A
    refused request that is not a plain GET goes the usual way to the answer, so that its body is
    dealt with as always. What can be had ``instantly`` is answered there and then, too: a task, a
    scope and two messages cost more than a page of the feed.
    """

    gate: ClassVar[Gate]
    instantly: ClassVar[staticmethod[[str, bytes, Headers], tuple[bytes, bytes] | None]]

    def on_headers_complete(self) -> None:
        gate = self.gate
        if gate.calm() or gate.lets_in(self.parser.get_method(), self.url, self.headers):
            answer = self._at_once()
            if answer is None:
                super().on_headers_complete()
            else:
                self.transport.writelines(answer)
                self.on_response_complete()
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

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if app != self.gate.refuse:
            self.gate.came()
        super()._start_asgi_task(cycle, app)

    def _at_once(self) -> tuple[bytes, bytes] | None:
        if not self._plain():
            return None
        return self.instantly(self.scheme or "http", self.url, self.headers)

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

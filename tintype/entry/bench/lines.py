"""A bounded number of kept connections to one server, in plain protocols.

A client that computes measures itself: here an answer costs the parsing of its head, and nothing
waits for anything but a free connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast
from urllib.parse import urlsplit

LOST = 0
"""The status of a request whose connection broke before its answer was there."""

Answered = Callable[[int, bytes], None]
"""Is called with the status and the body, once, or never when the lines are cut."""

_END, _CHUNKS_END = b"\r\n\r\n", b"0\r\n\r\n"
_LENGTH, _CHUNKED, _CLOSE = b"\r\ncontent-length:", b"\r\ntransfer-encoding:", b"\r\nconnection:"
_BODILESS = (204, 304)


class Lost(Exception):  # noqa: N818 - it reads as what it says
    """A connection could not be made, or broke."""


class _Ask(NamedTuple):
    data: bytes
    answered: Answered


class _Line(asyncio.Protocol):
    """One connection: free, or waiting for one answer."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._needed = 0
        self._ask: _Ask | None = None
        self._served = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, ask: _Ask) -> None:
        assert self._transport is not None  # noqa: S101 - connected before anybody gets it
        self._ask, self._needed = ask, 0
        self._transport.write(ask.data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < self._needed or (head := self._buffer.find(_END)) < 0:
            return
        status = int(self._buffer[9:12])
        start = head + len(_END)
        lowered = bytes(self._buffer[: head + 2]).lower()
        body: bytes | None
        if status in _BODILESS:
            body = b""
        elif (length := _value(lowered, _LENGTH)) is not None:
            self._needed = start + int(length)
            body = bytes(self._buffer[start:]) if len(self._buffer) >= self._needed else None
        elif _value(lowered, _CHUNKED) == b"chunked":
            done = self._buffer.endswith(_CHUNKS_END)
            body = _joined(bytes(self._buffer[start:])) if done else None
        else:
            return  # its end is the end of the connection
        if body is not None:
            self._end(status, body, closing=_value(lowered, _CLOSE) == b"close")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        ask, self._ask = self._ask, None
        # A server may close a kept connection just as it is used; such a request was not read.
        again = ask if ask and self._served and not self._buffer else None
        self._lines.gone(self, again)
        if ask is not None and again is None:
            ask.answered(LOST, b"")

    def cut(self) -> None:
        """Close; whoever waits for an answer here is not told."""
        self._ask = None
        if self._transport is not None:
            self._transport.abort()

    def _end(self, status: int, body: bytes, *, closing: bool) -> None:
        ask, self._ask = self._ask, None
        self._buffer.clear()
        self._needed, self._served = 0, True
        if closing and self._transport is not None:
            self._transport.close()
        else:
            self._lines.freed(self)
        if ask is not None:
            ask.answered(status, body)


class Lines:
    """At most ``most`` connections; what finds none free waits its turn."""

    def __init__(self, url: str, most: int) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self._address = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._most = most
        self._free: list[_Line] = []
        self._all: set[_Line] = set()
        self._waiting: deque[_Ask] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connect all lines that are not connected.

        Raises:
            Lost: the server does not answer.
        """
        try:
            while len(self._all) < self._most:
                self._free.append(await self._new())
        except OSError as error:
            message = f"{self.host} can not be reached: {error}"
            raise Lost(message) from error

    def ask(self, data: bytes, answered: Answered) -> bool:
        """Send a request now, or when a line is free; tells whether that was now."""
        if self._free:
            self._free.pop().send(_Ask(data, answered))
            return True
        self._waiting.append(_Ask(data, answered))
        self._more()
        return False

    async def call(self, data: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its answer.

        Raises:
            Lost: the connection broke.
        """
        found: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        def answered(status: int, body: bytes) -> None:
            if not found.done():
                found.set_result((status, body))

        self.ask(data, answered)
        status, body = await found
        if status == LOST:
            message = f"{self.host} broke a connection before it answered."
            raise Lost(message)
        return status, body

    def cut(self) -> None:
        """Break every connection and forget what waits; nobody who waits is told."""
        self._waiting.clear()
        for each in self._opening:
            each.cancel()
        for line in list(self._all):
            line.cut()
        self._all.clear()
        self._free.clear()

    def freed(self, line: _Line) -> None:
        """Use a line again; for the line itself."""
        if self._waiting:
            line.send(self._waiting.popleft())
        else:
            self._free.append(line)

    def gone(self, line: _Line, again: _Ask | None) -> None:
        """Do without a line, and ask once more what it had not asked; for the line itself."""
        self._all.discard(line)
        if line in self._free:
            self._free.remove(line)
        if again is not None:
            self._waiting.appendleft(again)
        if self._waiting:
            self._more()

    def _more(self) -> None:
        if len(self._all) + len(self._opening) < self._most:
            task = asyncio.get_running_loop().create_task(self._open_one())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open_one(self) -> None:
        try:
            self.freed(await self._new())
        except OSError:
            if self._waiting:
                self._waiting.popleft().answered(LOST, b"")

    async def _new(self) -> _Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: _Line(self), *self._address, ssl=self._tls)
        self._all.add(line)
        return line


def _value(head: bytes, name: bytes) -> bytes | None:
    at = head.find(name)
    if at < 0:
        return None
    start = at + len(name)
    return head[start : head.find(b"\r\n", start)].strip()


def _joined(chunks: bytes) -> bytes:
    """The body of an answer that came in chunks."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = chunks.find(b"\r\n", at)
        size = int(chunks[at:end].split(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(chunks[end + 2 : end + 2 + size])
        at = end + 4 + size

"""Asking at a fixed rate, by a clock and not by answers, with next to no work of the client's own.

A client that computes between its requests measures itself: one in plain sockets takes some 40 µs a
page, so that half of a server's rate is asked for by a third of one core.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.stage import CLIENT_CORE

CONNECTIONS = 16
_LENGTH = b"content-length: "


class _Asker(asyncio.Protocol):
    """One kept connection; asks when it is told to and notes how long each answer took."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self._request = request
        self._took = took
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._due: list[float] = []
        self._buffer = bytearray()
        self.failure: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._due:
            self.failure = f"the connection was lost: {exc}"

    def ask(self, due: float) -> None:
        """Ask, or wait with that until what was asked before is answered: the clock runs."""
        self._due.append(due)
        if len(self._due) == 1:
            self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(_LENGTH, 0, head) + len(_LENGTH)
        length = int(self._buffer[at : self._buffer.find(b"\r\n", at)])
        if len(self._buffer) < head + 4 + length:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200 "):
            self.failure = bytes(self._buffer[:200]).decode()
        self._buffer.clear()
        self._took.append(self._loop.time() - self._due.pop(0))
        if self._due:
            self._send()


async def _ask(url: str, tokens: Sequence[str], rate: float, seconds: float) -> list[float]:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    took: list[float] = []
    askers = []
    for number in range(CONNECTIONS):
        head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        token = tokens[number % len(tokens)]
        request = f"{head}Authorization: Bearer {token}\r\n\r\n".encode()
        _, asker = await loop.create_connection(
            partial(_Asker, request, took), str(parts.hostname), parts.port or 80
        )
        askers.append(asker)
    begun = loop.time()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        askers[number % CONNECTIONS].ask(due)
    await asyncio.sleep(1.0)
    if failures := [asker.failure for asker in askers if asker.failure]:
        raise RuntimeError(failures[0])
    return took


def latencies(url: str, tokens: Sequence[str], rate: float, seconds: float) -> list[float]:
    """How many seconds each page took from when it was due, the shortest first.

    Raises:
        RuntimeError: an answer was not a success, or a connection broke.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return sorted(runner.run(_ask(url, tokens, rate, seconds)))
    finally:
        os.sched_setaffinity(0, before)

"""Reading a stream of events as a browser does, from an application in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.types import Message

from tests.cast import BASE, Person

PATIENCE_S = 60.0


class Said(NamedTuple):
    """One event of a stream."""

    kind: str
    data: Any


class Hearing:
    """An open stream: its status, and what it says."""

    def __init__(self, answers: asyncio.Queue[Message]) -> None:
        self._answers = answers
        self._rest = b""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def begin(self) -> None:
        """Wait for the head of the answer."""
        async with asyncio.timeout(PATIENCE_S):
            start = await self._answers.get()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def next(self) -> Said | None:
        """The next event, past comments; ``None`` at the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                block, found, rest = self._rest.partition(b"\n\n")
                if found:
                    self._rest = rest
                    said = _said(block.decode())
                    if said is not None:
                        return said
                    continue
                message = await self._answers.get()
                self._rest += message.get("body", b"")
                if not message.get("more_body"):
                    return None

    async def until(self, kind: str) -> Said:
        """The next event of a kind; whatever else is said meanwhile is passed over."""
        while True:
            said = await self.next()
            assert said is not None, f"the stream ended before it said {kind}"
            if said.kind == kind:
                return said


@asynccontextmanager
async def hearing(person: Person) -> AsyncIterator[Hearing]:
    """Open the person's stream, and hang up at the end."""
    hung_up = asyncio.Event()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await hung_up.wait()
        return {"type": "http.disconnect"}

    host = urlsplit(BASE).netloc.encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host), (b"authorization", f"Bearer {person.token}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def serve() -> None:
        await person.world.server.asgi(scope, receive, answers.put)

    serving = asyncio.create_task(serve())
    try:
        heard = Hearing(answers)
        await heard.begin()
        yield heard
    finally:
        hung_up.set()
        async with asyncio.timeout(PATIENCE_S):
            await serving


def _said(block: str) -> Said | None:
    lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    return Said(lines["event"], json.loads(lines["data"])) if "event" in lines else None

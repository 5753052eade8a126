"""The limit for N1: an ASGI app that returns the same answer to every request, byte for byte."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

Before = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """What a bare app does before it answers."""


def app_for(body: bytes, head: dict[str, str], before: Before = nothing) -> Any:
    """The app; ``before`` is awaited ahead of every answer."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(name.encode(), value.encode()) for name, value in head.items()],
    }
    rest = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        if before is not nothing:
            await before()
        await send(start)
        await send(rest)

    return app


def run(before: Before = nothing) -> None:
    """Serve what the folder of the second argument holds, on the port of the first."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    head = json.loads((folder / "head.json").read_text())
    config = uvicorn.Config(
        app_for((folder / "body.json").read_bytes(), head, before),
        host="127.0.0.1",
        port=port,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    run()

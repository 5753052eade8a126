"""The limit for N1: an ASGI app that returns the bytes of a file to every request."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path
from typing import Any

import uvicorn


def app_for(body: bytes) -> Any:
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    rest = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send(start)
        await send(rest)

    return app


def main() -> None:
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    config = uvicorn.Config(
        app_for(path.read_bytes()),
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
    main()

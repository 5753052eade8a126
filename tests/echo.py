"""An ASGI app that answers with what reached it: what stands behind a gateway under test."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from starlette.types import Receive, Scope, Send

NAME = os.environ.get("ECHO_NAME", "echo")  # noqa: TID251 - a test process, told by its parent


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell name, method, path, headers and length of the body.

    Under ``/v1/events`` it streams, under ``/fatal`` it dies before it answers.
    """
    if scope["type"] != "http":
        return
    if scope["path"] == "/v1/events":
        await _stream(send)
        return
    taken, chunks, more = 0, 0, True
    while more:
        message = await receive()
        taken += len(message.get("body", b""))
        chunks += 1
        more = message.get("more_body", False)
    if scope["path"] == "/fatal":
        sys.stderr.write("fatal request\n")
        sys.stderr.flush()
        os._exit(1)
    told = {
        "name": NAME,
        "method": scope["method"],
        "path": scope["path"],
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "body": taken,
        "filling": "x" * 4000,
    }
    kind = b"image/jpeg" if scope["path"].startswith("/media/") else b"application/json"
    headers = [(b"content-type", kind), (b"x-request-id", b"of-the-api")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def _stream(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(3):
        body = f"data: {number}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await asyncio.sleep(0.4)
    await send({"type": "http.response.body", "body": b""})

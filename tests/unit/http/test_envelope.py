"""Ids and traces of requests: the gateway's where it is trusted, never anything strange."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tintype.database.session import current_trace
from tintype.http import Envelope

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def ask(*, adopt: bool, **headers: str) -> tuple[str, str | None]:
    """The id of the answer, and the trace that the application saw."""
    seen: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        seen.append(current_trace.get())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=Envelope(app, adopt=adopt))
    async with httpx.AsyncClient(transport=transport, base_url="http://tintype.test") as client:
        answer = await client.get("/", headers={k.replace("_", "-"): v for k, v in headers.items()})
    return answer.headers["x-request-id"], seen[0]


async def test_the_id_of_a_trusted_gateway_is_kept() -> None:
    id_, _ = await ask(adopt=True, x_request_id="0123456789abcdef")

    assert id_ == "0123456789abcdef"


async def test_without_trust_everybody_gets_an_id_of_our_own() -> None:
    id_, _ = await ask(adopt=False, x_request_id="0123456789abcdef")

    assert id_ != "0123456789abcdef"


@pytest.mark.parametrize("strange", ["short", "x" * 65, "with space in it", 'quo"te<script>'])
async def test_a_strange_id_is_not_kept(strange: str) -> None:
    id_, _ = await ask(adopt=True, x_request_id=strange)

    assert id_ != strange


async def test_a_trace_goes_on_and_a_missing_or_broken_one_begins_anew() -> None:
    _, kept = await ask(adopt=False, traceparent=TRACE)
    _, begun = await ask(adopt=False)
    _, mended = await ask(adopt=False, traceparent="00-" + "0" * 32 + "-b7ad6b7169203331-01")

    assert kept == TRACE
    assert begun is not None
    assert mended is not None
    assert len({kept, begun, mended}) == 3
    assert len(begun) == len(TRACE)

"""Feeds over real connections on a real Redis: read together, they are what they are alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from tests.cast import Person, World, open_world
from tintype.adapters.redis.settings import RedisSettings
from tintype.database.settings import DatabaseSettings
from tintype.entry.http import _ahead
from tintype.entry.wire import Gated, gated
from tintype.http.gate import Gate, OverloadSettings
from tools.engines.redis import RedisServer

PATIENCE_S = 60
_MOVING = re.compile(rb'"(?:thumb|url|poster|hls|mp4|avatar)":"[^"]*"')
"""Addresses may be signed anew for each answer."""


@pytest.fixture
async def town(
    tmp_path: Path, redis_server: RedisServer, postgres_url: str
) -> AsyncIterator[World]:
    redis = RedisSettings(url=SecretStr(redis_server.url), timeout_ms=5000)
    world = await open_world(tmp_path, redis=redis, database=DatabaseSettings(url=postgres_url))
    yield world
    await world.close()


@asynccontextmanager
async def _lines(world: World) -> AsyncIterator[tuple[httpx.AsyncClient, list[str]]]:
    """A client over sockets, and how each answer was made: the long way if it is named."""
    long: list[str] = []
    gate = Gate(OverloadSettings(), lambda *_: None)

    async def noted(scope: dict[str, object], receive: object, send: object) -> None:
        long.append(str(scope["path"]))
        await world.server.asgi(scope, receive, send)  # type: ignore[arg-type] # as they came

    config = uvicorn.Config(
        gate.noting(noted),  # type: ignore[arg-type] # the same
        http=gated(gate, *_ahead(world.server)),
        ws="none",
        lifespan="off",
        log_config=None,
    )
    config.load()
    state = uvicorn.Server(config).server_state
    listening = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[call-arg] # uvicorn's own protocols take these
        "127.0.0.1",
        0,
    )
    port = listening.sockets[0].getsockname()[1]
    assert issubclass(config.http_protocol_class, Gated)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Host": "tintype.test"}, timeout=PATIENCE_S
    ) as client:
        yield client, long
    listening.close()


async def _page(client: httpx.AsyncClient, person: Person, path: str = "/v1/feed") -> bytes:
    answer = await client.get(path, headers={"Authorization": f"Bearer {person.token}"})
    assert answer.status_code == 200, answer.text
    return _MOVING.sub(b"", answer.content)


async def test_pages_that_are_read_together_are_those_of_the_long_way(town: World) -> None:
    ada, bo, cy = [await town.join(name) for name in ("ada", "bo", "cy")]
    for viewer in (bo, cy):
        await viewer.follow(ada)
    posts = [await ada.post(f"scene {number}") for number in range(3)]
    await bo.send("PUT", f"/v1/posts/{posts[0]}/like")
    await town.settle()

    async with _lines(town) as (client, long):
        people = [ada, bo, cy]
        for person in people:
            # The first page of each is made of what is read for it.
            await _page(client, person)
        for path in ("/v1/feed", "/v1/feed?limit=2"):
            alone = [_MOVING.sub(b"", (await each.call("GET", path)).content) for each in people]
            long.clear()
            together = await asyncio.gather(*(_page(client, each, path) for each in people * 3))

            assert together == alone * 3
            assert long == []


async def test_what_was_acknowledged_before_is_in_what_is_read_together(town: World) -> None:
    ada, bo = await town.join("ada"), await town.join("bo")
    await bo.follow(ada)
    dawn, dusk = await ada.post("dawn"), await ada.post("dusk")

    async with _lines(town) as (client, long):
        await _page(client, bo)
        await _page(client, bo)
        long.clear()
        assert dawn.encode() in await _page(client, bo)
        assert long == []

        await ada.send("DELETE", f"/v1/posts/{dawn}")
        after_deletion = await _page(client, bo)
        await bo.send("POST", "/v1/blocks", {"account_id": ada.id})
        after_block = await _page(client, bo)
        await bo.send("DELETE", "/v1/sessions/current")
        signed_out = await client.get("/v1/feed", headers={"Authorization": f"Bearer {bo.token}"})

    assert dawn.encode() not in after_deletion
    assert dusk.encode() in after_deletion
    assert dusk.encode() not in after_block
    assert signed_out.status_code == 401


async def test_readers_are_answered_while_redis_is_silent(
    town: World, redis_server: RedisServer
) -> None:
    ada = await town.join("ada")
    post = await ada.post("dawn")

    async with _lines(town) as (client, _):
        await _page(client, ada)
        for link in [town.server.engines.timelines._redis._only]:  # type: ignore[attr-defined]
            link._wire._timeout = 0.2
        redis_server.pause()
        try:
            pages = await asyncio.gather(*(_page(client, ada) for _ in range(4)))
        finally:
            redis_server.resume()

    assert all(post.encode() in page for page in pages)


async def test_what_was_deleted_is_gone_at_once_with_a_redis_beside_the_embedded_database(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    redis = RedisSettings(url=SecretStr(redis_server.url), timeout_ms=5000)
    world = await open_world(tmp_path, redis=redis)
    ada = await world.join("ada")
    dawn, dusk = await ada.post("dawn"), await ada.post("dusk")
    await ada.get("/v1/feed")

    await ada.send("DELETE", f"/v1/posts/{dawn}")
    page = await ada.get("/v1/feed")

    assert [post["id"] for post in page["items"]] == [dusk]
    await world.close()

"""Files from several CDNs: addresses, their health, and what is warmed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.cast import BASE, Person, World, settings_in
from tests.trust.stage import small_client
from tintype.entry import compose as compose_module
from tintype.entry.compose import compose
from tintype.media import MediaSettings
from tools.engines.process import free_port

OWN = "http://media.tintype.test"


@dataclass
class Edge:
    """A CDN that caches nothing: it passes on what it is asked, and counts it."""

    port: int
    app: ASGIApp | None = None
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        self.asked[scope["path"]] += 1
        await self.app(scope, receive, send)


async def _broken(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 502, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def _listening(edge: Edge) -> AsyncIterator[None]:
    config = uvicorn.Config(edge, port=edge.port, lifespan="off", log_config=None, ws="none")
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve())
    while not web.started:  # noqa: ASYNC110 - the framework offers a flag, not an event
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        web.should_exit = True
        await serving


@dataclass
class Planet:
    world: World
    edges: list[Edge]

    def hosts_of(self, text: str) -> set[str]:
        return {edge.address for edge in self.edges if edge.address in text}


@pytest.fixture
async def planet(tmp_path: Path) -> AsyncIterator[Planet]:
    """A server that names two CDNs, of which the second does not answer."""
    edges = [Edge(free_port()), Edge(free_port())]
    cdns = ",".join(edge.address for edge in edges)
    media = MediaSettings(avif=False, origin=OWN, cdns=cdns, warm_per_minute=3)
    with patch.object(compose_module, "_CLIENT", small_client(tmp_path)):
        server = compose(settings_in(tmp_path, media=media))
    await server.start()
    edges[0].app = server.asgi
    transport = httpx.ASGITransport(app=server.asgi)
    client = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60)
    world = World(server, client)
    async with _listening(edges[0]):
        yield Planet(world, edges)
    await world.close()


async def _posts_on_both(planet: Planet, author: Person) -> list[str]:
    """Eight posts, and more until chance has put files on each CDN."""
    posts = [await author.post(str(number)) for number in range(8)]
    while len(planet.hosts_of(str((await author.get("/v1/feed"))["items"]))) < len(planet.edges):
        assert len(posts) < 20, "chance does not favour one of two so long"
        posts.append(await author.post("one more"))
    return posts


async def _probed(world: World) -> None:
    for _ in range(3):
        await world.server.media.media.origins.probe()


async def _urls(viewer: Person, post: str) -> list[str]:
    slide = (await viewer.get(f"/v1/posts/{post}"))["slides"][0]
    return [each["url"] for each in slide["renditions"]]


async def test_every_answer_names_the_same_cdn_for_the_same_upload(planet: Planet) -> None:
    ada = await planet.world.join("ada")
    posts = await _posts_on_both(planet, ada)

    from_the_post = {post: (await _urls(ada, post))[0] for post in posts}
    feed = (await ada.get("/v1/feed"))["items"]
    again = (await ada.get("/v1/feed"))["items"]
    page = (await planet.world.anyone("GET", f"/p/{posts[0]}")).text

    urls = {item["id"]: item["slides"][0]["renditions"][0]["url"] for item in feed}
    assert urls == from_the_post
    assert again == feed
    assert planet.hosts_of(str(list(urls.values()))) == {edge.address for edge in planet.edges}
    assert "\\u0001" not in page


async def test_a_cdn_that_does_not_answer_is_left_out_and_shown(planet: Planet) -> None:
    world = planet.world
    ada = await world.join("ada")
    posts = await _posts_on_both(planet, ada)
    before = str((await ada.get("/v1/feed"))["items"])

    await _probed(world)
    after = str((await ada.get("/v1/feed"))["items"])
    ready = (await world.anyone("GET", "/readyz")).json()

    assert planet.edges[1].address in before
    assert planet.hosts_of(after) == {planet.edges[0].address}
    assert [each["name"] for each in ready["degraded"]] == ["cdns"]
    assert planet.edges[1].address in ready["degraded"][0]["detail"]
    fetched = await _fetched((await _urls(ada, posts[0]))[0])
    assert fetched.status_code == 200


async def test_without_any_cdn_files_come_from_the_origin_of_media(planet: Planet) -> None:
    ada = await planet.world.join("ada")
    post = await ada.post("dawn")
    planet.edges[0].app = _broken

    await _probed(planet.world)
    urls = await _urls(ada, post)

    assert {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls} == {OWN}


async def test_guarded_files_pass_through_a_cdn_with_their_grant(planet: Planet) -> None:
    world = planet.world
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.follow(bo)
    post = await bo.post("dusk")
    await _probed(world)

    url = (await _urls(ada, post))[0]
    seen = await _fetched(url)
    await bo.send("POST", "/v1/blocks", {"account_id": ada.id})
    blocked = await _fetched(url)

    assert url.startswith(f"{planet.edges[0].address}/media/g/")
    assert (seen.status_code, blocked.status_code) == (200, 404)
    assert seen.headers["cache-control"] == "private, max-age=60"


async def test_what_many_like_within_a_minute_is_warmed_once(planet: Planet) -> None:
    world, edge = planet.world, planet.edges[0]
    ada = await world.join("ada")
    dawn, dusk = await ada.post("dawn"), await ada.post("dusk")
    await _probed(world)
    paths = {urlsplit(url).path for url in await _urls(ada, dawn)}
    edge.asked.clear()

    for number in range(5):
        fan = await world.join(f"fan{number}")
        await fan.send("PUT", f"/v1/posts/{dawn}/like")
    await fan.send("PUT", f"/v1/posts/{dusk}/like")
    await world.settle()
    metrics = (await world.anyone("GET", "/metrics")).text

    warmed = {path: count for path, count in edge.asked.items() if "/alive" not in path}
    assert set(warmed) <= paths
    assert set(warmed.values()) == {1}
    assert f'tintype_media_warmed_total{{outcome="warm"}} {len(warmed)}.0' in metrics


async def test_what_is_private_is_never_warmed(planet: Planet) -> None:
    world, edge = planet.world, planet.edges[0]
    bo = await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    dusk = await bo.post("dusk")
    await _probed(world)
    edge.asked.clear()

    await world.server.posts.warm(int(dusk))
    await world.settle()

    assert [path for path in edge.asked if "/alive" not in path] == []


async def test_pages_allow_every_place_that_files_come_from(planet: Planet) -> None:
    page = await planet.world.client.get("/", headers={"Accept": "text/html"})

    policy = page.headers["content-security-policy"]
    for source in ("img-src", "media-src", "connect-src"):
        [said] = [each for each in policy.split("; ") if each.startswith(source)]
        assert {OWN, *(edge.address for edge in planet.edges)} <= set(said.split())


async def _fetched(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)

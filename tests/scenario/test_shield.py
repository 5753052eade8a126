"""The shipped origin shield, in a real nginx in front of a real server."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import pyvips
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.cast import Person, World, settings_in
from tintype.entry.compose import compose
from tools.engines.process import free_port
from tools.engines.shield import Shield

pytestmark = [pytest.mark.slow, pytest.mark.engines]
MIB = 1024 * 1024
COLD = 40
MINUTE_S = 60.0
CHROME = {"Accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"}
WEBP = {"Accept": "image/webp,image/png,*/*;q=0.8"}
OLD = {"Accept": "*/*"}


@dataclass
class Counted:
    """Counts what reaches the server: the method and the path of each request."""

    app: ASGIApp
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked[scope["method"], scope["path"].rpartition("/")[2]] += 1
        await self.app(scope, receive, send)

    def fetched(self, url: str) -> int:
        """How often the bytes of a file were fetched, whatever grant was in front of them."""
        return self.asked["GET", urlsplit(url).path.rpartition("/")[2]]


@dataclass
class Front:
    """A server, its shield, and a client of nobody in particular."""

    world: World
    counted: Counted
    shield: Shield
    client: httpx.AsyncClient

    def shielded(self, url: str) -> str:
        return self.shield.address + urlsplit(url).path

    async def fetch(self, url: str, **options: Any) -> httpx.Response:
        return await self.client.get(self.shielded(url), **options)

    async def slide(self, viewer: Person, post: str) -> Any:
        return (await viewer.get(f"/v1/posts/{post}"))["slides"][0]


@asynccontextmanager
async def open_front(folder: Path, **changes: Any) -> AsyncIterator[Front]:
    port = free_port()
    settings = settings_in(folder, bind=f"127.0.0.1:{port}", trust_proxy=True, **changes)
    server = compose(settings)
    counted = Counted(server.asgi)
    await server.start()
    config = uvicorn.Config(
        counted, port=port, lifespan="off", log_config=None, ws="none", timeout_keep_alive=300
    )
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve())
    while not web.started:  # noqa: ASYNC110 - the framework offers a flag, not an event
        await asyncio.sleep(0.01)
    shield = Shield(folder / "shield", [f"127.0.0.1:{port}"])
    shield.start()
    here = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
    try:
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=COLD)) as out:
            yield Front(World(server, here), counted, shield, out)
    finally:
        shield.kill()
        web.should_exit = True
        await serving
        await here.aclose()
        await server.stop()


@pytest.fixture
async def front(nginx_there: None, tmp_path: Path) -> AsyncIterator[Front]:
    async with open_front(tmp_path) as opened:
        yield opened


def _noise(width: int = 1440, height: int = 1440) -> bytes:
    """A photo that compresses badly: its largest renditions take several slices."""
    pixels = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, 3, "uchar")
    data: bytes = image.copy(interpretation="srgb").jpegsave_buffer(Q=85)
    return data


async def _posted(front: Front, person: Person, data: bytes) -> str:
    slides = [{"upload_id": await person.upload(data)}]
    new = await person.send("POST", "/v1/posts", {"caption": "", "slides": slides})
    await front.world.settle()
    return str(new["post"]["id"])


def _widest(slide: Any) -> str:
    jpegs = [each for each in slide["renditions"] if each["format"] == "jpeg"]
    return str(max(jpegs, key=lambda each: each["width"])["url"])


async def _until_gone(front: Front, url: str) -> float:
    """Seconds until the shield stops handing a file out; fails after a minute."""
    begun = time.monotonic()
    while (await front.fetch(url)).status_code != 404:
        assert time.monotonic() - begun < MINUTE_S, "still there after a minute"
        await asyncio.sleep(0.5)
    return time.monotonic() - begun


async def test_a_crowd_of_cold_clients_costs_the_server_one_fetch(
    front: Front, record_property: Any
) -> None:
    ada = await front.world.join("ada")
    url = _widest(await front.slide(ada, await ada.post("dawn")))

    answers = await asyncio.gather(*(front.fetch(url) for _ in range(COLD)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert front.counted.fetched(url) == 1
    assert answers[0].headers["cache-control"].endswith("s-maxage=60, immutable")
    assert answers[0].headers["x-content-type-options"] == "nosniff"
    counted = front.shield.answers_by_cache()
    ratio = counted["HIT"] / counted.total()
    record_property("hit_ratio_of_40_cold_clients", ratio)
    assert ratio >= (COLD - 1) / COLD * 0.9, counted


async def test_a_range_fetches_its_slice_and_nothing_else(front: Front) -> None:
    ada = await front.world.join("ada")
    url = _widest(await front.slide(ada, await _posted(front, ada, _noise())))
    whole = (await front.world.client.get(url)).content
    front.counted.asked.clear()

    middle = await front.fetch(url, headers={"Range": f"bytes={MIB + 10}-{MIB + 109}"})
    after_one = front.counted.fetched(url)
    again = await front.fetch(url, headers={"Range": f"bytes={MIB + 500}-{MIB + 599}"})
    after_two = front.counted.fetched(url)
    everything = await front.fetch(url)
    beyond = await front.fetch(url, headers={"Range": f"bytes={len(whole) + 2 * MIB}-"})
    several = await front.fetch(url, headers={"Range": "bytes=0-1,5-6"})
    etag = everything.headers["etag"]
    same = await front.fetch(url, headers={"If-None-Match": etag})
    changed = await front.fetch(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})

    assert len(whole) > MIB
    assert (middle.status_code, middle.content) == (206, whole[MIB + 10 : MIB + 110])
    assert middle.headers["content-range"] == f"bytes {MIB + 10}-{MIB + 109}/{len(whole)}"
    assert (after_one, after_two) == (1, 1)
    assert again.headers["x-cache"] == "HIT"
    assert everything.content == whole
    assert (several.status_code, several.content) == (200, whole)
    assert beyond.status_code == 416
    assert (same.status_code, same.content) == (304, b"")
    assert (changed.status_code, changed.content) == (200, whole)
    assert front.counted.fetched(url) <= -(-len(whole) // MIB) + 1


async def test_viewers_share_a_guarded_file_until_one_may_not_see_it_any_more(
    front: Front, record_property: Any
) -> None:
    ada, bo, cy = [await front.world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.follow(bo)
    await cy.follow(bo)
    post = await bo.post("dusk")
    hers, theirs = [_widest(await front.slide(viewer, post)) for viewer in (ada, cy)]

    first, second = await front.fetch(hers), await front.fetch(theirs)
    fetched = front.counted.fetched(hers)
    bare = await front.client.get(front.shield.address + "/media/" + theirs.split("/", 6)[6])
    forged = await front.fetch(hers[:-80] + ("A" if hers[-80] != "A" else "B") + hers[-79:])
    await bo.send("POST", "/v1/blocks", {"account_id": ada.id})
    took = await _until_gone(front, hers)
    still = await front.fetch(theirs)

    assert hers != theirs
    assert first.content == second.content
    assert first.headers["cache-control"] == "private, max-age=60"
    assert (second.headers["x-cache"], fetched) == ("HIT", 1)
    assert (bare.status_code, forged.status_code) == (404, 404)
    assert still.status_code == 200
    record_property("seconds_until_a_block_reached_the_shield", took)


async def test_leaving_deleting_and_going_private_reach_the_shield_within_the_minute(
    front: Front,
) -> None:
    ada, bo, cy = [await front.world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.follow(bo)
    granted = _widest(await front.slide(ada, await bo.post("dusk")))
    dawn = await ada.post("dawn")
    deleted = _widest(await front.slide(ada, dawn))
    closed = _widest(await front.slide(cy, await cy.post("noon")))
    urls = (granted, deleted, closed)
    before = [(await front.fetch(url)).status_code for url in urls]

    await ada.send("DELETE", f"/v1/posts/{dawn}")
    await ada.send("DELETE", "/v1/sessions/current")
    await cy.send("PATCH", "/v1/accounts/me", {"private": True})
    # All of them at once: each may take its minute.
    took = await asyncio.gather(*(_until_gone(front, url) for url in urls))

    assert before == [200, 200, 200]
    assert max(took) <= MINUTE_S


async def test_browsers_come_down_to_a_few_answers_an_address(front: Front) -> None:
    ada = await front.world.join("ada")
    slide = await front.slide(ada, await _posted(front, ada, _noise(800, 600)))
    url = f"{front.shield.address}/media/auto/{slide['id']}"

    async def ask(width: str, **headers: str) -> httpx.Response:
        return await front.client.get(f"{url}?w={width}", headers=headers)

    first = await ask("640", **WEBP)
    same = [await ask(str(width), **WEBP) for width in range(481, 640, 30)]
    old = await ask("640", **OLD)
    thrifty = await ask("640", **WEBP, **{"Save-Data": "on"})
    slow = await ask("640", **WEBP, ECT="2g")
    fetched = front.counted.asked["GET", slide["id"]]

    assert first.headers["content-type"] == "image/webp"
    assert first.headers["vary"] == "Accept, Save-Data, ECT"
    assert "max-age=172800" in first.headers["cache-control"]
    assert "stale-while-revalidate=86400" in first.headers["cache-control"]
    assert {answer.headers["x-cache"] for answer in same} == {"HIT"}
    assert {answer.headers["etag"] for answer in same} == {first.headers["etag"]}
    assert old.headers["content-type"] == "image/jpeg"
    assert len(thrifty.content) < len(first.content)
    assert slow.headers["etag"] == thrifty.headers["etag"]
    assert fetched == 3


@pytest.mark.parametrize(
    "accept", ["image/avif;q=0,image/webp", "IMAGE/WEBP", "x/y, image/webp;q=0.5"]
)
async def test_the_shield_reads_accept_as_the_server_does(front: Front, accept: str) -> None:
    ada = await front.world.join("ada")
    slide = await front.slide(ada, await ada.post("dawn"))
    path = f"/media/auto/{slide['id']}?w=150"

    shielded = await front.client.get(front.shield.address + path, headers={"Accept": accept})
    direct = await front.world.client.get(path, headers={"Accept": accept})

    assert shielded.headers["content-type"] == direct.headers["content-type"] == "image/webp"
    assert shielded.content == direct.content


async def test_hints_decide_where_no_width_is_named(front: Front) -> None:
    ada = await front.world.join("ada")
    slide = await front.slide(ada, await _posted(front, ada, _noise(800, 600)))
    path = f"/media/auto/{slide['id']}"

    small, large = [
        await front.client.get(front.shield.address + path, headers={"Sec-CH-Width": width})
        for width in ("150", "800")
    ]

    assert len(small.content) < len(large.content)
    assert "Sec-CH-Width" in small.headers["vary"]


async def test_the_origin_of_media_has_no_pages_no_api_and_no_cookies(front: Front) -> None:
    ada = await front.world.join("ada")
    url = _widest(await front.slide(ada, await ada.post("dawn")))

    page = await front.client.get(front.shield.address + "/")
    api = await front.client.get(front.shield.address + "/v1/instance")
    leave = await front.client.get(front.shield.address + "/leave")
    with_session = await front.fetch(url, headers={"Authorization": f"Bearer {ada.token}"})
    posted = await front.client.post(front.shielded(url))

    assert [page.status_code, api.status_code, leave.status_code] == [404, 404, 403]
    assert page.json()["type"] == "/problems/media-not-found"
    assert page.headers["cache-control"] == "public, max-age=10"
    assert with_session.status_code == 200
    assert "set-cookie" not in with_session.headers
    assert posted.status_code in {404, 405}


async def test_the_log_of_the_shield_holds_no_grants(front: Front) -> None:
    bo = await front.world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    url = _widest(await front.slide(bo, await bo.post("dusk")))

    await front.fetch(url)
    said = front.shield.said(100_000)

    assert "/media/g/-/" in said
    assert url.split("/")[5] not in said

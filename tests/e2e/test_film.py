"""A film in a real browser: adaptive, seekable with small pictures, and plain where it must be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.neighbours import sign_in
from tests.trust.server import ServerProcess
from tintype.codecs.scenes.cinema import paint_video
from tintype.entry.demo.client import Client

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.e2e]

_PLAYS = "film => film.videoWidth > 0 && film.currentTime > 0.3 && !film.paused"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def film(
    server: ServerProcess, ada: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The address of a post of ada's, whose film has every rung; she is signed in."""
    path = tmp_path_factory.mktemp("film") / "waves.mp4"

    def share() -> str:
        paint_video(3, 8.0, 720, 1280, path)
        visitor = Client(server.base_url)
        body = {"handle": "ada", "email": "ada@example.com", "password": PASSWORD}
        author = visitor.as_account(visitor.call("POST", "/v1/accounts", body)["token"])
        upload = author.upload(path.read_bytes(), "video/mp4")
        slides = [{"upload_id": upload, "alt": "Waves"}]
        post = author.call("POST", "/v1/posts", {"caption": "The bay", "slides": slides})["post"]
        author.wait_for_post(post["id"])
        return str(post["id"])

    post = await asyncio.to_thread(share)
    await sign_in(ada, "ada", then=f"/p/{post}")
    return f"/p/{post}"


async def test_a_film_plays_from_its_pieces(ada: Visitor, film: str) -> None:
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    await ada.open(film)
    video = ada.page.get_by_label("Waves")

    await ada.until(_PLAYS, video)

    assert [url for url in asked if url.endswith(".m3u8")]
    assert await video.evaluate("film => film.currentSrc.startsWith('blob:')")
    assert await video.evaluate("film => film.muted")
    await ada.shoot("40-film")


async def test_small_pictures_show_where_one_seeks_to(ada: Visitor, film: str) -> None:
    await ada.open(film)
    video = ada.page.get_by_label("Waves")
    await ada.until(_PLAYS, video)
    bar = ada.page.get_by_label("Position")
    box = await bar.bounding_box()
    assert box

    await ada.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)

    tile = ada.page.locator(".seek .tile")
    await expect(tile).to_be_visible()
    assert "-0px" not in (await tile.get_attribute("style") or "").split("background-position")[1]
    await ada.page.screenshot(path=Path("test-results") / "e2e" / "41-seeking.png")
    await ada.page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    await ada.until("film => film.currentTime > 4.5", video)


async def test_a_film_without_its_playlist_plays_all_the_same(ada: Visitor, film: str) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=404)

    await ada.page.route("**/*.m3u8", refuse)
    try:
        async with ada.provoking(404):
            await ada.open(film)
            video = ada.page.get_by_label("Waves")
            await ada.until(_PLAYS, video)
        assert await video.evaluate("film => film.currentSrc.endsWith('.mp4')")
    finally:
        await ada.page.unroute("**/*.m3u8")

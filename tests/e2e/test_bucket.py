"""A browser, our pages and a bucket at another origin: what CORS and policies really allow."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Request, expect

from tests.e2e.browser import PASSWORD, Visitor, paths
from tests.e2e.bucket import server_with_bucket
from tests.e2e.originals import Originals
from tests.trust.server import ServerProcess
from tools.engines.s3 import S3Server

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(
    chromium: str, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """A server with its media in a bucket that was set up for its pages."""
    async with server_with_bucket(s3_server, tmp_path_factory.mktemp("server") / "data") as opened:
        yield opened


async def test_a_browser_sends_to_the_bucket_and_loads_from_it(
    server: ServerProcess, s3_server: S3Server, ada: Visitor, originals: Originals
) -> None:
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    ada.page.on("request", note)
    printed = re.search(r"/setup\?token=\S+", server.log())
    assert printed
    await ada.open(printed[0])
    await ada.fill(Handle="ada", Password=PASSWORD)
    await ada.page.get_by_label("E-mail").fill("ada@example.com")
    await ada.button("Start this server").click()
    await ada.menu("New post").click()
    await ada.page.get_by_label("Photos and videos").set_input_files(paths(originals.carousel))
    await ada.page.get_by_label("Caption").fill("Kept in a bucket")

    await ada.button("Share").click()

    post = ada.page.get_by_role("article", name="Post by ada")
    await expect(post).to_be_visible(timeout=90_000)
    await expect(ada.page.get_by_role("region", name="Your new post")).to_have_count(0)
    shown = post.get_by_role("img").first
    await expect(shown).to_be_visible()
    await ada.until(
        "() => [...document.querySelectorAll('article img')].some(one => one.naturalWidth > 100)"
    )
    sent = {_origin(each.url) for each in asked if each.method == "PUT"}
    loaded = {_origin(each.url) for each in asked if each.redirected_from is not None}
    assert sent == {s3_server.endpoint}
    assert loaded == {s3_server.endpoint}


async def test_a_film_from_the_bucket_plays(ada: Visitor) -> None:
    post = ada.page.get_by_role("article", name="Post by ada")
    film = post.locator("video").first

    await film.evaluate("film => { film.muted = true; film.scrollIntoView(); return film.play() }")

    await ada.until(
        "() => { const film = document.querySelector('article video');"
        " return film.videoWidth > 0 && film.currentTime > 0.3 }"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

"""A stock Uppy in a real browser sends to us: to the local disk, and straight to a bucket."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.browser import PASSWORD, Visitor, arrive
from tests.e2e.bucket import server_with_bucket
from tests.e2e.originals import Originals
from tests.trust.server import ServerProcess
from tools.engines.s3 import S3Server
from tools.web import node_folder

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

WEB = Path(__file__).parents[2] / "web"
MIB = 1024**2
_BUNDLE = """
import { build } from 'vite';
const [outDir] = process.argv.slice(1);
const lib = { entry: 'tests/uppy/page.ts', formats: ['iife'], name: 'uppy', fileName: 'uppy' };
await build({ configFile: false, logLevel: 'error', build: { lib, outDir, emptyOutDir: false } });
"""
_SIGN_UP = """async body => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch('/v1/accounts', { method: 'POST', headers, body });
  return answer.status;
}"""
_SEND = """async ([files, how]) => {
  const made = files.map(([name, type, text, padding]) => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    return new File([bytes, new Uint8Array(padding)], name, { type });
  });
  return how === 'send' ? await uppy.send(made) : await uppy.interrupt(made[0]);
}"""
_READ = "async path => (await fetch(path)).json()"


@pytest.fixture(scope="module")
def stock_uppy(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundle of an unmodified Uppy; it is no part of the product's."""
    del chromium
    folder, node = tmp_path_factory.mktemp("uppy"), node_folder()
    assert node is not None
    program = [str(node / "node"), "--input-type=module", "-e", _BUNDLE, str(folder)]
    subprocess.run(program, cwd=WEB, check=True)
    [made] = folder.glob("*.js")
    return made.read_text()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bucket_server(
    chromium: str, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """A server with its media in a bucket that was set up for its pages."""
    del chromium
    async with server_with_bucket(s3_server, tmp_path_factory.mktemp("server") / "data") as opened:
        yield opened


async def test_a_stock_uppy_uploads_to_the_disk(
    browser: Browser, server: ServerProcess, originals: Originals, stock_uppy: str
) -> None:
    puts = await _upload_with(browser, server, originals, stock_uppy)

    assert {url.startswith(server.base_url + "/parts/") for url in puts} == {True}


@pytest.mark.engines
async def test_a_stock_uppy_uploads_straight_to_a_bucket(
    browser: Browser,
    bucket_server: ServerProcess,
    s3_server: S3Server,
    originals: Originals,
    stock_uppy: str,
) -> None:
    puts = await _upload_with(browser, bucket_server, originals, stock_uppy)

    assert {url.startswith(s3_server.endpoint) for url in puts} == {True}


async def _upload_with(
    browser: Browser, server: ServerProcess, originals: Originals, stock_uppy: str
) -> list[str]:
    """A photo, a film of three parts, and the film again with a break; where their parts went."""
    ada = await arrive(browser, "ada", "desktop", server.base_url)
    puts: list[str] = []
    ada.page.on("request", lambda asked: puts.append(asked.url) if asked.method == "PUT" else None)
    try:
        await ada.open("/signup")
        joined = {"handle": "uppy", "email": "uppy@example.com", "password": PASSWORD}
        assert await ada.page.evaluate(_SIGN_UP, json.dumps(joined)) == 201
        await ada.page.evaluate(f"() => {{ {stock_uppy}; globalThis.uppy = uppy; }}")
        photo = ["dawn.jpg", "image/jpeg", _text(originals.dawn), 0]
        film = ["waves.mp4", "video/mp4", _film(originals.waves), 11 * MIB]

        sent = await ada.page.evaluate(_SEND, [[photo, film], "send"])
        resumed = await ada.page.evaluate(_SEND, [[film], "interrupt"])

        assert [each["failure"] for each in (*sent, *resumed)] == ["", "", ""]
        for each in (*sent, *resumed):
            upload = await _settled(ada, each["location"])
            assert (upload["state"], upload["filename"]) == ("ready", each["name"])
        assert not [fault for fault in ada.faults if "favicon" not in fault]
    finally:
        await ada.context.close()
    return puts


async def _settled(visitor: Visitor, location: str) -> Any:
    async with asyncio.timeout(90):
        while True:
            seen = await visitor.page.evaluate(_READ, location)
            if seen["state"] not in {"uploading", "processing"}:
                return seen
            await asyncio.sleep(0.2)


def _text(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _film(path: Path) -> str:
    """A film with the head of a box of padding at its end, as cameras leave them."""
    padding = (11 * MIB + 8).to_bytes(4, "big") + b"free"
    return base64.b64encode(path.read_bytes() + padding).decode()

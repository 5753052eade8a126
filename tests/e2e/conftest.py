"""One browser for the folder, and one real server for every file in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.e2e.browser import Visitor, arrive, launch
from tests.e2e.neighbours import Neighbourhood, settle_in
from tests.e2e.originals import Originals, paint_originals
from tests.missing import missing
from tests.trust.server import ServerProcess

CLIENT = Path(__file__).parents[2] / "web" / "dist"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of the browser; a machine without it skips these tests, CI never does."""
    found = shutil.which("chromium")
    if found is None:
        missing("the browser", "nothing was tested end to end; install the chromium package")
    if not (CLIENT / ".vite" / "manifest.json").exists():
        missing("the web client", "nothing was tested end to end; run make web")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await launch(playwright, chromium)
        yield opened
        await opened.close()


@pytest.fixture(scope="session")
def originals(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Originals:
    return paint_originals(tmp_path_factory.mktemp("originals"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    await process.start()
    yield process
    process.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neighbours(server: ServerProcess, originals: Originals) -> Neighbourhood:
    """People, posts and talk on that server, with ada among them."""
    return await asyncio.to_thread(settle_in, server.base_url, originals)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(browser: Browser, server: ServerProcess) -> AsyncIterator[Visitor]:
    """She sits at a desk and runs the server."""
    visitor = await arrive(browser, "ada", "desktop", server.base_url)
    yield visitor
    await visitor.context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bo(browser: Browser, server: ServerProcess) -> AsyncIterator[Visitor]:
    """He holds a phone."""
    visitor = await arrive(browser, "bo", "mobile", server.base_url)
    yield visitor
    await visitor.context.close()


@pytest.fixture(autouse=True)
def spotless(ada: Visitor, bo: Visitor) -> Iterator[None]:
    """Whatever a page reports as an error fails the test that it happened in."""
    yield
    found = [*ada.faults, *bo.faults]
    ada.faults.clear()
    bo.faults.clear()
    assert not found

"""Files on a bad day: bad ones among good ones, and large ones that are interrupted.

The tests are chapters: ada sits at the desk; bo's phone is her second device.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Error, Request, Route, expect

from tests.e2e.browser import PASSWORD, Visitor, paths
from tests.e2e.neighbours import sign_in
from tests.e2e.originals import Originals
from tests.trust.server import ServerProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="session"),
]

MIB = 1024**2
_LONG_MS = 90_000
_ANY_PART = re.compile(r"/parts/[0-9a-f]{32}/")
_FIRST_PART = re.compile(r"/parts/[0-9a-f]{32}/1\?")
FIRST, SECOND, LAST = 16 * MIB, 16 * MIB, 6 * MIB


@pytest.fixture(scope="module")
def film(originals: Originals, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real film of three parts: most of it is a box of padding, as cameras leave them."""
    data = originals.waves.read_bytes()
    padding = FIRST + SECOND + LAST - len(data)
    path = tmp_path_factory.mktemp("film") / "holiday.mp4"
    path.write_bytes(data + struct.pack(">I4s", padding, b"free") + bytes(padding - 8))
    return path


@pytest.fixture
def puts(ada: Visitor) -> list[str]:
    """The parts that ada's page sends, by their addresses."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "PUT":
            sent.append(request.url.split("?")[0])

    ada.page.on("requestfinished", note)
    return sent


@asynccontextmanager
async def stuck_after_the_first_part(visitor: Visitor) -> AsyncIterator[None]:
    """A line that lets the first part pass and holds the others until the block ends."""
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if _FIRST_PART.search(route.request.url):
            await route.continue_()
        else:
            held.append(route)

    await visitor.page.route(_ANY_PART, hold)
    try:
        yield
    finally:
        await visitor.page.unroute(_ANY_PART, hold)
        for route in held:
            with contextlib.suppress(Error):  # the page has given it up meanwhile
                await route.continue_()


async def comes_to(visitor: Visitor, words: str) -> None:
    """Wait until an upload says this; megabytes take their time on a busy machine."""
    shown = visitor.page.get_by_text(re.compile(words)).first
    await expect(shown).to_be_visible(timeout=_LONG_MS)


async def is_ready(visitor: Visitor) -> None:
    tile = visitor.button(re.compile(r"^Item 1, holiday.mp4: Ready"))
    await expect(tile).to_be_visible(timeout=_LONG_MS)


async def pick(visitor: Visitor, *files: Path) -> None:
    await visitor.page.get_by_label("Photos and videos").set_input_files(paths(files))


async def test_every_bad_file_has_its_reason_and_the_good_ones_go_out(
    ada: Visitor, server: ServerProcess, originals: Originals, tmp_path: Path
) -> None:
    body = {"handle": "ada", "email": "ada@example.com", "password": PASSWORD}
    async with httpx.AsyncClient() as client:
        joined = await client.post(f"{server.base_url}/v1/accounts", json=body)
    assert joined.status_code == 201
    bad = {
        "empty.jpg": b"",
        "large.jpg": originals.dawn.read_bytes() + bytes(9 * MIB),
        "letter.txt": b"Dear diary",
        "copy.jpg": originals.dawn.read_bytes(),
        "paper.jpg": b"%PDF-1.7\n" + bytes(3000),
        "bundle.jpg": b"PK\x03\x04" + bytes(3000),
        "cut.jpg": originals.noon.read_bytes()[:-4000],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    await sign_in(ada, "ada", then="/new")

    async with ada.provoking(415):
        await pick(ada, originals.dawn, *(tmp_path / name for name in bad), originals.noon)
        main = ada.page.get_by_role("main")
        for words in (
            "empty.jpg is empty",
            "large.jpg is 9",
            "letter.txt: this kind of file is not supported",
            "copy.jpg is in this post already",
            "paper.jpg is a PDF document",
            "bundle.jpg is a ZIP archive",
            "cut.jpg: This photo is incomplete",
        ):
            await expect(main.get_by_text(re.compile(re.escape(words))).first).to_be_visible()
    await ada.button(re.compile(r"^Item 2, paper")).click()
    await expect(ada.button("Try again")).to_have_count(0)
    await ada.shoot("30-refused-among-good")
    await ada.button("Share without the 3 failed files").click()

    post = ada.page.get_by_role("article", name="Post by ada").first
    await expect(post.get_by_role("img").first).to_be_visible()
    await expect(post.get_by_role("button", name=re.compile("Slide|Next")).first).to_be_visible()


async def test_a_folder_that_is_dropped_is_named(ada: Visitor) -> None:
    await ada.open("/new")
    await ada.page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(['x'], 'Holiday'));
          const entry = { isDirectory: true, name: 'Holiday' };
          const item = { kind: 'file', webkitGetAsEntry: () => entry, getAsFile: () => null };
          const event = new DragEvent('drop', { dataTransfer: transfer, cancelable: true });
          Object.defineProperty(event, 'dataTransfer', {
            value: { types: ['Files'], items: [item] },
          });
          window.dispatchEvent(event);
        }"""
    )

    await ada.sees("Holiday is a folder. Choose the files inside it.")


async def test_a_reload_goes_on_with_what_has_arrived(
    ada: Visitor, film: Path, puts: list[str]
) -> None:
    await ada.open("/new")
    async with stuck_after_the_first_part(ada):
        await pick(ada, film)
        await comes_to(ada, "Uploading, 16 MB of 38")
        await ada.button("Pause").click()
        await comes_to(ada, "Paused at 16 MB of 38")
        await ada.shoot("31-paused")
        arrived = len(puts)
        await ada.page.reload()
        await comes_to(ada, "Uploading, 16 MB of 38")
    await is_ready(ada)

    assert arrived >= 1
    assert len(puts) == len(set(puts)) == 3


async def test_no_connection_is_no_failure(ada: Visitor, film: Path) -> None:
    await ada.button("Remove").click()
    async with stuck_after_the_first_part(ada):
        await pick(ada, film)
        await comes_to(ada, "Uploading, 16 MB of 38")
        await ada.context.set_offline(True)
        await comes_to(ada, "Waiting for a connection")
    ada.faults.clear()
    await ada.context.set_offline(False)

    await is_ready(ada)
    ada.faults.clear()


async def test_a_server_that_is_killed_is_met_again(
    ada: Visitor, server: ServerProcess, film: Path
) -> None:
    await ada.button("Remove").click()
    async with stuck_after_the_first_part(ada):
        await pick(ada, film)
        await comes_to(ada, "Uploading, 16 MB of 38")
        server.kill()
    await comes_to(ada, "The server does not answer, trying again")
    await server.start()

    await is_ready(ada)
    ada.faults.clear()


async def test_another_device_goes_on_with_the_same_file_only(
    ada: Visitor, bo: Visitor, film: Path, originals: Originals, tmp_path: Path
) -> None:
    await ada.button("Remove").click()
    async with stuck_after_the_first_part(ada):
        await pick(ada, film)
        await comes_to(ada, "Uploading, 16 MB of 38")
        await ada.button("Pause").click()
        await comes_to(ada, "Paused at")
        await ada.open("/")
    other = tmp_path / "other.mp4"
    other.write_bytes(bytes(film.stat().st_size))
    await sign_in(bo, "ada", then="/new")

    await bo.sees("Unfinished uploads")
    await comes_to(bo, "16 MB of 38 MB arrived")
    await bo.shoot("32-unfinished")
    again = bo.page.get_by_label("The same file again")
    await again.set_input_files(paths([other]))
    await bo.sees("other.mp4 is not the file that this upload was begun with.")
    await again.set_input_files(paths([film]))

    await is_ready(bo)
    await expect(bo.page.get_by_text("Unfinished uploads")).to_have_count(0)

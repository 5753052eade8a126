"""A film that the server still works on is followed on every page of its author's."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.neighbours import sign_in
from tests.trust.server import ServerProcess
from tintype.codecs import CodecSettings
from tintype.codecs.scenes.cinema import paint_video
from tintype.codecs.worker import ffmpeg_program
from tintype.entry.demo.client import Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

_LONG_MS = 90_000
_POLL_S = 0.05


def _slow_film(folder: Path) -> Path:
    """HEVC, of which nothing can be kept, and long enough to be met half done."""
    plain, made = folder / "plain.mp4", folder / "film.mov"
    paint_video(3, 8.0, 960, 540, plain)
    order = [str(ffmpeg_program(CodecSettings(scratch=folder))), "-v", "error", "-i", str(plain)]
    order += ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"]
    subprocess.run([*order, "-tag:v", "hvc1", "-c:a", "copy", str(made)], check=True)
    return made


def _encoder(server: int) -> int | None:
    """The ffmpeg that a decoder of this server runs now."""
    parents: dict[int, tuple[int, str]] = {}
    for about in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = about.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        parents[int(about.parent.name)] = (int(rest.split()[1]), name)
    for process, (parent, name) in parents.items():
        above = parent
        while name.startswith("ffmpeg") and above in parents:
            if above == server:
                return process
            above = parents[above][0]
    return None


@asynccontextmanager
async def held_half_done(server: ServerProcess, author: Client, upload: str) -> AsyncIterator[None]:
    """The encoder stands still once the server has told how far it is."""

    def told() -> Any:
        return author.call("GET", f"/v1/uploads/{upload}")

    while (state := await asyncio.to_thread(told))["progress"] in {None, 0}:
        assert state["state"] == "processing", "done before it could be watched"
        await asyncio.sleep(_POLL_S)
    process = _encoder(server.pid)
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


async def test_how_far_a_film_is_shows_where_it_was_not_sent_from_and_after_a_reload(
    server: ServerProcess, ada: Visitor, tmp_path: Path
) -> None:
    film = await asyncio.to_thread(_slow_film, tmp_path)
    author = Client(server.base_url)
    body = {"handle": "ada", "email": "ada@example.com", "password": PASSWORD}
    author = author.as_account(author.call("POST", "/v1/accounts", body)["token"])
    upload = await asyncio.to_thread(author.upload, film.read_bytes(), "video/quicktime")
    slides = [{"upload_id": upload, "alt": "Waves"}]
    author.call("POST", "/v1/posts", {"caption": "The bay", "slides": slides})
    told = ada.page.get_by_text(re.compile(r"Converting your video \d+ %"))

    async with held_half_done(server, author, upload):
        await sign_in(ada, "ada", then="/")
        await expect(told).to_be_visible(timeout=_LONG_MS)
        await ada.page.reload()
        await expect(told).to_be_visible(timeout=_LONG_MS)
        await ada.shoot("45-at-work")

    await expect(ada.page.get_by_label("Waves").first).to_be_visible(timeout=_LONG_MS)
    await expect(told).to_have_count(0)

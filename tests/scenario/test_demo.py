"""The demo: a living product within a minute, built as clients build."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.trust.server import ROOT, free_port
from tintype.entry.demo.people import PASSWORD, PEOPLE, STORIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_the_demo_fills_itself_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    log = (tmp_path / "log").open("wb")
    environment = os.environ | {  # noqa: TID251 - a child process inherits the environment
        "TINTYPE_BIND": f"127.0.0.1:{port}",
        "TMPDIR": str(tmp_path),
    }
    demo = subprocess.Popen(  # noqa: ASYNC220 - starts at once
        [sys.executable, "-m", "tintype", "demo"], cwd=ROOT, env=environment, stderr=log
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while b"The demo is ready" not in (tmp_path / "log").read_bytes():
                assert demo.poll() is None, (tmp_path / "log").read_text()
                await asyncio.sleep(0.5)
            body = {"login": "you", "password": PASSWORD}
            token = (await client.post("/v1/sessions", json=body)).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            feed = (await client.get("/v1/feed", headers=headers)).json()
            me = (await client.get("/v1/accounts/me", headers=headers)).json()
            picture = feed["items"][0]["slides"][0]["renditions"][0]["url"]
            shown = await client.get(picture)
    finally:
        demo.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(demo.wait, 60)
        demo.kill()
        log.close()

    assert len(feed["items"]) == len(STORIES)
    assert {slide["kind"] for item in feed["items"] for slide in item["slides"]} == {
        "photo",
        "video",
    }
    assert me["admin"]
    assert me["counts"]["following"] == len(PEOPLE[0].follows)
    assert shown.is_success
    assert [path.name for path in tmp_path.iterdir()] == ["log"]

"""An embedded instance grows onto the engines as the page says, and people find everything."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines_fleet import need_engines
from tests.fleet import roomy_folder
from tests.walkthrough import ROOT, draw_sunrise, served, type_page
from tools.engines.process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
GROWING_S = 240
COLD_S = 30
"""How long processes that have just started may ask a caller to come back, on a busy machine."""


@pytest.fixture
def clone() -> Iterator[Path]:
    """A folder that looks like a clone to who types, and that PostgreSQL can reach."""
    need_engines()
    folder = roomy_folder("tintype-grow-")
    (folder / ".venv").symlink_to(sys.prefix)
    yield folder
    for log in sorted(folder.glob("*.log")):
        print(f"{log.name}:\n{log.read_text()[-4000:]}")
    end_fleets(folder)
    shutil.rmtree(folder)


def test_an_instance_grows_as_the_page_says_and_people_find_everything_again(clone: Path) -> None:
    draw_sunrise(clone / "photo.jpg")
    with served(clone / "data") as address:
        type_page("tutorial/first-steps.md", clone, TINTYPE=address)
        before = look(address, sign_in(address, "bo", "collodion and glass"))
        token = sign_in(address, "ada", "plates and silver")

    bind = f"127.0.0.1:{free_port()}"
    told = type_page(
        "howto/grow.md",
        clone,
        patience_s=GROWING_S,
        TINTYPE_DATA="data",
        TINTYPE_BIND=bind,
        PYTHONPATH=str(ROOT),
    )

    address = f"http://{bind}"
    assert "Both sides are equal." in told.splitlines()
    assert "Tintype is on" in told
    after = look(address, sign_in(address, "bo", "collodion and glass"))
    assert [post["id"] for post in after] == [post["id"] for post in before]
    assert after[0]["caption"] == "First light #dawn"
    assert after[0]["counts"] == before[0]["counts"]
    assert after[0]["viewer"] == {"liked": True, "saved": False}
    for rendition in after[0]["slides"][0]["renditions"]:
        assert httpx.get(rendition["url"], follow_redirects=True).status_code == 200
    signed_in_before = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}/v1/accounts/me", headers=signed_in_before).is_success


def look(address: str, token: str) -> list[dict[str, Any]]:
    """The feed itself: while a cold server lets popular posts stand in for it, ask again."""
    headers = {"Authorization": f"Bearer {token}"}
    deadline = time.monotonic() + COLD_S
    while True:
        answer = httpx.get(f"{address}/v1/feed", headers=headers, timeout=30)
        if answer.is_success and answer.json()["tier"] != "trending":
            items: list[dict[str, Any]] = answer.json()["items"]
            return items
        late = time.monotonic() > deadline or answer.status_code not in {200, 503}
        assert not late, answer.text
        time.sleep(float(answer.headers.get("retry-after", 1)))


def sign_in(address: str, login: str, password: str) -> str:
    body = {"login": login, "password": password}
    token = httpx.post(f"{address}/v1/sessions", json=body, timeout=30).json()["token"]
    assert isinstance(token, str)
    return token


def end_fleets(folder: Path) -> None:
    """What the page leaves running: the fleets whose data is in this folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "cwd").readlink() == folder
            told = b"tools.fleet" in (process / "cmdline").read_bytes()
        except OSError:
            continue
        if here and told:
            os.kill(int(process.name), signal.SIGINT)
    deadline = time.monotonic() + 60
    while _running_in(folder) and time.monotonic() < deadline:
        time.sleep(0.1)


def _running_in(folder: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                return True
        except OSError:
            continue
    return False

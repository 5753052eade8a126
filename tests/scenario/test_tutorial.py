"""What the documentation tells people to type works, word for word, against a served instance.

Blocks fenced as ``sh`` are run in order in one shell, as a reader would; blocks fenced otherwise
show something that this test does not type.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import pyvips

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
START_S = 60
TOUR_S = 120

pytestmark = pytest.mark.slow


def test_the_tour_with_curl_runs_word_for_word(tmp_path: Path) -> None:
    _draw_sunrise(tmp_path / "photo.jpg")

    with _served(tmp_path / "data") as address:
        told = _type("tutorial/first-steps.md", tmp_path, TINTYPE=address)

    lines = told.splitlines()
    assert "published" in lines
    assert '"state": "following"' in told
    assert "First light #dawn" in lines
    assert '"liked": true' in told
    small = pyvips.Image.new_from_file(str(tmp_path / "small-photo"))
    assert (small.width, small.height) == (150, 100)
    assert not [field for field in small.get_fields() if field.startswith("exif")]


def test_a_backup_made_as_the_page_says_restores_the_post_and_its_photo(tmp_path: Path) -> None:
    _draw_sunrise(tmp_path / "photo.jpg")
    data = tmp_path / "data"

    with _served(data) as address:
        _type("tutorial/first-steps.md", tmp_path, TINTYPE=address)
        (tmp_path / ".venv").symlink_to(sys.prefix)
        _type("howto/back-up.md", tmp_path, TINTYPE_DATA=str(data), PYTHONPATH=str(ROOT))

    with _served(tmp_path / "restored") as address:
        headers = {"Authorization": f"Bearer {_sign_in(address)}"}
        feed = httpx.get(f"{address}/v1/feed", headers=headers).json()
        [post] = feed["items"]
        assert post["caption"] == "First light #dawn"
        for rendition in post["slides"][0]["renditions"]:
            assert httpx.get(rendition["url"]).status_code == 200


def _type(page: str, where: Path, **variables: str) -> str:
    """Type every ``sh`` block of a page into one shell; returns what the shell printed."""
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=where,
        env={"PATH": PATH, **variables},
        capture_output=True,
        text=True,
        timeout=TOUR_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@contextmanager
def _served(data: Path) -> Iterator[str]:
    """``tintype serve`` as a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    log = data.with_suffix(".log")
    environment = {"PATH": PATH, "PYTHONPATH": str(ROOT)}
    environment |= {"TINTYPE_BIND": bind, "TINTYPE_DATA": str(data)}
    with log.open("w") as sink:
        server = subprocess.Popen(
            [sys.executable, "-m", "tintype", "serve"],
            cwd=data.parent,
            env=environment,
            stderr=sink,
        )
    try:
        assert _answers(f"http://{bind}/v1/instance", server), log.read_text()
        yield f"http://{bind}"
    finally:
        server.terminate()
        server.wait(timeout=START_S)


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    """Whether the server comes to answer, as long as it runs and in good time."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(address).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def _sign_in(address: str) -> str:
    body = {"login": "bo", "password": "collodion and glass"}
    token = httpx.post(f"{address}/v1/sessions", json=body).json()["token"]
    assert isinstance(token, str)
    return token


def _draw_sunrise(path: Path) -> None:
    """A 3:2 photo with a sky, a sun and hills, and a place in its metadata."""
    y, x = np.mgrid[0:800, 0:1200] / 800
    sky = np.stack([0.95 - 0.35 * y, 0.55 + 0.25 * y, 0.45 + 0.45 * (1 - y)], axis=-1)
    sun = np.exp(-(((x - 1.0) ** 2 + (y - 0.55) ** 2) / 0.01))[..., None]
    hills = (y > 0.7 + 0.06 * np.sin(5 * x) + 0.03 * np.sin(13 * x + 1))[..., None]
    picture = np.where(hills, [0.12, 0.16, 0.14], np.clip(sky + sun, 0, 1))
    image = pyvips.Image.new_from_array((picture * 255).astype(np.uint8), interpretation="srgb")
    image = image.copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitudeRef", "N")
    image.jpegsave(str(path), Q=90)

"""What the documentation tells people to type works, word for word, against a served instance."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import pyvips

from tests.walkthrough import PATH, ROOT, draw_sunrise, type_page

START_S = 60

pytestmark = pytest.mark.slow


def test_the_tour_with_curl_runs_word_for_word(tmp_path: Path) -> None:
    draw_sunrise(tmp_path / "photo.jpg")

    with _served(tmp_path / "data") as address:
        told = type_page("tutorial/first-steps.md", tmp_path, TINTYPE=address)

    lines = told.splitlines()
    assert "published" in lines
    assert '"state": "following"' in told
    assert "First light #dawn" in lines
    assert '"liked": true' in told
    small = pyvips.Image.new_from_file(str(tmp_path / "small-photo"))
    assert (small.width, small.height) == (150, 100)
    assert not [field for field in small.get_fields() if field.startswith("exif")]


def test_a_backup_made_as_the_page_says_restores_the_post_and_its_photo(tmp_path: Path) -> None:
    draw_sunrise(tmp_path / "photo.jpg")
    data = tmp_path / "data"

    with _served(data) as address:
        type_page("tutorial/first-steps.md", tmp_path, TINTYPE=address)
        (tmp_path / ".venv").symlink_to(sys.prefix)
        type_page("howto/back-up.md", tmp_path, TINTYPE_DATA=str(data), PYTHONPATH=str(ROOT))

    with _served(tmp_path / "restored") as address:
        headers = {"Authorization": f"Bearer {_sign_in(address)}"}
        feed = httpx.get(f"{address}/v1/feed", headers=headers).json()
        [post] = feed["items"]
        assert post["caption"] == "First light #dawn"
        for rendition in post["slides"][0]["renditions"]:
            assert httpx.get(rendition["url"]).status_code == 200


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

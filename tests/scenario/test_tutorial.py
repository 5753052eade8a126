"""What the documentation tells people to type works, word for word, against a served instance."""

import sys
from pathlib import Path

import httpx
import pytest
import pyvips

from tests.walkthrough import ROOT, draw_sunrise, served, type_page

pytestmark = pytest.mark.slow


def test_the_tour_with_curl_runs_word_for_word(tmp_path: Path) -> None:
    draw_sunrise(tmp_path / "photo.jpg")

    with served(tmp_path / "data") as address:
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

    with served(data) as address:
        type_page("tutorial/first-steps.md", tmp_path, TINTYPE=address)
        (tmp_path / ".venv").symlink_to(sys.prefix)
        type_page("howto/back-up.md", tmp_path, TINTYPE_DATA=str(data), PYTHONPATH=str(ROOT))

    with served(tmp_path / "restored") as address:
        headers = {"Authorization": f"Bearer {_sign_in(address)}"}
        feed = httpx.get(f"{address}/v1/feed", headers=headers).json()
        [post] = feed["items"]
        assert post["caption"] == "First light #dawn"
        for rendition in post["slides"][0]["renditions"]:
            assert httpx.get(rendition["url"]).status_code == 200


def _sign_in(address: str) -> str:
    body = {"login": "bo", "password": "collodion and glass"}
    token = httpx.post(f"{address}/v1/sessions", json=body).json()["token"]
    assert isinstance(token, str)
    return token

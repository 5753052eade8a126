"""Videos in posts: their posters, and that a private one's every file is for its viewers alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Person, World, ok
from tests.media_rig import photo
from tests.unit.codecs import originals

pytestmark = pytest.mark.slow


async def _sent(person: Person, data: bytes, content_type: str) -> str:
    body = {"content_type": content_type, "bytes": len(data)}
    begun = await person.send("POST", "/v1/uploads", body)
    signed = await person.get(f"/v1/uploads/{begun['id']}/parts/1")
    ok(await person.client.put(signed["url"], content=data))
    await person.send("POST", f"/v1/uploads/{begun['id']}/complete")
    return str(begun["id"])


async def _film(person: Person, folder: Path, **slide: Any) -> Any:
    """A post of a clip that turns from colour to colour, published."""
    source = originals.fitting_film(
        folder / "clip.mp4", rate=24, seconds=3, output=("-vf", "hue=H=t*2")
    )
    upload = await _sent(person, source.read_bytes(), "video/mp4")
    draft = {"slides": [{"upload_id": upload, **slide}]}
    made = await person.send("POST", "/v1/posts", draft)
    await person.world.settle()
    return await person.get(f"/v1/posts/{made['post']['id']}")


async def test_an_author_chooses_the_poster_by_its_moment(world: World, tmp_path: Path) -> None:
    ada = await world.join("ada")
    post = await _film(ada, tmp_path, poster_at=0.5)
    slide = post["slides"][0]

    body = {"poster_at": {slide["id"]: 2.5}}
    await ada.send("PATCH", f"/v1/posts/{post['id']}", body)
    await world.settle()

    changed = (await ada.get(f"/v1/posts/{post['id']}"))["slides"][0]
    assert changed["poster"] != slide["poster"]
    assert (changed["hls"], changed["mp4"]) == (slide["hls"], slide["mp4"])
    assert (await world.anyone("GET", changed["poster"])).status_code == 200


async def test_a_photo_has_no_moments(world: World) -> None:
    ada = await world.join("ada")
    upload = await _sent(ada, photo(), "image/jpeg")

    draft = {"slides": [{"upload_id": upload, "poster_at": 1}]}
    refused = await ada.call("POST", "/v1/posts", json=draft)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == f"/poster_at/{upload}"


async def test_a_private_film_plays_for_followers_to_its_last_piece_and_for_nobody_else(
    world: World, tmp_path: Path
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.send("PATCH", "/v1/accounts/me", {"private": True})
    await bo.send("POST", "/v1/follows", {"followed_id": str(ada.id)})
    await ada.send("POST", f"/v1/follow-requests/{bo.id}/accept")
    post = await _film(ada, tmp_path)

    async def playable(url: str) -> list[int]:
        """The answers to a player without cookies that goes from the master to the pieces."""
        answers, folder = [], url.rsplit("/", 1)[0]
        ahead, seen = [url], {url}
        while ahead:
            answer = await world.anyone("GET", ahead.pop())
            answers.append(answer.status_code)
            if "mpegurl" in answer.headers.get("content-type", ""):
                named = re.findall(r"[0-9a-f]{32}\.(?:m3u8|mp4)", answer.text)
                found = {f"{folder}/{name}" for name in named} - seen
                seen |= found
                ahead += found
        return answers

    url = (await bo.get(f"/v1/posts/{post['id']}"))["slides"][0]["hls"]
    before = await playable(url)
    await ada.send("POST", "/v1/blocks", {"account_id": str(bo.id)})

    assert before == [200] * 5
    assert await playable(url) == [404]
    bare = re.sub(r"/g/[^/]+", "", url)
    assert await playable(bare) == [404]

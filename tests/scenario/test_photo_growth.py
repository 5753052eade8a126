"""A photo is out at once, and gets smaller files of the same picture when there is time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cast import Person, World, open_world
from tests.media_rig import eventually
from tests.pictures import small_photo
from tintype.codecs import Kind, sniff
from tintype.media import MediaSettings

PHOTO = small_photo(7, 300, 200)


async def _published(person: Person) -> str:
    """A post of one photo that is out; what grows later may still be on its way."""
    slides = [{"upload_id": await person.upload(PHOTO)}]
    post: str = (await person.send("POST", "/v1/posts", {"slides": slides}))["post"]["id"]

    async def is_out() -> bool:
        return bool((await person.get(f"/v1/posts/{post}"))["state"] == "published")

    await eventually(is_out)
    return post


async def _formats(post: str, reader: Person) -> set[str]:
    found = await reader.get(f"/v1/posts/{post}")
    return {each["format"] for each in found["slides"][0]["renditions"]}


@pytest.fixture
async def growing(tmp_path: Path) -> Any:
    world = await open_world(tmp_path, media=MediaSettings())
    yield world
    await world.close()


async def test_a_published_photo_grows_avif_and_everybody_is_shown_it(growing: World) -> None:
    ada, bo = await growing.join("ada"), await growing.join("bo")
    await bo.follow(ada)

    post = await _published(ada)
    await growing.settle()

    assert await _formats(post, bo) == {"avif", "jpeg", "webp"}
    feed = (await bo.get("/v1/feed"))["items"]
    slide = feed[0]["slides"][0]
    sizes = {
        format_: [each["width"] for each in slide["renditions"] if each["format"] == format_]
        for format_ in ("avif", "jpeg", "webp")
    }
    assert sizes["avif"] == sizes["jpeg"] == sizes["webp"] == [150, 240, 300]
    for each in slide["renditions"]:
        answer = await growing.anyone("GET", each["url"])
        assert answer.headers["content-type"] == f"image/{each['format']}"
        assert sniff(answer.content) is Kind(each["format"])


async def test_a_card_that_was_kept_is_dropped_when_the_photo_has_grown(growing: World) -> None:
    ada = await growing.join("ada")
    post = await _published(ada)
    assert (await ada.get("/v1/feed"))["items"][0]["id"] == post

    await growing.settle()

    shown = (await ada.get("/v1/feed"))["items"][0]["slides"][0]["renditions"]
    assert "avif" in {each["format"] for each in shown}
    assert (await ada.get("/v1/limits"))["quota"]["used"] > len(PHOTO)


async def test_nothing_grows_where_the_operator_does_not_want_it(tmp_path: Path) -> None:
    world = await open_world(tmp_path, media=MediaSettings(avif=False))
    try:
        ada = await world.join("ada")

        post = await _published(ada)
        await world.settle()

        assert await _formats(post, ada) == {"jpeg", "webp"}
    finally:
        await world.close()


async def test_what_is_deleted_before_it_grows_leaves_no_bytes(growing: World) -> None:
    ada = await growing.join("ada")
    post = await _published(ada)

    await ada.send("DELETE", f"/v1/posts/{post}")
    await growing.settle()

    blobs = growing.server.media.storage.blobs
    left = [
        blob.key for prefix in ("originals/", "renditions/") async for blob in blobs.under(prefix)
    ]
    assert left == []

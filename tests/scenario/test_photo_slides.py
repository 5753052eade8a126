"""Slides say what their authors decided: the focal point, whether one may download them, and
whether they move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import pyvips

from tests.cast import Person, World, open_world
from tests.pictures import small_photo
from tests.unit.codecs import originals
from tintype.media import MediaSettings

CANARY = b"canary-8c41"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> Any:
    opened = await open_world(tmp_path, media=MediaSettings(avif=False))
    yield opened
    await opened.close()


def noted_photo() -> bytes:
    image = pyvips.Image.new_from_buffer(small_photo(3, 200, 150), "").copy()
    note = CANARY.decode()
    image.set_type(
        pyvips.GValue.gstr_type, "exif-ifd0-Artist", f"{note} ({note}, ASCII, 12 components)"
    )
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    data: bytes = image.jpegsave_buffer(Q=90, keep="all")
    assert CANARY in data
    return data


async def publish(person: Person, data: bytes, **slide: Any) -> str:
    upload = await person.upload(data)
    slides = [{"upload_id": upload} | slide]
    post: str = (await person.send("POST", "/v1/posts", {"slides": slides}))["post"]["id"]
    await person.world.settle()
    return post


async def slide_of(person: Person, post: str) -> Any:
    return (await person.get(f"/v1/posts/{post}"))["slides"][0]


async def test_a_focal_point_is_kept_changed_and_taken_away(world: World) -> None:
    ada = await world.join("ada")
    post = await publish(ada, small_photo(1), focal={"x": 0.25, "y": 0.75})
    first = await slide_of(ada, post)
    assert first["focal"] == {"x": 0.25, "y": 0.75}

    await ada.send("PATCH", f"/v1/posts/{post}", {"focal": {first["id"]: {"x": 1, "y": 0}}})
    assert (await slide_of(ada, post))["focal"] == {"x": 1.0, "y": 0.0}
    assert (await ada.get("/v1/feed"))["items"][0]["slides"][0]["focal"] == {"x": 1.0, "y": 0.0}

    await ada.send("PATCH", f"/v1/posts/{post}", {"alt": {first["id"]: "a dog"}})
    assert (await slide_of(ada, post))["focal"] == {"x": 1.0, "y": 0.0}
    await ada.send("PATCH", f"/v1/posts/{post}", {"focal": {first["id"]: None}})
    assert (await slide_of(ada, post))["focal"] is None


@pytest.mark.parametrize("focal", [{"x": 1.1, "y": 0}, {"x": -0.1, "y": 0}, {"x": 0.5}])
async def test_a_focal_point_outside_the_picture_is_refused(world: World, focal: Any) -> None:
    ada = await world.join("ada")
    slides = [{"upload_id": await ada.upload(), "focal": focal}]

    answer = await ada.call("POST", "/v1/posts", json={"slides": slides})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/slides/0/focal")


async def test_an_offered_original_is_downloaded_without_its_notes(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    data = noted_photo()
    post = await publish(ada, data, original=True)

    address = (await slide_of(bo, post))["original"]

    answer = await world.anyone("GET", address)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="photo-')
    assert CANARY not in answer.content
    kept, sent = (pyvips.Image.new_from_buffer(each, "") for each in (answer.content, data))
    assert kept.get("orientation") == 6
    assert (kept.numpy() == sent.numpy()).all()


async def test_originals_are_offered_by_nobody_who_did_not_say_so(world: World) -> None:
    ada = await world.join("ada")

    post = await publish(ada, noted_photo())

    assert (await slide_of(ada, post))["original"] is None


async def test_an_original_can_be_offered_and_withdrawn_later(world: World) -> None:
    ada = await world.join("ada")
    post = await publish(ada, noted_photo())
    slide = (await slide_of(ada, post))["id"]

    await ada.send("PATCH", f"/v1/posts/{post}", {"original": {slide: True}})
    await world.settle()
    address = (await slide_of(ada, post))["original"]
    assert (await world.anyone("GET", address)).status_code == 200

    await ada.send("PATCH", f"/v1/posts/{post}", {"original": {slide: False}})
    assert (await slide_of(ada, post))["original"] is None
    assert (await world.anyone("GET", address)).status_code == 404
    await world.settle()
    assert (await world.anyone("GET", address)).status_code == 404


async def test_the_original_of_a_private_account_is_for_its_followers(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.send("PATCH", "/v1/accounts/me", {"private": True})
    post = await publish(ada, noted_photo(), original=True)

    own = (await slide_of(ada, post))["original"]
    assert (await world.anyone("GET", own)).status_code == 200
    place, _, name = own.rpartition("/")
    bare = f"{place.split('/media/')[0]}/media/{place.rpartition('/')[2]}/{name}"

    assert (await world.anyone("GET", bare)).status_code == 404
    assert (await bo.call("GET", own)).status_code == 404


async def test_a_photo_that_moves_says_so_and_has_a_film(world: World) -> None:
    ada = await world.join("ada")
    gif = originals.moving(".gif", delays=[100, 200, 300])

    post = await publish(ada, gif)

    slide = await slide_of(ada, post)
    assert (slide["kind"], slide["animated"]) == ("photo", True)
    assert slide["duration"] == pytest.approx(0.6)
    assert slide["poster"] in {each["url"] for each in slide["renditions"]}
    film = await world.anyone("GET", slide["mp4"])
    assert film.headers["content-type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"


async def test_a_still_photo_does_not_claim_to_move(world: World) -> None:
    ada = await world.join("ada")

    slide = await slide_of(ada, await publish(ada, small_photo(1)))

    assert slide["animated"] is False
    assert slide["mp4"] is None

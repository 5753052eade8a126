"""Photos are edited by recipes: before they arrive, when they are ready, and when they are out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import sqlalchemy as sa

from tests.cast import Person, World, ok, open_world
from tests.media_rig import eventually
from tests.unit.codecs import originals
from tintype.codecs.recipe import LOOK_NAMES, SLIDERS
from tintype.database.tables import jobs
from tintype.media import MediaSettings
from tintype.media.model import Work, original_key
from tintype.media.service import RENDER

PHOTO = originals.photo("jpeg", originals.quarters(400, 300))
LEFT = {"crop": {"x": 0, "y": 0, "width": 0.5, "height": 1}}
RIGHT = {"crop": {"x": 0.5, "y": 0, "width": 0.5, "height": 1}}
GREY = {"look": "silver"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = await open_world(tmp_path)
    yield opened
    await opened.close()


async def put(person: Person, upload: str, recipe: Any) -> Any:
    return await person.send("PUT", f"/v1/uploads/{upload}/recipe", recipe)


async def ready(person: Person, data: bytes = PHOTO) -> str:
    upload = await person.upload(data)
    await person.world.settle()
    assert (await person.get(f"/v1/uploads/{upload}"))["state"] == "ready"
    return upload


async def publish(person: Person, upload: str, **slide: Any) -> str:
    slides = [{"upload_id": upload, **slide}]
    post: str = (await person.send("POST", "/v1/posts", {"slides": slides}))["post"]["id"]
    await person.world.settle()
    assert (await person.get(f"/v1/posts/{post}"))["state"] == "published"
    return post


async def slide_of(person: Person, post: str) -> Any:
    return (await person.get(f"/v1/posts/{post}"))["slides"][0]


async def pixels(person: Person, address: str) -> Any:
    answer = await person.world.anyone("GET", address)
    assert answer.status_code == 200, address
    return pyvips.Image.new_from_buffer(answer.content, "").numpy()[:, :, :3]


async def largest(person: Person, slide: Any) -> Any:
    jpegs = [each for each in slide["renditions"] if each["format"] == "jpeg"]
    return await pixels(person, jpegs[-1]["url"])


def is_grey(shown: Any) -> bool:
    return bool(np.ptp(shown.astype(int), axis=2).max() < 24)


async def test_a_photo_is_edited_before_its_bytes_have_arrived(world: World) -> None:
    ada = await world.join("ada")
    asked = {"content_type": "image/jpeg", "bytes": len(PHOTO)}
    upload = (await ada.send("POST", "/v1/uploads", asked))["id"]

    kept = await put(ada, upload, LEFT | GREY | {"strength": 1, "mirror": False})
    await ada.send_bytes(upload, PHOTO)
    await ada.send("POST", f"/v1/uploads/{upload}/complete")
    await world.settle()

    assert kept["recipe"] == {"crop": LEFT["crop"], "look": "silver"}
    found = await ada.get(f"/v1/uploads/{upload}")
    assert (found["state"], found["rendering"]) == ("ready", False)
    slide = found["slide"]
    assert (slide["width"], slide["height"]) == (200, 300)
    shown = await largest(ada, slide)
    assert shown.shape == (300, 200, 3)
    assert is_grey(shown)
    assert not is_grey(await pixels(ada, found["unedited"]))


async def test_a_ready_photo_is_shown_as_it_was_until_it_is_edited(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    before = (await ada.get(f"/v1/uploads/{upload}"))["slide"]
    await world.server.background.stop()

    waiting = await put(ada, upload, {"turn": 90})
    assert (waiting["state"], waiting["rendering"]) == ("ready", True)
    assert waiting["slide"]["renditions"] == before["renditions"]
    world.server.background.start()
    await world.settle()

    after = await ada.get(f"/v1/uploads/{upload}")
    assert (after["rendering"], after["slide"]["width"], after["slide"]["height"]) == (
        False,
        300,
        400,
    )
    assert after["slide"]["thumbhash"] != before["thumbhash"]


async def test_an_empty_recipe_shows_the_photo_as_it_was_sent(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    before = (await ada.get(f"/v1/uploads/{upload}"))["slide"]
    await put(ada, upload, GREY)
    await world.settle()

    await put(ada, upload, {})
    await world.settle()

    after = await ada.get(f"/v1/uploads/{upload}")
    assert (after["recipe"], after["unedited"]) == (None, None)
    assert after["slide"]["renditions"] == before["renditions"]
    assert await pixels(ada, before["renditions"][0]["url"]) is not None


async def test_of_two_quick_recipes_the_last_one_counts(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)

    for recipe in (LEFT, GREY, {"turn": 180}, RIGHT | {"turn": 90}):
        await put(ada, upload, recipe)
    await world.settle()

    found = await ada.get(f"/v1/uploads/{upload}")
    assert found["recipe"] == RIGHT | {"turn": 90}
    assert (found["slide"]["width"], found["slide"]["height"]) == (150, 400)
    assert not found["rendering"]


async def test_a_recipe_that_comes_while_the_photo_is_processed_is_carried_out(
    world: World,
) -> None:
    ada = await world.join("ada")
    upload = await ada.upload(PHOTO)

    await put(ada, upload, GREY)
    post = (await ada.send("POST", "/v1/posts", {"slides": [{"upload_id": upload}]}))["post"]["id"]
    await world.settle()

    assert (await ada.get(f"/v1/posts/{post}"))["state"] == "published"
    assert is_grey(await largest(ada, await slide_of(ada, post)))


async def test_a_post_never_comes_out_with_a_picture_that_was_edited_before(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    upload = await ready(ada)
    await world.server.background.stop()

    await put(ada, upload, GREY)
    post = (await ada.send("POST", "/v1/posts", {"slides": [{"upload_id": upload}]}))["post"]
    assert post["state"] != "published"
    assert (await bo.call("GET", f"/v1/posts/{post['id']}")).status_code == 404
    world.server.background.start()
    await world.settle()

    assert is_grey(await largest(bo, await slide_of(bo, post["id"])))


async def test_a_published_photo_is_edited_in_everybodys_feed(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    upload = await ready(ada)
    post = await publish(ada, upload, alt="four fields", focal={"x": 0.25, "y": 0.5})
    old = (await bo.get("/v1/feed"))["items"][0]["slides"][0]

    await put(ada, upload, LEFT | GREY)
    await world.settle()

    new = (await bo.get("/v1/feed"))["items"][0]["slides"][0]
    assert is_grey(await largest(bo, new))
    assert (new["width"], new["height"], new["alt"]) == (200, 300, "four fields")
    assert new["focal"] == pytest.approx({"x": 0.5, "y": 0.5})
    assert {each["url"] for each in new["renditions"]}.isdisjoint(
        each["url"] for each in old["renditions"]
    )
    assert (await bo.get(f"/v1/posts/{post}"))["edited_at"] is not None
    for each in old["renditions"]:
        assert (await world.anyone("GET", each["url"])).status_code == 200


async def test_a_focal_point_that_is_cropped_away_is_forgotten(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    post = await publish(ada, upload, focal={"x": 0.25, "y": 0.5})

    await put(ada, upload, {"mirror": True})
    await world.settle()
    assert (await slide_of(ada, post))["focal"] == pytest.approx({"x": 0.75, "y": 0.5})
    await put(ada, upload, {"mirror": True} | LEFT)
    await world.settle()

    assert (await slide_of(ada, post))["focal"] is None


async def test_an_edited_photo_grows_avif_of_the_edited_picture(tmp_path: Path) -> None:
    world = await open_world(tmp_path, media=MediaSettings())
    try:
        ada = await world.join("ada")
        upload = await ready(ada)
        post = await publish(ada, upload)

        await put(ada, upload, RIGHT)
        await world.settle()

        slide = await slide_of(ada, post)
        sizes = {
            format_: [
                (each["width"], each["height"])
                for each in slide["renditions"]
                if each["format"] == format_
            ]
            for format_ in ("avif", "jpeg", "webp")
        }
        assert sizes["avif"] == sizes["jpeg"] == sizes["webp"] == [(150, 225), (200, 300)]
    finally:
        await world.close()


async def test_an_edited_photo_is_offered_for_download_as_it_was_sent(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    post = await publish(ada, upload, original=True)
    await world.settle()

    await put(ada, upload, LEFT | GREY)
    await world.settle()

    offered = await pixels(ada, (await slide_of(ada, post))["original"])
    assert offered.shape == (300, 400, 3)
    assert not is_grey(offered)


async def test_an_avatar_is_edited_too(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    await ada.send("PUT", "/v1/accounts/me/avatar", {"upload_id": upload})

    await put(ada, upload, GREY)
    await world.settle()

    avatar = (await ada.get("/v1/accounts/me"))["avatar"]
    assert is_grey(await pixels(ada, avatar))


async def test_nobody_edits_the_photos_of_others(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    upload = await ready(ada)
    await publish(ada, upload)

    refused = await bo.call("PUT", f"/v1/uploads/{upload}/recipe", json=GREY)

    assert refused.status_code == 404
    assert refused.json()["type"].endswith("upload-not-found")
    assert (await ada.get(f"/v1/uploads/{upload}"))["recipe"] is None


async def test_the_unedited_picture_is_for_its_owner_alone(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    upload = await ready(ada)
    await publish(ada, upload)
    await put(ada, upload, LEFT)
    await world.settle()
    mine = (await ada.get(f"/v1/uploads/{upload}"))["unedited"]
    name, place = mine.rpartition("/")[2], mine.split("/media/")[0]

    assert (await pixels(ada, mine)).shape == (300, 400, 3)
    assert (await bo.call("GET", mine)).status_code == 404
    assert (await bo.call("GET", f"{place}/media/{upload}/{name}")).status_code == 404
    assert (await world.anyone("GET", f"{place}/media/{upload}/{name}")).status_code == 404
    assert name not in (await bo.call("GET", "/v1/feed")).text
    await ada.send("DELETE", "/v1/sessions/current")
    assert (await world.anyone("GET", mine)).status_code == 404


@pytest.mark.parametrize(
    ("recipe", "pointer"),
    [
        ({"brightness": 1.01}, "/brightness"),
        ({"fade": -0.1}, "/fade"),
        ({"turn": 45}, "/turn"),
        ({"look": "sepia"}, "/look"),
        ({"blur": 1}, "/blur"),
        ({"crop": {"x": 0, "y": 0, "width": 0.01, "height": 1}}, "/crop/width"),
        ({"crop": {"x": 0.6, "y": 0, "width": 0.5, "height": 1}}, "/crop/width"),
        ({"crop": {"x": 0, "y": 0, "width": 1}}, "/crop/height"),
    ],
)
async def test_a_recipe_that_makes_no_sense_is_refused_by_name(
    world: World, recipe: Any, pointer: str
) -> None:
    ada = await world.join("ada")
    upload = await ada.upload(PHOTO)

    refused = await ada.call("PUT", f"/v1/uploads/{upload}/recipe", json=recipe)

    assert refused.status_code == 422
    assert pointer in {each["pointer"] for each in refused.json()["errors"]}


async def test_a_photo_that_moves_is_not_edited(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada, originals.animation())

    refused = await ada.call("PUT", f"/v1/uploads/{upload}/recipe", json=GREY)

    assert refused.status_code == 409
    assert refused.json()["type"].endswith("not-editable")
    assert (await put(ada, upload, {}))["recipe"] is None


async def test_a_photo_that_turns_out_to_move_says_why_it_can_not_be_shown(world: World) -> None:
    ada = await world.join("ada")
    moving = originals.animation()
    asked = {"content_type": "image/gif", "bytes": len(moving)}
    upload = (await ada.send("POST", "/v1/uploads", asked))["id"]
    await put(ada, upload, GREY)
    await ada.send_bytes(upload, moving)
    await ada.send("POST", f"/v1/uploads/{upload}/complete")
    await world.settle()
    failed = await ada.get(f"/v1/uploads/{upload}")
    assert (failed["state"], failed["reason_code"]) == ("failed", "moves")
    assert "edited" in failed["reason"]

    await put(ada, upload, {})
    await world.settle()

    assert (await ada.get(f"/v1/uploads/{upload}"))["slide"]["animated"]


async def test_a_video_is_not_edited(world: World) -> None:
    ada = await world.join("ada")
    asked = {"content_type": "video/mp4", "bytes": 1000}
    upload = (await ada.send("POST", "/v1/uploads", asked))["id"]

    refused = await ada.call("PUT", f"/v1/uploads/{upload}/recipe", json=GREY)

    assert refused.status_code == 409
    assert "video" in refused.json()["detail"]


async def test_the_limits_name_the_looks_and_the_sliders(world: World) -> None:
    limits = ok(await world.anyone("GET", "/v1/limits"))["recipe"]

    assert limits["looks"] == list(LOOK_NAMES)
    assert {each["name"]: each["least"] for each in limits["sliders"]} == SLIDERS
    assert {each["most"] for each in limits["sliders"]} == {1}


async def test_an_edit_that_a_dead_worker_left_is_carried_out_by_the_next(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    await put(ada, upload, GREY)
    await world.server.background.stop()

    world.server.background.start()

    async def is_edited() -> bool:
        found = await ada.get(f"/v1/uploads/{upload}")
        return not found["rendering"] and is_grey(await largest(ada, found["slide"]))

    await eventually(is_edited, 60)


async def test_a_photo_that_can_not_be_edited_is_shown_as_before_and_says_why(
    world: World,
) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    post = await publish(ada, upload)
    before = await slide_of(ada, post)
    blobs = world.server.media.tiers.blobs
    await blobs.write(original_key(int(upload)), b"spoilt", content_type="image/jpeg")

    await put(ada, upload, GREY)
    await world.settle()

    failed = await ada.get(f"/v1/uploads/{upload}")
    assert (failed["state"], failed["rendering"]) == ("ready", False)
    assert failed["reason"]
    assert await slide_of(ada, post) == before
    await blobs.write(original_key(int(upload)), PHOTO, content_type="image/jpeg")
    again = await put(ada, upload, GREY)
    assert (again["rendering"], again["reason"]) == (True, None)
    await world.settle()
    assert is_grey(await largest(ada, await slide_of(ada, post)))


async def test_a_post_whose_edit_was_given_up_is_tried_again_by_its_author(world: World) -> None:
    ada = await world.join("ada")
    upload = await ready(ada)
    background = world.server.background
    await background.stop()
    await put(ada, upload, GREY)
    slides = [{"upload_id": upload}]
    post = (await ada.send("POST", "/v1/posts", {"slides": slides}))["post"]["id"]
    async with world.server.database.write() as tx:
        await tx.execute(sa.delete(jobs).where(jobs.c.shard >= 0, jobs.c.kind == RENDER))
        [render] = [each for each in background._work.handlers if each.kind == RENDER]
        assert render.on_dead is not None
        await render.on_dead(tx, Work(upload=int(upload)), "worn out")
    background.start()
    await world.settle()
    failed = await ada.get(f"/v1/posts/{post}")
    assert (failed["state"], failed["retryable"]) == ("failed", True)

    await ada.send("POST", f"/v1/posts/{post}/retry")
    await world.settle()

    assert (await ada.get(f"/v1/posts/{post}"))["state"] == "published"
    assert is_grey(await largest(ada, await slide_of(ada, post)))

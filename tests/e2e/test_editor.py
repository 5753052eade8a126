"""Photos edited before they are shared, and covers of videos, at a desk and on a phone.

The tests are chapters: ada sits at the desk; bo holds a phone.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
import pyvips
from playwright.async_api import Locator, Route, expect

from tests.e2e.accessibility import violations
from tests.e2e.browser import PASSWORD, Visitor, paths
from tests.e2e.neighbours import sign_in
from tests.e2e.originals import Originals
from tests.trust.server import ServerProcess
from tintype.entry.demo.client import Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="session"),
]

NEAR = 3.0
"""The mean difference, of 255, that scaling and compression may make."""
_LONG_MS = 60_000
_SIDE = 240
_FRAME = re.compile(r"^Crop: ")
_RECIPES = re.compile(r"/v1/uploads/\d+/recipe$")
_WITHOUT_A_CARD = """
  const ask = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === 'webgl2' ? null : ask.call(this, kind, ...rest);
  };
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def clients(server: ServerProcess, ada: Visitor, bo: Visitor) -> dict[str, Client]:
    """Both have an account and are at the composer; the same people, by way of the API."""

    def join(name: str) -> Client:
        visitor = Client(server.base_url)
        body = {"handle": name, "email": f"{name}@example.com", "password": PASSWORD}
        return visitor.as_account(visitor.call("POST", "/v1/accounts", body)["token"])

    people = {name: await asyncio.to_thread(join, name) for name in ("ada", "bo")}
    for visitor in (ada, bo):
        await visitor.page.emulate_media(reduced_motion="reduce")
        await sign_in(visitor, visitor.name, then="/new")
    return people


async def pick(visitor: Visitor, *files: Any) -> None:
    await visitor.page.get_by_label("Photos and videos").set_input_files(paths(files))
    await expect(visitor.button(re.compile(r"^Item 1, "))).to_be_visible()


async def edit(visitor: Visitor, number: int) -> Locator:
    """Open the editor on an item; returns its dialog once the photo is there."""
    await visitor.button(re.compile(rf"^Item {number}, ")).click()
    await visitor.button(re.compile(rf"^Edit item {number}, ")).click()
    editor = visitor.page.get_by_role("dialog", name="Edit photo")
    await expect(editor.get_by_role("img", name="The photo as edited")).to_be_visible(
        timeout=_LONG_MS
    )
    return editor


async def choose(editor: Locator, tab: str, /, **sliders: int) -> None:
    await editor.get_by_role("tab", name=tab).click()
    for label, value in sliders.items():
        await editor.get_by_label(label.title(), exact=True).fill(str(value))


async def preview(visitor: Visitor) -> Any:
    """What the stage shows, without what lies over it, once it has stopped changing."""
    stage = visitor.page.get_by_role("dialog").get_by_role("img").first
    compare = visitor.button("Hold to compare")
    await compare.evaluate("button => button.style.opacity = 0")
    shown = b""
    while (seen := await stage.screenshot()) != shown:
        shown = seen
        await asyncio.sleep(0.2)
    await compare.evaluate("button => button.style.opacity = ''")
    return small(shown)


def small(picture: bytes) -> Any:
    """Its colours in a square, whatever its size."""
    loaded = pyvips.Image.thumbnail_buffer(picture, _SIDE, height=_SIDE, size="force")
    flat = loaded.flatten(background=255) if loaded.hasalpha() else loaded
    return flat.numpy().astype(float)


def differ(one: Any, other: Any) -> float:
    return float(np.abs(one - other).mean())


async def share(visitor: Visitor, client: Client) -> dict[str, Any]:
    """Share what the composer holds; returns the post once it is out."""
    await visitor.button("Share").click()
    article = visitor.page.get_by_role("article", name=f"Post by {visitor.name}").first
    await expect(article).to_be_visible(timeout=_LONG_MS)
    await expect(visitor.page.get_by_role("region", name="Your new post")).to_have_count(
        0, timeout=_LONG_MS
    )
    feed = await asyncio.to_thread(client.call, "GET", "/v1/feed?limit=1")
    post: dict[str, Any] = feed["items"][0]
    return post


async def fetched(url: str) -> bytes:
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
        return answer.raise_for_status().content


def largest(slide: dict[str, Any]) -> dict[str, Any]:
    plain = [made for made in slide["renditions"] if made["format"] == "jpeg"]
    return max(plain, key=lambda made: int(made["width"]))


async def test_an_edited_photo_comes_out_as_its_preview_showed_it(
    ada: Visitor, clients: dict[str, Client], originals: Originals
) -> None:
    await pick(ada, originals.noon, originals.dawn)
    editor = await edit(ada, 1)
    before = await editor.locator(".stage").bounding_box()
    await ada.button("Rotate", editor).click()
    await ada.button("Mirror", editor).click()
    await editor.get_by_text("16:9", exact=True).click()
    await expect(editor.get_by_text("1,000 × 563 pixels")).to_be_visible()
    await ada.shoot("50-crop")
    assert await violations(ada.page) == []

    await choose(editor, "Looks")
    await editor.get_by_text("Canyon", exact=True).click()
    await choose(editor, "Looks", strength=70)
    await editor.get_by_role("switch", name="Same look on all photos").click()
    await ada.shoot("51-looks")
    assert await violations(ada.page) == []

    await choose(editor, "Adjust", brightness=25, shadows=40, warmth=-30, vignette=60, sharpen=50)
    await ada.shoot("52-adjust")
    assert await violations(ada.page) == []
    assert await editor.locator(".stage").bounding_box() == before
    edited = await preview(ada)
    compare = ada.button("Hold to compare", editor)
    await compare.focus()
    await ada.page.keyboard.down("Space")
    await expect(editor.get_by_role("img", name="The photo before editing")).to_be_visible()
    assert differ(await preview(ada), edited) > 4 * NEAR
    await ada.page.keyboard.up("Space")
    await ada.button("Done", editor).click()

    await expect(editor).to_have_count(0)
    post = await share(ada, clients["ada"])
    made, other = (largest(slide) for slide in post["slides"])
    assert made["height"] == round(made["width"] * 563 / 1000)
    assert differ(small(await fetched(made["url"])), edited) < NEAR
    assert differ(small(await fetched(other["url"])), small(originals.dawn.read_bytes())) > NEAR


async def test_an_edit_survives_a_reload_and_needs_no_graphics_card(
    bo: Visitor, originals: Originals
) -> None:
    await pick(bo, originals.dawn)
    editor = await edit(bo, 1)
    await editor.get_by_text("1:1", exact=True).click()
    await choose(editor, "Adjust", contrast=50, saturation=-60, vignette=40, sharpen=80)
    await choose(editor, "Looks")
    await editor.get_by_text("Apricot", exact=True).click()
    with_a_card = await preview(bo)
    await bo.shoot("53-looks")
    await bo.button("Done", editor).click()
    await expect(bo.page.locator(".stage img[src^='blob:']")).to_be_visible()
    await bo.page.add_init_script(_WITHOUT_A_CARD)

    await bo.page.reload()
    editor = await edit(bo, 1)
    await expect(editor.get_by_role("radio", name="1:1")).to_be_checked()
    await choose(editor, "Looks")
    await expect(editor.get_by_role("radio", name="Apricot")).to_be_checked()

    assert differ(await preview(bo), with_a_card) < NEAR
    await choose(editor, "Adjust")
    await expect(editor.get_by_label("Contrast", exact=True)).to_have_value("50")
    await bo.shoot("54-adjust")
    await bo.button("Done", editor).click()


async def test_everything_is_in_reach_of_a_keyboard(ada: Visitor, originals: Originals) -> None:
    keys = ada.page.keyboard
    await ada.open("/new")
    await pick(ada, originals.noon)
    editor = await edit(ada, 1)
    frame = editor.get_by_role("button", name=_FRAME)
    await editor.get_by_role("radio", name="Original").focus()
    await keys.press("ArrowLeft")
    await expect(editor.get_by_role("radio", name="Free")).to_be_checked()

    await frame.focus()
    await keys.press("Shift+ArrowLeft")
    await keys.press("Shift+ArrowUp")
    await keys.press("ArrowRight")
    await expect(frame).to_have_accessible_name(
        re.compile("98% of the width and 98% of the height, 2% from the left, 0% from the top")
    )
    await keys.press("Control+z")
    await expect(frame).to_have_accessible_name(re.compile("0% from the left"))

    await editor.get_by_role("tab", name="Crop").focus()
    await keys.press("ArrowRight")
    await keys.press("ArrowRight")
    await expect(editor.get_by_role("tab", name="Adjust")).to_be_focused()
    fade = editor.get_by_label("Fade", exact=True)
    await fade.focus()
    await keys.press("End")
    await expect(fade).to_have_value("100")
    await ada.button("Reset fade", editor).click()
    await expect(fade).to_have_value("0")
    await ada.button("Reset all", editor).click()
    await expect(ada.button("Reset all", editor)).to_be_disabled()
    await ada.button("Undo", editor).click()

    await keys.press("Escape")
    await expect(ada.page.get_by_role("dialog", name="Discard your changes?")).to_be_visible()
    await ada.button("Discard", ada.page.get_by_role("dialog").last).click()
    await expect(editor).to_have_count(0)
    await expect(ada.button(re.compile("^Edit item 1"))).to_be_focused()


async def test_a_frame_is_dragged_by_its_corners_and_moved_as_a_whole(
    ada: Visitor,
) -> None:
    editor = await edit(ada, 1)
    mouse, frame = ada.page.mouse, editor.get_by_role("button", name=_FRAME)
    box = await frame.bounding_box()
    assert box

    await mouse.move(box["x"] + box["width"], box["y"] + box["height"])
    await mouse.down()
    await mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    await mouse.up()
    await expect(frame).to_have_accessible_name(re.compile(r"^Crop: (49|50|51)[.\d]*% of the wi"))
    await mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    await mouse.down()
    await mouse.move(box["x"] + box["width"], box["y"] + box["height"] / 4, steps=5)
    await mouse.up()
    await expect(frame).to_have_accessible_name(re.compile(r"(49|50|51)[.\d]*% from the left, 0%"))
    await ada.button("Undo", editor).click()
    await ada.button("Undo", editor).click()
    await expect(ada.button("Undo", editor)).to_be_disabled()
    await ada.button("Cancel", editor).click()
    await expect(editor).to_have_count(0)


async def test_an_edit_that_cannot_be_sent_is_told_and_loses_nothing(
    ada: Visitor, clients: dict[str, Client]
) -> None:
    answers = [503, 422, 422]

    async def refuse(route: Route) -> None:
        if answers:
            said = {"title": "No", "detail": "The darkroom is locked."}
            await route.fulfill(status=answers.pop(0), json=said)
        else:
            await route.continue_()

    await ada.page.route(_RECIPES, refuse)
    editor = await edit(ada, 1)
    await choose(editor, "Adjust", warmth=80)
    async with ada.provoking(503, 422):
        await ada.button("Done", editor).click()
        await ada.sees("The edit could not be sent")
        await ada.shoot("55-not-sent")
        assert await violations(ada.page) == []
        await ada.button("Share").click()
        await expect(ada.page.get_by_text("The darkroom is locked.")).to_have_count(2)
        await expect(ada.button("Share")).to_be_enabled()

    await ada.button("Send again").click()
    await expect(ada.page.get_by_text("The edit could not be sent")).to_have_count(0)
    post = await share(ada, clients["ada"])
    await ada.page.unroute(_RECIPES, refuse)
    upload = await asyncio.to_thread(
        clients["ada"].call, "GET", f"/v1/uploads/{post['slides'][0]['id']}"
    )
    assert upload["recipe"] == {"warmth": 0.8}


async def test_a_photo_that_the_browser_cannot_show_opens_once_the_server_has_it(
    bo: Visitor, originals: Originals
) -> None:
    await bo.page.evaluate("document.dir = 'rtl'")
    await bo.page.set_viewport_size({"width": 320, "height": 640})
    await pick(bo, originals.phone)

    editor = await edit(bo, 2)

    assert await editor.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    await bo.shoot("56-narrow-crop")
    await choose(editor, "Looks")
    await editor.get_by_text("Silver", exact=True).click()
    await bo.shoot("57-narrow-looks")
    await choose(editor, "Adjust", fade=40, tint=-50)
    await bo.shoot("58-narrow-adjust")
    assert await violations(bo.page) == []
    await bo.button("Done", editor).click()
    await expect(bo.page.locator(".stage img[src^='blob:']")).to_be_visible()
    await bo.page.set_viewport_size({"width": 390, "height": 844})
    await bo.button("Discard").first.click()
    await bo.button("Discard", bo.page.get_by_role("dialog")).click()
    await bo.sees("Choose photos and videos")


async def test_a_video_is_shown_by_the_cover_that_its_author_chose(
    ada: Visitor, clients: dict[str, Client], originals: Originals
) -> None:
    await ada.open("/new")
    await pick(ada, originals.waves)
    await ada.button(re.compile("^Cover of item 1")).click()
    sheet = ada.page.get_by_role("dialog", name="Cover")
    moment = sheet.get_by_label("Moment")
    await expect(moment).to_be_enabled()

    await moment.fill("1.6")

    await ada.until("input => input.getAttribute('aria-valuetext').startsWith('1.6 of')", moment)
    await ada.shoot("59-cover")
    assert await violations(ada.page) == []
    await ada.button("Use this cover", sheet).click()
    await expect(sheet).to_have_count(0)
    await expect(ada.page.locator(".stage video")).to_have_attribute("src", re.compile("#t=1.6$"))
    async with ada.page.expect_request(re.compile("/v1/posts$")) as asked:
        await share(ada, clients["ada"])
    sent = (await asked.value).post_data or ""
    assert json.loads(sent)["slides"][0]["poster_at"] == pytest.approx(1.6)

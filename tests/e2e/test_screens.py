"""Every screen, at a desk and on a phone, in light and in dark: looked at and examined.

The pictures stay in ``test-results/e2e``, with a contact sheet of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
import pytest_asyncio
import pyvips
from playwright.async_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.browser import SHOTS, Visitor, paths
from tests.e2e.neighbours import Neighbourhood, sign_in
from tests.e2e.originals import Originals

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
_THUMB_WIDTH = 320
_DRAWN = """[...document.images].every((image) => image.complete
  || image.getBoundingClientRect().top > innerHeight || image.checkVisibility() === false)"""


@pytest_asyncio.fixture(params=["ada", "bo"], ids=["desk", "phone"], loop_scope="session")
async def window(request: pytest.FixtureRequest, ada: Visitor, bo: Visitor) -> Visitor:
    """Ada's account in a wide window and in a phone; nothing moves, so pictures compare."""
    visitor = {"ada": ada, "bo": bo}[request.param]
    await visitor.page.emulate_media(reduced_motion="reduce")
    return visitor


@pytest_asyncio.fixture(loop_scope="session")
async def dweller(window: Visitor, neighbours: Neighbourhood) -> Visitor:
    """The same window, signed in."""
    if not await window.context.cookies():
        await sign_in(window, "ada", then="/saved")
        await window.sees("Saved posts")
    return window


async def examine(visitor: Visitor, name: str) -> list[str]:
    """Picture what is shown in both schemes, and say what is wrong with it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for scheme in SCHEMES:
        await visitor.page.emulate_media(color_scheme=scheme)
        size = "desk" if visitor.name == "ada" else "phone"
        await visitor.until(_DRAWN)
        picture = SHOTS / f"screen-{name}-{size}-{scheme}.png"
        await visitor.page.screenshot(path=picture, animations="disabled", caret="hide")
        lines = await violations(visitor.page, colours_only=scheme == "dark")
        found += [f"{name} ({size}, {scheme}): {line}" for line in lines]
    return found


async def walk(visitor: Visitor, screens: dict[str, tuple[str, str]]) -> list[str]:
    """Examine the screens, each an address and what it shows when it is there."""
    found = []
    for name, (path, sign) in screens.items():
        await visitor.open(path)
        await expect(visitor.page.locator(sign).first).to_be_visible()
        found += await examine(visitor, name)
    return found


async def test_visitors_find_nothing_in_their_way(window: Visitor) -> None:
    screens = {
        "setup": ("/", "text=Set up your server"),
        "signup": ("/signup", "text=Create your account"),
        "signin": ("/signin", "h1:has-text('Sign in')"),
    }

    assert await walk(window, screens) == []


async def test_a_visitor_reads_a_public_post(window: Visitor, neighbours: Neighbourhood) -> None:
    screens = {
        "visitor-post": (f"/p/{neighbours.carousel}", "text=Which ferry"),
        "visitor-profile": ("/@cy", "text=1 post"),
    }

    assert await walk(window, screens) == []


async def test_people_find_nothing_in_their_way(
    dweller: Visitor, neighbours: Neighbourhood
) -> None:
    screens = {
        "feed": ("/", "article"),
        "post": (f"/p/{neighbours.carousel}", "text=Which ferry"),
        "profile": ("/@cy", "p:has-text('Followed by bo')"),
        "own-profile": ("/@ada", "text=Edit profile"),
        "followers": ("/@ada/followers", "b:has-text('cy')"),
        "tag": ("/t/coast", "li a"),
        "search": ("/search", "text=Find people and tags"),
        "found": ("/search?q=c", "b:has-text('cy')"),
        "notifications": ("/notifications", "text=Today"),
        "requests": ("/requests", "b:has-text('fay')"),
        "saved": ("/saved", "li a"),
        "missing": ("/nowhere", "text=This page is not here"),
    }

    async with dweller.provoking(404):
        assert await walk(dweller, screens) == []


async def test_settings_hold_nothing_in_the_way(
    dweller: Visitor, neighbours: Neighbourhood
) -> None:
    screens = {
        "settings": ("/settings", "text=Where you are signed in"),
        "settings-profile": ("/settings/profile", "text=Change picture"),
        "settings-privacy": ("/settings/privacy", "text=Private account"),
        "settings-password": ("/settings/password", "text=Change password"),
        "settings-sessions": ("/settings/sessions", "text=This one"),
        "settings-blocked": ("/settings/blocked", "b:has-text('dee')"),
        "settings-muted": ("/settings/muted", "b:has-text('eve')"),
        "settings-appearance": ("/settings/appearance", "text=Theme"),
        "settings-account": ("/settings/account", "text=Storage"),
    }

    assert await walk(dweller, screens) == []


async def test_sheets_and_dialogs_hold_nothing_in_the_way(
    dweller: Visitor, neighbours: Neighbourhood
) -> None:
    page, found = dweller.page, []
    dialog = page.get_by_role("dialog")

    async def look(name: str, open_it: Callable[[], Awaitable[None]], sign: str) -> None:
        await open_it()
        await expect(dialog.last).to_be_visible()
        await expect(dialog.get_by_text(sign).first).to_be_visible()
        found.extend(await examine(dweller, name))

    await dweller.open("/")
    cys = page.get_by_role("article", name="Post by cy")
    await look("comments", dweller.button("Comment", cys).click, "Which ferry")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await look("likers", dweller.button("1 like", cys).click, "Likes")
    await page.keyboard.press("Escape")
    await look("post-menu", dweller.button("More about this post", cys).click, "Copy link")
    await page.keyboard.press("Escape")
    await dweller.open(f"/p/{neighbours.own}")
    await look("own-menu", dweller.button("More about this post").click, "Edit post")
    await look("edit-post", dweller.button("Edit post").click, "Description of photo 1")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await dweller.button("More about this post").click()
    await look("delete-post", dweller.button("Delete", dialog).click, "Delete this post?")
    await dweller.button("Cancel").click()
    await dweller.open("/settings/account")
    await dweller.button("Delete account…").click()
    found.extend(await examine(dweller, "delete-account"))
    await dweller.open("/")
    await look("shortcuts", lambda: page.keyboard.press("?"), "Keyboard shortcuts")

    assert found == []


async def test_the_composer_holds_nothing_in_the_way(
    dweller: Visitor, neighbours: Neighbourhood, originals: Originals
) -> None:
    page = dweller.page
    await dweller.open("/new")
    await dweller.sees("Choose photos and videos")
    found = await examine(dweller, "composer-empty")

    files = [originals.dawn, originals.waves, originals.lie]
    async with dweller.provoking(415):
        await page.get_by_label("Photos and videos").set_input_files(paths(files))
        await dweller.button(re.compile(r"^Item 3, ")).click()
        await expect(dweller.button("Replace")).to_be_visible()
    found += await examine(dweller, "composer-filled")
    await dweller.button("Discard").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await dweller.sees("Choose photos and videos")

    assert found == []


async def test_a_contact_sheet_shows_all_of_them() -> None:
    for size, across in (("desk", 6), ("phone", 12)):
        pictures = sorted(SHOTS.glob(f"screen-*-{size}-*.png"))
        assert pictures

        thumbs = [pyvips.Image.thumbnail(str(picture), _THUMB_WIDTH) for picture in pictures]
        flat = [thumb.flatten(background=255) if thumb.hasalpha() else thumb for thumb in thumbs]
        sheet = pyvips.Image.arrayjoin(flat, across=across, shim=12, background=[128, 128, 128])
        sheet.write_to_file(str(SHOTS / f"contact-sheet-{size}.jpg"))

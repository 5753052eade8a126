"""The client without a mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Visitor
from tests.e2e.neighbours import Neighbourhood, sign_in

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_letters_walk_the_feed_and_like(ada: Visitor, neighbours: Neighbourhood) -> None:
    page = ada.page
    await sign_in(ada, "ada", then="/")
    cys = page.get_by_role("article", name="Post by cy")
    await expect(cys).to_be_visible()

    await page.keyboard.press("j")
    await expect(cys).to_be_focused()
    await page.keyboard.press("l")
    await expect(ada.button("Like", cys)).to_have_attribute("aria-pressed", "true")
    await expect(ada.button("2 likes", cys)).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("article", name="Post by bo")).to_be_focused()
    await page.keyboard.press("k")
    await expect(cys).to_be_focused()


async def test_a_post_opens_over_the_feed_and_hands_the_focus_back(
    ada: Visitor, neighbours: Neighbourhood
) -> None:
    page = ada.page
    cys = page.get_by_role("article", name="Post by cy").first
    await cys.focus()

    await page.keyboard.press("o")
    overlay = page.get_by_role("dialog", name="Post")
    await expect(overlay.get_by_text("Which ferry")).to_be_visible()
    await expect(page).to_have_url(f"{ada.address}/p/{neighbours.carousel}")
    await page.keyboard.press("Escape")

    await expect(overlay).to_have_count(0)
    await expect(page).to_have_url(f"{ada.address}/")
    await expect(cys).to_be_focused()


async def test_the_sheet_of_comments_needs_no_finger(
    bo: Visitor, neighbours: Neighbourhood
) -> None:
    page = bo.page
    await sign_in(bo, "bo", then="/")
    opener = bo.button("Comment", page.get_by_role("article").first)
    await opener.focus()

    await page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Comments")
    await expect(sheet).to_be_visible()
    field = sheet.get_by_label("Add a comment")
    await expect(field).to_be_visible()
    for _ in range(40):
        if await field.evaluate("field => field === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type("From the keys alone")
    await page.keyboard.press("Enter")
    await expect(sheet.get_by_text("From the keys alone")).to_be_visible()
    await expect(bo.button("Reply", sheet).last).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(sheet).to_have_count(0)
    await expect(opener).to_be_focused()

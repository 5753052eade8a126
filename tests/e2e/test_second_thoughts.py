"""What people change their minds about, in two windows on one neighbourhood.

The tests are chapters: ada sits at the desk; bo's phone stays with him until it is lent.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Visitor, paths
from tests.e2e.neighbours import Neighbourhood, sign_in
from tests.e2e.originals import Originals

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

SLOW_BYTES_PER_S = 60_000


async def test_files_change_places_and_a_slow_upload_carries_on_after_sharing(
    ada: Visitor, neighbours: Neighbourhood, originals: Originals
) -> None:
    page = ada.page
    await sign_in(ada, "ada", then="/new")
    network = await ada.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 5, "downloadThroughput": -1}
    await network.send("Network.enable")
    await network.send(
        "Network.emulateNetworkConditions", slow | {"uploadThroughput": SLOW_BYTES_PER_S}
    )

    files = [originals.noon, originals.dawn, originals.lie]
    async with ada.provoking(415):
        await page.get_by_label("Photos and videos").set_input_files(paths(files))
        await ada.button(re.compile(r"^Item 3, notes.*not a photo")).click()
    await ada.button("Remove").click()
    await ada.button(re.compile(r"^Item 2, dawn")).click()
    await ada.button("Move Item 2, dawn.jpg earlier").click()
    await expect(ada.button(re.compile(r"^Item 1, dawn"))).to_be_visible()
    await page.get_by_label("Description for people who cannot see it").fill("Dawn came first")
    await page.get_by_label("Caption").fill("In the right order")
    await ada.button("Share").click()

    card = page.get_by_role("region", name="Your new post")
    await expect(card.get_by_role("status")).to_have_text(re.compile(r"\d+\s?%"))
    await expect(ada.button("Pause upload", card)).to_be_visible()
    await network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    mine = page.get_by_role("article", name="Post by ada").first
    await expect(mine.get_by_role("img", name="Dawn came first")).to_be_visible()
    await expect(card).to_have_count(0)


async def test_an_author_mends_words_and_order_and_ends_the_talk(
    ada: Visitor, bo: Visitor, neighbours: Neighbourhood
) -> None:
    page = ada.page
    mine = page.get_by_role("article", name="Post by ada").first
    await ada.button("More about this post", mine).click()
    await ada.button("Edit post").click()
    sheet = page.get_by_role("dialog", name="Edit post")
    await sheet.get_by_label("Caption").fill("In another order")
    await sheet.get_by_label("Description of photo 2").fill("Noon leads now")
    await ada.button("Move photo 2 earlier", sheet).click()
    await sheet.get_by_role("switch", name="Comments").click()
    await ada.shoot("24-edit")
    await ada.button("Save", sheet).click()

    await expect(sheet).to_have_count(0)
    await expect(mine.get_by_text("In another order")).to_be_visible()
    await expect(mine.get_by_role("img", name="Noon leads now")).to_be_visible()
    await expect(ada.button("Comments are turned off", mine)).to_be_visible()

    await sign_in(bo, "bo", then="/")
    await expect(bo.page.get_by_role("img", name="Noon leads now")).to_be_visible()
    await bo.button("Comments are turned off").first.click()
    await bo.sees("Comments are turned off.")
    await expect(bo.page.get_by_label("Add a comment")).to_have_count(0)
    await bo.page.keyboard.press("Escape")


async def test_a_like_is_taken_back_and_a_reply_counts(
    ada: Visitor, bo: Visitor, neighbours: Neighbourhood
) -> None:
    await bo.open(f"/p/{neighbours.own}")
    like = bo.button("Like")
    await expect(like).to_have_attribute("aria-pressed", "true")
    await like.click()
    await expect(bo.button("1 like")).to_be_visible()
    await like.click()
    await expect(bo.button("2 likes")).to_be_visible()

    await bo.button("Reply").click()
    await bo.sees("Replying to @bo")
    await bo.page.get_by_label("Add a comment").fill("And I mean it.")
    await bo.button("Post").click()
    await bo.sees("And I mean it.")

    await ada.open("/")
    unread = ada.page.get_by_role("link", name=re.compile(r"^Notifications ?, \d+ unread$"))
    await expect(unread).to_be_visible()
    await unread.click()
    await ada.sees("bo")
    await expect(ada.menu("Notifications")).to_have_accessible_name("Notifications")


async def test_new_posts_are_announced_and_move_nothing(
    ada: Visitor, bo: Visitor, neighbours: Neighbourhood, originals: Originals
) -> None:
    page = ada.page
    await page.clock.install()
    await ada.open("/")
    await expect(page.get_by_role("article").first).to_be_visible()
    await page.evaluate("scrollTo(0, 700)")

    await bo.open("/new")
    await bo.page.get_by_label("Photos and videos").set_input_files(paths([originals.dawn]))
    await bo.button("Share").click()
    await expect(bo.page.get_by_role("article", name="Post by bo").first).to_be_visible()
    await expect(bo.page.get_by_role("region", name="Your new post")).to_have_count(0)
    before = await page.evaluate("scrollY")
    pill = ada.button("New posts")
    for _ in range(3):
        await page.clock.run_for(31_000)
        if await pill.count():
            break

    await expect(pill).to_be_visible()
    assert await page.evaluate("scrollY") == before
    await ada.shoot("25-new-posts")
    await pill.click()
    await page.clock.run_for(2_000)
    await expect(page.get_by_role("article").first).to_have_accessible_name("Post by bo")
    await page.clock.resume()


async def test_a_face_is_put_on(ada: Visitor, originals: Originals) -> None:
    await ada.open("/settings/profile")
    await ada.page.get_by_label("Profile picture").set_input_files(originals.dawn)

    await expect(ada.page.locator(".avatar-editor img")).to_be_visible()
    await expect(ada.menu("Profile").locator("img")).to_be_visible()


async def test_a_lost_phone_is_signed_out_from_the_desk(ada: Visitor, bo: Visitor) -> None:
    await bo.open("/settings")
    await bo.button("Sign out").click()
    await expect(bo.link("Sign in")).to_be_visible()
    await sign_in(bo, "ada", then="/saved")
    await bo.sees("Saved posts")
    await ada.open("/settings/sessions")
    await expect(ada.page.get_by_text("This one")).to_be_visible()

    rows = ada.page.locator("main li").filter(has_text="Chrome").filter(has_not_text="This one")
    await ada.button("Sign out", rows).first.click()
    await ada.sees("That session was signed out.")

    async with bo.provoking(401):
        await bo.menu("Notifications").click()
        await expect(bo.page.get_by_role("heading", name="Sign in")).to_be_visible()

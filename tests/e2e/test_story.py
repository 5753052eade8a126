"""Two people and a server of their own, from the first start to a talk about a photo.

The tests are chapters: each goes on where the one before it ended.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.e2e.browser import PASSWORD, Visitor, double_tap, paths, swipe
from tests.e2e.originals import Originals
from tests.trust.server import ServerProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

ALTS = ("Dawn over a quiet land", "Noon over the same land", "Waves coming in", "From a phone")


async def test_the_address_that_the_server_prints_makes_the_first_admin(
    server: ServerProcess, ada: Visitor
) -> None:
    printed = re.search(r"/setup\?token=\S+", server.log())
    assert printed

    await ada.open(printed[0])
    await ada.fill(Handle="ada", Password=PASSWORD)
    await ada.page.get_by_label("E-mail").fill("ada@example.com")
    await ada.shoot("01-setup")
    await ada.button("Start this server").click()

    await ada.sees("Your feed starts here")
    await expect(ada.menu("Profile")).to_be_visible()
    await ada.shoot("02-empty-feed")


async def test_somebody_signs_up_on_a_phone(bo: Visitor) -> None:
    await bo.open("/")
    await bo.shoot("03-welcome")
    await bo.link("Create an account").click()
    await bo.fill(Handle="bo", Password=PASSWORD)
    await bo.page.get_by_label("E-mail").fill("bo@example.com")
    await bo.shoot("04-signup")
    await bo.button("Create account").click()

    await bo.sees("Your feed starts here")


async def test_four_files_of_three_kinds_become_one_post(
    ada: Visitor, originals: Originals
) -> None:
    await ada.menu("New post").click()
    await ada.sees("Choose photos and videos")
    await ada.shoot("05-composer-empty")

    await ada.page.get_by_label("Photos and videos").set_input_files(paths(originals.carousel))
    for number, alt in enumerate(ALTS, start=1):
        await ada.button(re.compile(rf"^Item {number}, ")).click()
        await ada.page.get_by_label("Description for people who cannot see it").fill(alt)
    await ada.page.get_by_label("Caption").fill("A day at the sea #dawn")
    await ada.shoot("06-composer-filled")
    await ada.button("Share").click()

    await expect(ada.page.get_by_role("region", name="Your new post")).to_be_visible()
    await ada.shoot("07-processing")
    post = ada.page.get_by_role("article", name="Post by ada")
    await expect(post).to_be_visible(timeout=90_000)
    await expect(ada.page.get_by_role("region", name="Your new post")).to_have_count(0)
    await expect(post.get_by_role("img", name=ALTS[0])).to_be_visible()
    await ada.shoot("08-feed")


async def test_a_carousel_at_a_desk_moves_by_its_arrows(ada: Visitor) -> None:
    post = ada.page.get_by_role("article", name="Post by ada")

    for alt in (ALTS[1], ALTS[3]):
        await ada.button("Next slide", post).click()
        if alt == ALTS[3]:
            await expect(post.get_by_label(ALTS[2])).to_be_in_viewport(ratio=0.9)
            await ada.button("Next slide", post).click()
        await expect(post.get_by_role("img", name=alt)).to_be_in_viewport(ratio=0.9)

    await expect(ada.button("Next slide", post)).to_have_count(0)


async def test_a_search_finds_her_and_a_follow_brings_her_post(bo: Visitor) -> None:
    await bo.menu("Search").click()
    await bo.page.get_by_role("searchbox").fill("ada")
    await bo.shoot("09-search")
    await bo.button("Follow @ada").click()
    await expect(bo.button("Following @ada. Unfollow")).to_be_visible()

    await bo.menu("Home").click()

    await expect(bo.page.get_by_role("article", name="Post by ada")).to_be_visible()
    await expect(bo.page.get_by_role("img", name=ALTS[0])).to_be_visible()
    await bo.shoot("10-feed")


async def test_a_finger_moves_the_carousel_and_the_video_plays(bo: Visitor) -> None:
    track = bo.page.get_by_role("list", name="4 slides")

    await swipe(track)
    await expect(bo.page.get_by_role("img", name=ALTS[1])).to_be_in_viewport(ratio=0.9)
    await swipe(track)

    video = bo.page.get_by_label(ALTS[2])
    await expect(video).to_be_in_viewport(ratio=0.9)
    await bo.until(
        "video => video.currentTime > 0.3 && video.videoWidth > 0 && !video.paused", video
    )
    await bo.shoot("11-video")
    await swipe(track)
    await expect(bo.page.get_by_role("img", name=ALTS[3])).to_be_in_viewport(ratio=0.9)


async def test_a_double_tap_likes_and_the_talk_begins(bo: Visitor) -> None:
    post = bo.page.get_by_role("article", name="Post by ada")
    await double_tap(bo, post.get_by_role("list", name="4 slides"))
    await expect(bo.button("Like", post)).to_have_attribute("aria-pressed", "true")
    await expect(bo.button("1 like", post)).to_be_visible()
    await bo.button("Save", post).click()
    await expect(bo.button("Save", post)).to_have_attribute("aria-pressed", "true")

    await bo.button("Comment", post).click()
    sheet = bo.page.get_by_role("dialog", name="Comments")
    await sheet.get_by_placeholder("Add a comment…").fill("Where was this?")
    await bo.button("Post", sheet).click()
    await expect(bo.button("Reply", sheet)).to_be_visible()
    await bo.shoot("12-comments")
    await bo.button("Close", sheet).click()

    await expect(bo.button("View 1 comment", post)).to_be_visible()
    await bo.open("/saved")
    await expect(bo.link(re.compile("^Photo by ada"))).to_be_visible()
    await bo.shoot("13-saved")


async def test_she_hears_of_it_and_answers(ada: Visitor) -> None:
    await ada.open("/notifications")
    await ada.sees("commented on your post:")
    await ada.sees("liked your post.")
    await ada.shoot("14-notifications")

    await ada.page.get_by_role("link", name=re.compile("commented on your post")).click()
    await ada.button("Reply").first.click()
    await ada.page.get_by_role("textbox").last.fill("@bo In Normandy.")
    await ada.button("Post").last.click()

    await ada.sees("In Normandy.")
    await ada.shoot("15-answer")


async def test_a_private_account_is_asked_before_it_is_followed(ada: Visitor, bo: Visitor) -> None:
    await ada.open("/settings/privacy")
    await ada.page.get_by_role("switch", name="Private account").click()
    await ada.shoot("16-privacy")
    await bo.open("/@ada")
    await bo.button("Following @ada. Unfollow").click()
    await bo.button("Unfollow", bo.page.get_by_role("dialog")).click()
    await bo.button("Follow @ada").click()
    await expect(bo.button("Requested to follow @ada. Withdraw")).to_be_visible()
    await bo.shoot("17-requested")

    await ada.open("/requests")
    await ada.button("Accept bo").click()
    await expect(ada.button("Accept bo")).to_have_count(0)

    await bo.open("/@ada")
    await expect(bo.link(re.compile("^Photo by ada"))).to_be_visible()
    await bo.shoot("18-profile")


async def test_a_letter_that_pretends_to_be_a_photo_is_refused_in_words(
    bo: Visitor, originals: Originals
) -> None:
    await bo.open("/new")
    refusal = re.compile("not a photo|no photo|can not be read", re.IGNORECASE)

    async with bo.provoking(415):
        await bo.page.get_by_label("Photos and videos").set_input_files(paths([originals.lie]))
        await expect(bo.page.get_by_role("main").get_by_text(refusal).first).to_be_visible()

    await expect(bo.button("Share")).to_be_disabled()
    await expect(bo.button("Replace")).to_be_visible()
    await bo.shoot("19-refused")
    await bo.button("Remove").click()
    await expect(bo.page.get_by_role("main").get_by_text(refusal)).to_have_count(0)


async def test_sessions_are_listed_and_a_new_password_signs_in(ada: Visitor) -> None:
    await ada.open("/settings/sessions")
    await ada.sees("This one")
    await ada.shoot("20-sessions")
    await ada.open("/settings/password")
    await ada.page.get_by_label("Current password", exact=True).fill(PASSWORD)
    await ada.page.get_by_label("New password", exact=True).fill(PASSWORD + " indeed")
    await ada.button("Change password").click()
    await ada.sees("Password changed.")
    await ada.button("Sign out").click()
    await expect(ada.link("Create an account")).to_be_visible()

    await ada.open("/signin")
    await ada.page.get_by_label("Handle or e-mail").fill("ada")
    await ada.page.get_by_label("Password", exact=True).fill(PASSWORD + " indeed")
    await ada.button("Sign in").click()

    await expect(ada.menu("Profile")).to_be_visible()


async def test_a_block_hides_each_from_the_other(ada: Visitor, bo: Visitor) -> None:
    await bo.open("/@ada")
    await bo.button("More about @ada").click()
    await bo.button("Block").last.click()
    await bo.button("Block", bo.page.get_by_role("dialog")).last.click()
    await bo.sees("You blocked this account")
    await bo.shoot("21-blocked")

    async with ada.provoking(404):
        await ada.open("/@bo")
        await ada.page.wait_for_timeout(500)
    await ada.shoot("22-hidden")


async def test_a_deleted_account_leaves_a_visitor_behind(bo: Visitor) -> None:
    await bo.open("/settings/account")
    await bo.button("Delete account…").click()
    await bo.page.get_by_label("Type your handle, bo").fill("bo")
    await bo.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await bo.shoot("23-leaving")
    await bo.button("Delete for good").click()

    await expect(bo.link("Create an account")).to_be_visible()

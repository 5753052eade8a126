"""A reader who is told where nothing new is left, hides what was seen, and asks why."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.neighbours import Neighbourhood, sign_in
from tintype.entry.demo.client import Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

_FEED = "/v1/feed?limit=100"
_PLACES = """() => [...document.querySelectorAll('[role=feed] article')].map(
    article => article.dataset.post ?? 'marker')"""


def _sees_all_but_two(address: str) -> list[str]:
    """Ada has looked at her feed before, but for its first two posts; returns the feed."""
    visitor = Client(address)
    token = visitor.call("POST", "/v1/sessions", {"login": "ada", "password": PASSWORD})["token"]
    ada = visitor.as_account(token)
    posts = [post["id"] for post in ada.call("GET", _FEED)["items"]]
    ada.call("POST", "/v1/feed/seen", {"posts": posts[2:]})
    return posts


async def test_a_reader_is_told_where_nothing_new_is_left(
    ada: Visitor, neighbours: Neighbourhood
) -> None:
    assert neighbours.own
    posts = await asyncio.to_thread(_sees_all_but_two, ada.address)
    page = ada.page

    async with page.expect_request("**/v1/feed/seen") as report:
        await sign_in(ada, "ada", then="/")
        await expect(page.locator(f"[data-post='{posts[0]}']")).to_be_visible()
    told = (await report.value).post_data_json
    assert told is not None
    assert posts[0] in told["posts"]
    assert (await page.evaluate(_PLACES))[:4] == [*posts[:2], "marker", posts[2]]

    marker = page.get_by_role("article", name="You’re all caught up")
    await marker.scroll_into_view_if_needed()
    await expect(marker.get_by_text("of the past three days")).to_be_visible()
    await ada.shoot("caught-up")
    assert not await violations(page)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.evaluate("document.documentElement.dir = 'rtl'")
    await marker.scroll_into_view_if_needed()
    await ada.until("document.documentElement.scrollWidth <= 320")
    await ada.shoot("caught-up-narrow")
    await page.evaluate("document.documentElement.dir = 'ltr'")
    await page.set_viewport_size({"width": 1440, "height": 900})

    await ada.button("Hide posts I have seen", marker).click()
    await expect(ada.button("Show posts I have seen")).to_be_visible()
    assert set(await page.evaluate(_PLACES)) <= set(posts[:2])
    await page.reload()
    await expect(ada.button("Show posts I have seen")).to_be_visible()
    await ada.shoot("seen-hidden")
    await ada.button("Show posts I have seen").click()
    await expect(page.locator(f"[data-post='{posts[2]}']")).to_be_attached()

    first = page.locator(f"[data-post='{posts[0]}']")
    await ada.button("More about this post", first).click()
    await ada.button("Why am I seeing this?").click()
    reason = page.get_by_role("dialog", name="Why am I seeing this?")
    await expect(reason.get_by_text("newest first")).to_be_visible()
    await ada.shoot("why")
    assert not await violations(page)
    await page.keyboard.press("Escape")
    await expect(ada.button("More about this post", first)).to_be_focused()

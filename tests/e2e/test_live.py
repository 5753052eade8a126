"""Pages that hear of news without asking for it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.neighbours import Neighbourhood, sign_in
from tintype.codecs.scenes import paint_photo
from tintype.entry.demo.client import Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

_PATIENCE_MS = 60_000
_NEVER_ASKS = "window.setInterval = () => 0;"


async def test_a_page_that_never_asks_hears_of_a_post_and_of_a_like(
    ada: Visitor, neighbours: Neighbourhood
) -> None:
    page = ada.page
    await page.add_init_script(_NEVER_ASKS)
    await sign_in(ada, "ada", then="/")
    await expect(page.get_by_role("article").first).to_be_visible()
    await ada.until("document.querySelector('nav .badge') !== null")
    unread = int(await page.locator("nav .badge").first.inner_text())

    await asyncio.to_thread(_like_and_post_as_cy, ada.address, neighbours.own)

    pill = ada.button("New posts")
    await expect(pill).to_be_visible(timeout=_PATIENCE_MS)
    await ada.until(f"document.querySelector('nav .badge').textContent.trim() === '{unread + 1}'")
    await pill.click()
    await expect(page.get_by_text("Said to all who are here")).to_be_visible(timeout=_PATIENCE_MS)


def _like_and_post_as_cy(address: str, own: str) -> None:
    visitor = Client(address)
    token = visitor.call("POST", "/v1/sessions", {"login": "cy", "password": PASSWORD})["token"]
    cy = visitor.as_account(token)
    comment = cy.call("POST", f"/v1/posts/{own}/comments", {"text": "Again, @ada!"})
    assert comment["id"]
    photo = cy.upload(paint_photo(9, 800, 1000), "image/jpeg")
    slides = [{"upload_id": photo, "alt": "A harbour"}]
    made = cy.call("POST", "/v1/posts", {"caption": "Said to all who are here", "slides": slides})
    cy.wait_for_post(made["post"]["id"])

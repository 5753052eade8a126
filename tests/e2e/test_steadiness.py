"""Nothing that is being read moves by itself: layout shift on the feed and while publishing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import SHOTS, Visitor, paths
from tests.e2e.neighbours import Neighbourhood, sign_in
from tests.e2e.originals import Originals

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="session"),
]

MOST_SHIFT = 0.01
_OBSERVE = """(() => {
  window.shifts = [];
  const name = (node) => node?.outerHTML?.slice(0, 120) ?? node?.textContent ?? 'gone';
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries())
      if (!hadRecentInput)
        window.shifts.push({ value, what: sources.map(({ node }) => name(node)) });
  }).observe({ type: 'layout-shift', buffered: true });
})()"""


async def shifts(page: Page) -> tuple[float, list[Any]]:
    """The sum of all shifts since the page was opened that no input explains, and what moved."""
    found: list[Any] = await page.evaluate("window.shifts")
    return sum(shift["value"] for shift in found), found


def note(what: str, shift: float) -> None:
    """Keep a figure beside the pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with (SHOTS / "layout-shift.txt").open("a") as figures:
        figures.write(f"{what}: {shift:.4f}\n")


@pytest.fixture(params=["ada", "bo"], ids=["desk", "phone"])
def window(request: pytest.FixtureRequest, ada: Visitor, bo: Visitor) -> Visitor:
    return {"ada": ada, "bo": bo}[request.param]


async def test_a_feed_stands_still_while_it_loads_and_scrolls(
    window: Visitor, neighbours: Neighbourhood
) -> None:
    await window.page.add_init_script(_OBSERVE)
    await sign_in(window, "ada", then="/saved")
    await window.open("/")
    await expect(window.page.get_by_role("article").first).to_be_visible()

    for _ in range(8):
        await window.page.mouse.wheel(0, 600)
        await window.page.wait_for_timeout(150)
    await window.sees("That’s everything")

    total, moved = await shifts(window.page)
    note(f"the feed, {window.name}", total)
    assert total <= MOST_SHIFT, moved


async def test_a_post_on_its_way_moves_nothing_when_it_arrives(
    window: Visitor, neighbours: Neighbourhood, originals: Originals
) -> None:
    page = window.page
    await window.open("/new")
    files = [originals.phone, originals.dawn]
    await page.get_by_label("Photos and videos").set_input_files(paths(files))
    await page.get_by_label("Caption").fill("Steady as she goes, all the way to the harbour wall")
    await window.button("Share").click()
    await expect(page.get_by_role("region", name="Your new post")).to_be_visible()

    await expect(page.get_by_role("article", name="Post by ada").first).to_be_visible()
    await expect(page.get_by_role("region", name="Your new post")).to_have_count(0)
    await page.wait_for_timeout(500)

    total, moved = await shifts(page)
    note(f"publishing, {window.name}", total)
    assert total <= MOST_SHIFT, moved

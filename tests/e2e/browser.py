"""People at real browser windows, and everything that goes wrong on their pages."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Playwright,
    expect,
)

PASSWORD = "a long and secret sentence"
SHOTS = Path(__file__).parents[2] / "test-results" / "e2e"
PATIENCE_MS = 20_000
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--font-render-hinting=none", "--force-color-profile=srgb"),
)
_REFUSED = re.compile(r"status of (\d{3})")

Window = Literal["desktop", "mobile"]


async def launch(playwright: Playwright, chromium: str) -> Browser:
    expect.set_options(timeout=PATIENCE_MS)
    return await playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))


@dataclass
class Visitor:
    """One person in one window; ``faults`` holds every error that their pages reported."""

    name: str
    context: BrowserContext
    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.address + path)

    def button(self, name: str | re.Pattern[str], within: Locator | None = None) -> Locator:
        exact = isinstance(name, str)
        return (within or self.page.locator("body")).get_by_role("button", name=name, exact=exact)

    def link(self, name: str | re.Pattern[str]) -> Locator:
        exact = isinstance(name, str)
        return self.page.get_by_role("link", name=name, exact=exact).first

    def menu(self, name: str) -> Locator:
        """An entry of the main navigation, whatever is unread there."""
        menu = self.page.get_by_role("navigation", name="Main")
        return menu.get_by_role("link", name=re.compile(rf"^{name}( ?,|$)"))

    async def fill(self, **fields: str) -> None:
        """Fill fields by their labels; an underscore stands for a space or a hyphen."""
        for label, text in fields.items():
            await self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def until(self, holds: str, on: Locator | None = None) -> None:
        """Wait until a JavaScript expression, or a function of the element, is true.

        Asked again from here: the browser's own waiting evaluates text inside the page, which the
        Content-Security-Policy of Tintype rightly refuses.
        """
        late = time.monotonic() + PATIENCE_MS / 1000
        while not await (on or self.page).evaluate(holds):
            assert time.monotonic() < late, f"never came true: {holds}"
            await asyncio.sleep(0.05)

    async def shoot(self, name: str) -> None:
        """Picture the window in light and in dark."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for scheme in ("dark", "light"):
            await self.page.emulate_media(color_scheme=scheme)
            await self.page.screenshot(
                path=SHOTS / f"{name}-{self.name}-{scheme}.png",
                animations="disabled",
                caret="hide",
            )

    @asynccontextmanager
    async def provoking(self, *statuses: int) -> AsyncIterator[None]:
        """The refusals that the block provokes; the browser reports each as an error."""
        before = len(self.faults)
        yield
        seen = {fault: _REFUSED.search(fault) for fault in self.faults[before:]}
        refused = {fault for fault, hit in seen.items() if hit and int(hit[1]) in statuses}
        assert refused, f"nothing was refused with {statuses}"
        self.faults[before:] = [fault for fault in self.faults[before:] if fault not in refused]


async def arrive(browser: Browser, name: str, window: Window, address: str) -> Visitor:
    """A new person without cookies, at a desk or with a phone."""
    desk = window == "desktop"
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900} if desk else {"width": 390, "height": 844},
        has_touch=not desk,
        is_mobile=not desk,
        locale="en-GB",
        timezone_id="UTC",
        color_scheme="light",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    visitor = Visitor(name, context, page, address)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            visitor.faults.append(f"{message.text} ({message.location.get('url')})")

    def broke(error: Error) -> None:
        visitor.faults.append(f"uncaught: {error.message}")

    page.on("console", said)
    page.on("pageerror", broke)
    return visitor


async def swipe(over: Locator) -> None:
    """Move what is under the finger to the left by its own width, as a flick does."""
    await over.evaluate("track => track.scrollBy({left: track.clientWidth, behavior: 'instant'})")


async def double_tap(visitor: Visitor, target: Locator) -> None:
    box = await target.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    await visitor.page.touchscreen.tap(x, y)
    await visitor.page.touchscreen.tap(x, y)


def paths(files: Iterable[Path]) -> list[str | Path]:
    return [*files]

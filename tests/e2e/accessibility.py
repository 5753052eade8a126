"""What axe-core finds wrong with a page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.async_api import Page

_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_RUN = """async (only) => {
  const options = { runOnly: only, resultTypes: ['violations'] };
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`));
}"""


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


async def violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """Every breach of WCAG 2.2 A and AA that a machine can find, one line an element.

    ``colours_only`` looks at contrast alone: all that another colour scheme can change.
    """
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(_axe())
    everything = {"type": "tag", "values": list(_RULES)}
    colours = {"type": "rule", "values": ["color-contrast"]}
    found: list[str] = await page.evaluate(_RUN, colours if colours_only else everything)
    return found

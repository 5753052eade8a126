from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from tests.cast import World


class _Page(HTMLParser):
    """The ids, the links and the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found.get("href")))


async def test_the_reference_explains_every_route_and_leads_everywhere(world: World) -> None:
    answer = await world.anyone("GET", "/docs")
    document = (await world.anyone("GET", "/openapi.json")).json()

    page = _Page(answer.text)
    operations = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert answer.status_code == 200
    assert operations <= set(page.ids)
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    inner = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids)


_PAGES = Path(__file__).parents[2] / "docs" / "reference" / "problems"


async def test_every_problem_that_the_reference_names_has_a_page(world: World) -> None:
    links = _Page((await world.anyone("GET", "/docs")).text).links
    links += _Page((await world.anyone("GET", "/problems")).text).links

    # Other tests of the same process bring problems of their own, which need no page.
    own = {f"/problems/{each.stem}" for each in _PAGES.glob("*.md")}
    assert len(own) > 50
    for link in sorted(own & set(links)):
        answer = await world.anyone("GET", link)
        assert answer.status_code == 200
        assert "What you can do" in answer.text, link
        assert all(each[:1] == "/" for each in _Page(answer.text).links)


async def test_the_pages_need_no_script_and_nothing_from_elsewhere(world: World) -> None:
    for path in ("/docs", "/problems", "/problems/not-ready"):
        answer = await world.anyone("GET", path)

        page = _Page(answer.text)
        style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
        assert page.elements.isdisjoint({"script", "img", "iframe", "link", "form", "object"})
        assert "style=" not in answer.text


async def test_the_pages_are_not_part_of_the_api(world: World) -> None:
    paths = (await world.anyone("GET", "/openapi.json")).json()["paths"]

    assert not {path for path in paths if path.startswith(("/docs", "/problems"))}


async def test_a_problem_that_nobody_has_is_a_problem_itself(world: World) -> None:
    answer = await world.anyone("GET", "/problems/world-hunger")

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/no-such-route"

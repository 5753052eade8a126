"""Pages lead somewhere: links resolve, and the README's tour exists."""

import re
from pathlib import Path

from tests.house import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_every_link_between_pages_leads_to_a_page_and_a_heading() -> None:
    dead = [
        f"{tree.relative(page)}: {target}"
        for page in _pages()
        for target in _targets(page)
        if not _resolves(page, target)
    ]

    assert not dead


def test_every_page_can_be_reached_from_the_index() -> None:
    start = tree.ROOT / "docs" / "index.md"
    reached = {start}
    waiting = [start]
    while waiting:
        page = waiting.pop()
        for target in _targets(page):
            found = (page.parent / target.partition("#")[0]).resolve()
            found_pages = sorted(found.glob("*.md")) if found.is_dir() else [found]
            fresh = [one for one in found_pages if one.suffix == ".md" and one not in reached]
            reached.update(fresh)
            waiting.extend(one for one in fresh if one.is_file())

    orphans = [tree.relative(page) for page in _pages("docs") if page not in reached]

    assert not orphans


def test_the_files_of_the_readme_tour_exist() -> None:
    readme = (tree.ROOT / "README.md").read_text(encoding="utf-8")
    tour = readme.partition("## Read the code")[2].partition("\n## ")[0]
    stops = re.findall(r"`([\w./-]+)`", tour)

    assert len(stops) >= 5
    assert [stop for stop in stops if not (tree.ROOT / stop).exists()] == []


def _pages(folder: str = ".") -> list[Path]:
    return tree.files_below(folder, suffixes=(".md",))


def _targets(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = LINK.findall(text) + IMAGE.findall(text)
    return [target for target in found if "://" not in target and not target.startswith("mailto:")]


def _resolves(page: Path, target: str) -> bool:
    path, _, fragment = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    if not fragment:
        return True
    headings = HEADING.findall(FENCE.sub("", file.read_text(encoding="utf-8")))
    return fragment in {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.strip().replace(" ", "-")

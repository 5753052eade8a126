"""Decisions are numbered without a gap, complete, and point at files that exist."""

import re
from pathlib import Path

import pytest

from tests.house import tree

FOLDER = tree.ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("*.md"))
PARTS = ("Context", "Decision", "Consequences", "Alternatives considered", "Enforced by")
STATUS = re.compile(r"^- \*\*Status:\*\* (proposed|accepted|superseded by \d{4})$", re.MULTILINE)
ONE_PAGE = 700


def test_decisions_are_numbered_from_one_without_a_gap() -> None:
    numbers = [int(page.name[:4]) for page in PAGES]

    assert numbers == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_all_its_parts_on_one_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {page.name[:4]} ")
    assert re.search(
        r"^- \*\*Status:\*\* (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE
    )
    assert re.search(r"^- \*\*Area:\*\* \w", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [*PARTS, "References"]
    assert len(text.split()) <= ONE_PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_refers_to_files_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    enforced_and_references = text.partition("## Enforced by")[2]
    paths = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:md|toml))`", enforced_and_references)

    assert paths
    assert [path for path in paths if not (tree.ROOT / path).exists()] == []

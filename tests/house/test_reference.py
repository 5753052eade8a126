"""Whatever an operator or a client can meet is documented, and the pages say what the code says."""

import re

import pytest

from tests.house import tree
from tintype.kernel.problem import Problem
from tools.reference import code
from tools.reference.pages import pages

REFERENCE = tree.ROOT / "docs" / "reference"
PROBLEM_PARTS = ["What happened", "What you can do", "Fields"]
ENOUGH_WORDS = 25


def test_writing_the_reference_pages_again_changes_nothing() -> None:
    written = {name: (REFERENCE / name).read_text(encoding="utf-8") for name in pages()}

    stale = [name for name, text in pages().items() if written[name] != text]

    assert not stale, "run `make reference` and read what changed"


def test_every_setting_says_what_it_does() -> None:
    silent = [
        row.variable for _, _, rows in code.settings() for row in rows if not row.meaning.strip()
    ]

    assert not silent


def test_every_section_of_the_settings_says_what_it_is_about() -> None:
    assert [path for path, about, _ in code.settings() if not about] == []


def test_every_route_says_in_a_sentence_what_it_does() -> None:
    silent = [
        f"{route.method} {route.path}"
        for route in code.composed().table
        if not (route.handler.__doc__ or "").strip().partition("\n")[0].endswith(".")
    ]

    assert not silent


def test_every_command_and_its_parameters_say_what_they_do() -> None:
    commands = code.commands()
    silent = [command.name for command in commands if not command.help]
    silent += [
        f"{command.name} {name}"
        for command in commands
        for name, _, meaning in command.parameters
        if not meaning
    ]

    assert commands
    assert not silent


def test_every_event_says_what_happened_and_has_a_wire_name() -> None:
    events = code.event_types()
    silent = [event.__name__ for event in events if not event.__dict__.get("__doc__")]
    nameless = [
        event.__name__
        for event in events
        if not re.fullmatch(r"[a-z]+(_[a-z]+)+", str(event.__struct_config__.tag))
    ]

    assert events
    assert not silent
    assert not nameless


def test_every_problem_has_a_page_and_every_page_a_problem() -> None:
    pages_there = {page.stem for page in (REFERENCE / "problems").glob("*.md")} - {"index"}

    assert pages_there == {problem.slug() for problem in code.problem_types()}


@pytest.mark.parametrize("problem", code.problem_types(), ids=lambda problem: problem.slug())
def test_the_page_of_a_problem_says_what_happened_and_what_to_do(problem: type[Problem]) -> None:
    text = (REFERENCE / "problems" / f"{problem.slug()}.md").read_text(encoding="utf-8")

    assert text.startswith(f"# {problem.title()}\n\n`{problem.slug()}` · {problem.status}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PROBLEM_PARTS
    assert len(text.split()) >= ENOUGH_WORDS


def test_no_two_problems_share_a_slug() -> None:
    slugs = [problem.slug() for problem in code.problem_types()]

    assert len(slugs) == len(set(slugs))

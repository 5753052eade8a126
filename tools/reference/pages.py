"""The pages of docs/reference that the code itself can write, as Markdown."""

import re
import tomllib
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import msgspec

from tintype.kernel.event import wire_name
from tintype.kernel.problem import Problem
from tools.reference import api
from tools.reference.code import (
    Command,
    commands,
    composed,
    event_types,
    problem_types,
    settings,
    type_name,
)
from tools.reference.markdown import table

ROOT = Path(__file__).resolve().parents[2]
_NOTE = "<!-- Written by `make reference` from the code; change the code instead. -->"


def pages() -> dict[str, str]:
    """Every page that is generated, wholly or its head: its name below docs/reference, its text."""
    server = composed()
    return {
        "api.md": _page("API", api.page(server.document)),
        "settings.md": _page("Settings", _settings()),
        "commands.md": _page("Commands", _commands()),
        "events.md": _page("Events", _events()),
        "packages.md": _page("Packages", _packages()),
        "problems/index.md": _page("Problems", _problems()),
        **_problem_pages(),
    }


def _page(title: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _NOTE, *parts]) + "\n"


def _settings() -> Iterable[str]:
    yield (
        "Every setting has a default; Tintype runs with no configuration at all. Values come from "
        "`tintype.toml` in the working directory (or the file that `TINTYPE_CONFIG` names) and "
        "from the environment, which wins. An unknown name refuses to start, with the nearest "
        "known one."
    )
    for section, explanation, rows in settings():
        yield f"## {f'`[{section}]`' if section else 'Top level'}"
        yield explanation
        yield table(
            ["Setting", "Environment", "Default", "Meaning"],
            [[f"`{row.name}`", f"`{row.variable}`", row.default, row.meaning] for row in rows],
        )


def _commands() -> Iterable[str]:
    yield (
        "Run as `tintype …` when installed, or `python -m tintype …` from a clone. Each command "
        "reads the [settings](settings.md) and explains itself with `--help`."
    )
    for command in commands():
        yield f"## `{command.name}`"
        yield command.help
        if command.parameters:
            yield _parameters(command)


def _parameters(command: Command) -> str:
    rows = [[f"`{name}`", default, meaning] for name, default, meaning in command.parameters]
    return table(["Parameter", "Default", "Meaning"], rows)


def _events() -> Iterable[str]:
    yield (
        "Facts that a transaction committed, in the past tense. Delivery is at least once, in "
        "order for each key, and reaches every consumer group. The name in the heading is the "
        "stable name on the wire."
    )
    for event in event_types():
        yield f"## `{wire_name(event)}`"
        yield _prose(event)
        yield f"Published by `{event.__module__.removesuffix('.events')}`."
        yield table(
            ["Field", "Type"],
            [
                [f"`{field.name}`", f"`{type_name(field.type)}`"]
                for field in msgspec.structs.fields(event)
            ],
        )


def _packages() -> Iterable[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("exhaustive"))
    yield (
        "The top level of `tintype/`, from top to bottom. A package may import packages of lower "
        "levels only, and a slice only by its front door and its events. Why, is in "
        "[decision 0002](../decisions/0002-slices-and-contracts.md)."
    )
    levels = [re.findall(r"\b[a-z]+\b", layer) for layer in layers]
    there = [[name for name in names if find_spec(f"tintype.{name}")] for names in levels]
    yield table(
        ["Level", "Package", "What it is"],
        [
            [str(level), f"`{name}`", _first_line(import_module(f"tintype.{name}").__doc__)]
            for level, names in enumerate(reversed([names for names in there if names]))
            for name in names
        ][::-1],
    )


def _problems() -> Iterable[str]:
    yield (
        "Errors are answered as `application/problem+json` (RFC 9457): `type` (the address of a "
        "page below), `title`, `status`, `detail` (this case in a sentence) and `instance` (the "
        "request, for the operator). Some carry more; their pages say so. Decide by `type`, never "
        "by the text."
    )
    rows = [
        [f"[{problem.slug()}]({problem.slug()}.md)", str(problem.status), problem.title()]
        for problem in sorted(problem_types(), key=_by_status)
    ]
    yield table(["Problem", "Status", "Title"], rows)


def _problem_pages() -> dict[str, str]:
    """The page of each problem: its head from the code, the prose below it as somebody wrote it."""
    written = {}
    for problem in problem_types():
        name = f"problems/{problem.slug()}.md"
        page = ROOT / "docs" / "reference" / name
        if page.exists():
            _, first_part, prose = page.read_text(encoding="utf-8").partition("## What happened")
            head = f"# {problem.title()}\n\n`{problem.slug()}` · {problem.status}\n\n"
            written[name] = head + first_part + prose
    return written


def _by_status(problem: type[Problem]) -> tuple[int, str]:
    return problem.status, problem.slug()


def _prose(thing: type) -> str:
    return " ".join((thing.__doc__ or "").split())


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]

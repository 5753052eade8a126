"""What the code says about itself: settings, commands, events, problems, the composed app."""

import asyncio
import importlib
import pkgutil
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import tintype
from tintype.config import PREFIX, section_of
from tintype.kernel.event import Event
from tintype.kernel.problem import Problem


@dataclass(frozen=True)
class Setting:
    """One setting: where it is written, what it is when nobody writes it, what it does."""

    name: str
    variable: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Command:
    """One command with its parameters as (name, default, meaning)."""

    name: str
    help: str
    parameters: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Composed:
    """What only a composed server knows."""

    document: dict[str, Any]
    table: list[Any]


@cache
def import_everything() -> None:
    """Import every module of Tintype, so that subclasses can be listed."""
    for module in pkgutil.walk_packages(tintype.__path__, "tintype."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@cache
def composed() -> Composed:
    """The OpenAPI document and the route table of a server on an empty data folder."""
    from tintype.entry.compose import compose
    from tintype.entry.settings import Settings

    async def look(folder: str) -> Composed:
        server = compose(Settings(data=Path(folder)))
        try:
            return Composed(server.app.openapi(), list(server.app.state.table))
        finally:
            await server.stop()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(look(folder))


def problem_types() -> list[type[Problem]]:
    """Every problem, the families included, by slug."""
    import_everything()
    return sorted(_descendants(Problem), key=lambda problem: problem.slug())


def event_types() -> list[type[Event]]:
    """Every event, by name."""
    import_everything()
    return sorted(_descendants(Event), key=lambda event: (event.__module__, event.__name__))


def settings() -> Iterator[tuple[str, str, list[Setting]]]:
    """Every section of the settings: its path, what it is about, its settings."""
    from tintype.entry.settings import Settings

    yield from _sections(Settings, (), _text(Settings.__doc__))


def commands() -> list[Command]:
    """Every command of the command line, by name."""
    from tintype.entry.cli import app

    return list(_walk(typer.main.get_command(app), ["tintype"]))


def type_name(kind: Any) -> str:
    """A type as a reader writes it: ``int | None``, not ``typing.Optional[int]``."""
    text = kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)


def _descendants(parent: type[Any]) -> list[Any]:
    found: list[Any] = []
    for child in parent.__subclasses__():
        found += [child, *_descendants(child)]
    return list(dict.fromkeys(kind for kind in found if kind.__module__.startswith("tintype.")))


def _sections(
    model: type[BaseModel], path: tuple[str, ...], about: str
) -> Iterator[tuple[str, str, list[Setting]]]:
    inner = {
        name: (section, _text(field.description))
        for name, field in model.model_fields.items()
        if (section := section_of(field.annotation)) is not None
    }
    rows = [
        Setting(
            name=name,
            variable=PREFIX + "__".join((*path, name)).upper(),
            default=_default(field),
            meaning=_text(field.description),
        )
        for name, field in model.model_fields.items()
        if name not in inner
    ]
    yield ".".join(path), about, rows
    for name, (section, explanation) in inner.items():
        yield from _sections(section, (*path, name), explanation)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "depends on the machine"
    if field.is_required():
        return "required"
    if field.default is None:
        return "unset"
    value = str(field.default)
    return f"`{value.lower() if isinstance(field.default, bool) else value}`"


def _walk(command: Any, path: list[str]) -> Iterator[Command]:
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        if getattr(inner, "commands", None):
            yield from _walk(inner, [*path, name])
            continue
        yield Command(
            name=" ".join([*path, name]),
            help=_text(inner.help),
            parameters=tuple(_parameter(one) for one in inner.params if one.name != "help"),
        )


def _parameter(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name
    default = "required" if parameter.required else "unset"
    if parameter.default not in {None, ""}:
        default = f"`{parameter.default}`"
    return names, default, _text(getattr(parameter, "help", ""))


def _text(prose: str | None) -> str:
    return " ".join((prose or "").split())

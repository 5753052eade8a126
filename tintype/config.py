"""The one reader of the environment and of tintype.toml.

Every slice and adapter owns a small frozen settings model; ``tintype.entry.settings`` assembles
them into a tree; this module fills the tree. Names in the environment are ``TINTYPE_`` plus the
path of the field with ``__`` between levels (``TINTYPE_RATE_LIMITS__FACTOR``); the environment wins
over the file. Nothing is configured at import time and an empty configuration runs.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

PREFIX = "TINTYPE_"
CONFIG_VARIABLE = "TINTYPE_CONFIG"
_NOT_SETTINGS = frozenset({"TINTYPE_ENGINES"})
"""Names that belong to the tools beside a clone, and are no business of a server."""
Tree = TypeVar("Tree", bound=BaseModel)


class ConfigError(Exception):
    """The configuration can not be used; the message names each refusal and its fix."""


def load(
    tree: type[Tree],
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Tree:
    """The settings, from the file (``tintype.toml`` unless told otherwise) and the environment.

    Raises:
        ConfigError: unknown key, wrong type, unreadable file or unsafe combination.
    """
    variables = dict(os.environ if environ is None else environ)  # noqa: TID251 - the one reader
    path = file or Path(variables.pop(CONFIG_VARIABLE, "tintype.toml"))
    values = _read_file(path, must_exist=file is not None)
    for name, text in sorted(variables.items()):
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS:
            _put(values, name[len(PREFIX) :].lower().split("__"), text, name)
    try:
        return tree.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(tree, error)) from error


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        if must_exist:
            message = f"{path}: no such file. Write it, or leave TINTYPE_CONFIG unset."
            raise ConfigError(message) from error
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: {error}. Mend the file; docs/reference/settings.md lists every key."
        raise ConfigError(message) from error


def _put(values: dict[str, Any], keys: list[str], text: str, name: str) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            message = f"{name}: {key} is a single value in tintype.toml, not a section."
            raise ConfigError(message)
        values = inner
    values[keys[-1]] = text


def _explain(tree: type[BaseModel], error: ValidationError) -> str:
    lines = []
    for refusal in error.errors():
        where = ".".join(str(part) for part in refusal["loc"])
        variable = PREFIX + "__".join(str(part).upper() for part in refusal["loc"])
        if refusal["type"] == "extra_forbidden":
            hint = _nearest(tree, [str(part) for part in refusal["loc"]])
            lines.append(f"{where or variable} ({variable}): no such setting.{hint}")
        elif where:
            lines.append(f"{where} ({variable}): {refusal['msg']}.")
        else:
            lines.append(refusal["msg"].removeprefix("Value error, "))
    return "\n".join(lines)


def section_of(annotation: Any) -> Any:
    """The model of a section, also of one that may be left out; ``None`` for a single value."""
    kinds = get_args(annotation) or (annotation,)
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return models[0] if models else None


def _nearest(tree: type[BaseModel], path: list[str]) -> str:
    model: Any = tree
    for part in path[:-1]:
        model = section_of(model.model_fields[part].annotation)
    close = get_close_matches(path[-1], list(model.model_fields), n=1)
    return f" Did you mean {close[0]}?" if close else " Remove it."

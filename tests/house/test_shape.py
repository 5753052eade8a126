"""Sizes, names and front doors."""

import ast
import re
from pathlib import Path

from tests.house import tree

CODE_LINES = 500
TEST_LINES = 800
DOOR_LINES = 40
SLICE_FILES = {
    "__init__",
    "model",
    "errors",
    "events",
    "views",
    "store",
    "service",
    "routes",
    "consumers",
}
SOURCE = (".py", ".ts", ".svelte", ".css", ".js")


def test_no_file_outgrows_what_a_person_reads_at_a_sitting() -> None:
    limits = {"tintype": CODE_LINES, "tools": CODE_LINES, "bench": CODE_LINES}
    limits |= {"web/src": CODE_LINES, "tests": TEST_LINES}

    too_long = [
        f"{tree.relative(path)}: {lines} lines, at most {limit}"
        for folder, limit in limits.items()
        for path in tree.files_below(folder, suffixes=SOURCE)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > limit
    ]

    assert not too_long


def test_a_slice_holds_only_files_with_the_nine_known_names() -> None:
    strangers = [
        f"{slice_.name}/{entry.name}"
        for slice_ in tree.slices()
        for entry in slice_.iterdir()
        if (entry.suffix == ".py" and entry.stem not in SLICE_FILES)
        or (entry.is_dir() and entry.name not in {*SLICE_FILES, "__pycache__"})
    ]

    assert not strangers


def test_every_package_has_a_docstring_that_says_what_it_is_for() -> None:
    silent = [
        tree.relative(door)
        for package in tree.packages()
        if ast.get_docstring(tree.parsed(door := package / "__init__.py")) is None
    ]

    assert not silent


def test_front_doors_of_slices_fit_on_forty_lines() -> None:
    too_long = [
        f"{tree.relative(door)}: {lines}"
        for slice_ in tree.slices()
        if (lines := len((door := slice_ / "__init__.py").read_text().splitlines())) > DOOR_LINES
    ]

    assert not too_long


def test_front_doors_list_every_export_once_and_in_order() -> None:
    wrong = [
        f"{tree.relative(door)}: {complaint}"
        for package in tree.packages()
        if (complaint := _complaint_about(door := package / "__init__.py"))
    ]

    assert not wrong


def test_front_doors_only_import_and_do_no_work() -> None:
    passive = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign)

    busy = [
        f"{slice_.name}/__init__.py:{node.lineno}"
        for slice_ in tree.slices()
        for node in tree.parsed(slice_ / "__init__.py").body
        if not isinstance(node, passive)
        or (isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant))
    ]

    assert not busy


def _complaint_about(door: Path) -> str | None:
    body = tree.parsed(door).body
    exported = _exported(body)
    offered = {
        alias.asname or alias.name
        for node in body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    offered |= {
        node.name
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    }
    if exported is None:
        return f"no __all__ for {sorted(offered)}" if offered else None
    if exported != sorted(set(exported), key=_export_order):
        return "__all__ is not sorted"
    if missing := offered - set(exported):
        return f"__all__ leaves out {sorted(missing)}"
    return None


def _exported(body: list[ast.stmt]) -> list[str] | None:
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return list(names)
    return None


def _export_order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Ruff's order for ``__all__``: constants, then classes, then the rest; numbers by value."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    natural = [
        (int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", name) if part
    ]
    return kind, natural

"""What the house tests look at: files, parsed modules, slices."""

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tintype"


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that belongs to the repository, the ones not yet committed included."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listing.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def files_below(*folders: str, suffixes: tuple[str, ...]) -> list[Path]:
    """The repository's files below any of the folders, with one of the suffixes."""
    roots = [ROOT / folder for folder in folders]
    return [
        path
        for path in tracked_files()
        if path.suffix in suffixes and any(path.is_relative_to(root) for root in roots)
    ]


def python_files(*folders: str) -> list[Path]:
    return files_below(*folders, suffixes=(".py",))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def project() -> dict[str, object]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def import_contracts() -> list[dict[str, object]]:
    """The import contracts of pyproject.toml, in their order."""
    tool = project()["tool"]
    assert isinstance(tool, dict)
    contracts = tool["importlinter"]["contracts"]
    assert isinstance(contracts, list)
    return contracts


@cache
def packages() -> tuple[Path, ...]:
    """The top-level packages of Tintype, machinery and slices."""
    return tuple(sorted({path.parent for path in PACKAGE.glob("*/__init__.py")}))


@cache
def slices() -> tuple[Path, ...]:
    """The packages that are the product: all but those that the front-door contract excepts."""
    facade = next(contract for contract in import_contracts() if contract["type"] == "facade")
    machinery = facade["machinery"]
    assert isinstance(machinery, list)
    return tuple(path for path in packages() if path.name not in machinery)

"""Each import contract catches the violation that it is for, and is quiet without one.

The violations are planted in a throw-away copy of the package, all at once; the report of the
contracts is then read for each of them.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree

PLANTED = {
    "Dependencies point down": [
        ("graph/service", "import tintype.feed", "tintype.graph.service -> tintype.feed"),
        ("ports/events", "import tintype.database", "tintype.ports.events -> tintype.database"),
        ("unplaced/__init__", "", "tintype.unplaced"),
    ],
    "Inside a slice, edges depend on the middle": [
        ("accounts/store", "import tintype.accounts.routes", "tintype.accounts.store"),
    ],
    "A slice is entered by its front door": [
        ("feed/service", "import tintype.posts.store", "tintype.feed.service reaches into"),
    ],
    "Only entry knows which adapter is plugged in": [
        ("posts/service", "import tintype.adapters.memory", "tintype.posts.service"),
        ("notifications/service", "import tintype.config", "tintype.notifications.service"),
    ],
    "Adapters do not know each other": [
        ("adapters/disk/__init__", "import tintype.adapters.memory", "tintype.adapters.disk"),
    ],
    "Models, events and the kernel do no I/O": [
        ("posts/model", "import asyncio", "tintype.posts.model -> asyncio"),
        ("posts/events", "import tintype.database", "tintype.posts.events -> tintype.database"),
        ("kernel/ids", "import socket", "tintype.kernel.ids -> socket"),
    ],
    "Use cases do not speak HTTP": [
        ("media/service", "import tintype.http", "tintype.media.service -> tintype.http"),
        ("feed/consumers", "import starlette", "tintype.feed.consumers -> starlette"),
    ],
    "FastAPI and Starlette stay in http, routes and entry": [
        ("database/__init__", "import starlette", "tintype.database -> starlette"),
        ("posts/views", "import fastapi", "tintype.posts.views -> fastapi"),
    ],
    "SQL stays in stores": [
        ("graph/service", "import sqlalchemy", "tintype.graph.service -> sqlalchemy"),
    ],
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What lint-imports says of each contract over the copy with every violation planted."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(tree.PACKAGE, copy / "tintype", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(tree.ROOT / "tools", copy / "tools")
    shutil.copy(tree.ROOT / "pyproject.toml", copy)
    for plants in PLANTED.values():
        for module, line, _ in plants:
            _plant(copy / "tintype", module, line)

    report = _lint(copy)

    broken = report.partition("Broken contracts")[2]
    names = sorted((name for name in PLANTED if f"\n{name}\n" in broken), key=broken.index)
    starts = [broken.index(f"\n{name}\n") for name in names]
    ends = [*starts[1:], len(broken)]
    return {
        name: " ".join(broken[start:end].split())
        for name, start, end in zip(names, starts, ends, strict=True)
    }


def test_every_contract_of_the_project_has_a_planted_violation() -> None:
    assert {contract["name"] for contract in tree.import_contracts()} == PLANTED.keys()


@pytest.mark.parametrize("contract", PLANTED)
def test_a_contract_catches_the_violations_meant_for_it(
    contract: str, sections: dict[str, str]
) -> None:
    for _, _, complaint in PLANTED[contract]:
        assert complaint in sections[contract]


def test_every_contract_holds_over_the_package_as_it_is() -> None:
    report = _lint(tree.ROOT)

    assert ", 0 broken." in report, report


def _plant(package: Path, module: str, line: str) -> None:
    path = package / f"{module}.py"
    if (package / module).is_dir():
        path = package / module / "__init__.py"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def _lint(where: Path) -> str:
    command = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run(
        [command, "--no-cache", "--config", "pyproject.toml"],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "NO_COLOR": "1"},
    )
    return finished.stdout + finished.stderr

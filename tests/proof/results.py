"""What long experiments found, in files beside this one: the page of proof is written from them.

Every row carries when it was taken, of which code and under which load.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("found")
_SIMULATED = ("tintype", "tests/simulation", "tests/model")


@cache
def code_digest(*folders: str) -> str:
    """Eight hex digits that change with any Python file in these folders of the repository.

    Without a folder: of all that a simulated history runs.
    """
    digest = hashlib.sha256()
    for folder in folders or _SIMULATED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def taken() -> dict[str, Any]:
    """When, of which code, and how busy the machine is: its load average of a minute."""
    return {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "code": code_digest("tintype"),
        "load": round(os.getloadavg()[0], 1),
    }


def read(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """The rows of a result file by their names; empty when nothing was ever kept."""
    path = folder / f"{name}.json"
    rows: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return rows


def keep(name: str, row: str, facts: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Put one row into a result file, in place of an older one of the same name."""
    rows = read(name, folder) | {row: dict(facts)}
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{name}.json.new"
    scratch.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    scratch.replace(folder / f"{name}.json")

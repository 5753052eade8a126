"""``make bench``: run every benchmark, print a table, write ``docs/reference/numbers.md``.

``python -m bench n1 n7`` runs some of them and keeps the other rows of the page.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "numbers.md"
RESULTS = HERE / "results.json"

_HEAD = """# Numbers

What Tintype promises about speed and size, measured. Machines differ, so most figures are ratios
against a limit or a peer that ran in the same minute on the same machine. Run them yourself:

```sh
make bench                      # all of them
.venv/bin/python -m bench n1    # one of them
```

A bar that is missed stands here as missed, with the reason. What a whole server carries at which
rate, with plots, is in [Load](load/index.md).

| # | Figure | Measured | Bar | Met | When | Commit |
|---|---|---|---|---|---|---|
"""


def benchmarks() -> dict[str, Path]:
    """Every ``bench/nN_name.py``, by its short name."""
    found = {path.stem.split("_")[0]: path for path in HERE.glob("n[0-9]*_*.py")}
    return dict(sorted(found.items(), key=lambda each: int(each[0][1:])))


def measure(path: Path) -> list[dict[str, Any]]:
    """The JSON lines that one benchmark prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{path.stem}"],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode and not lines:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
        raise SystemExit(f"{path.stem} ended with status {done.returncode}")
    return [json.loads(line) for line in lines]


def machine() -> str:
    """Processor, cores, memory and versions, in one line."""
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", facts)
    cores = len(re.findall(r"^processor", facts, re.MULTILINE)) or "?"
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    gigabytes = round(int(memory[1]) / 2**20) if memory else "?"
    name = model[1] if model else platform.processor()
    return f"{name}, {cores} cores, {gigabytes} GB, Python {platform.python_version()}"


def commit() -> str:
    """The commit that is measured, marked when the tree differs from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10"],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"


def write_page(results: dict[str, Any]) -> None:
    """The page, one row a figure."""
    rows = []
    for key in sorted(results, key=lambda name: (int(re.sub(r"\D.*", "", name[1:])), name)):
        row = results[key]
        met = "yes" if row["ok"] else "**no**"
        rows.append(
            f"| {row['n']} | {row['figure']} | {row['measured']} | {row['bar']} | {met} "
            f"| {row['when']} | `{row['commit']}` |"
        )
    notes = [f"- **{row['n']}**: {row['note']}" for row in results.values() if row.get("note")]
    text = _HEAD + "\n".join(rows) + f"\n\nMachine: {machine()}. It is shared and noisy.\n"
    if notes:
        text += "\n## Notes\n\n" + "\n".join(notes) + "\n"
    PAGE.write_text(text)


def main() -> int:
    """Run what was asked for; the status is 1 when a bar was missed."""
    known = benchmarks()
    chosen = [name.lower() for name in sys.argv[1:]] or list(known)
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    missed = 0
    for name in chosen:
        print(f"{name} …", flush=True)
        for place, row in enumerate(measure(known[name])):
            row |= {"when": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit()}
            results[name if place == 0 else f"{name}.{place}"] = row
            missed += not row["ok"]
            print(f"  {row['figure']}: {row['measured']} (bar {row['bar']})", flush=True)
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    write_page(results)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

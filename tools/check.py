"""``make check``: format, lint, types, import contracts, quick tests; each step says its time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STATIC = (
    ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    ("types", [str(BIN / "mypy")]),
    ("contracts", [str(BIN / "lint-imports"), "--no-logo"]),
)
QUICK = (
    (
        "tests",
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "not slow"),
            *("tests/unit", "tests/contract", "tests/simulation", "tests/house"),
        ],
    ),
)


def main() -> int:
    """Run every step, stop at the first that fails; returns its exit status."""
    steps = STATIC if "--static" in sys.argv else STATIC + QUICK
    for name, command in steps:
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        print(f"{name:<10} {time.monotonic() - started:5.1f} s", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n")
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())

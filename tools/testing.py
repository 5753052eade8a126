"""``make test``: every test once, and the few that a busy machine can spoil a second time.

On a shared machine a browser, a server or an engine may be starved for seconds. When tests of at
most three files failed and none of them is of pure code, these files run once more, alone: whole,
since the chapters of a file may build on each other. If they pass, the run passes, and every test
that had failed is named as flaky: at the end of what is printed, and in ``test-results/flaky.txt``.

pytest loads this module too, as the plugin that writes down what became of the tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
AT_MOST = 3
_NEVER = ("tests/house/", "tests/model/", "tests/simulation/", "tests/unit/")


def main(arguments: Sequence[str], where: Path = ROOT) -> int:
    """Run pytest with these arguments in ``where``; returns the exit status of the run."""
    flaky = where / "test-results" / "flaky.txt"
    flaky.unlink(missing_ok=True)
    status, failed, _ = _run(arguments, where)
    if status != pytest.ExitCode.TESTS_FAILED or not deserve_another(failed):
        return status

    files = _files(failed)
    print(f"\nOnce more, alone: {', '.join(files)}\n", flush=True)
    _, again, passed = _run(["-n0", *files], where)
    if again or not passed.issuperset(failed):
        return pytest.ExitCode.TESTS_FAILED
    flaky.parent.mkdir(exist_ok=True)
    flaky.write_text("".join(f"{test}\n" for test in failed))
    for test in failed:
        print(f"FLAKY, passed the second time: {test}", flush=True)
    return pytest.ExitCode.OK


def deserve_another(failed: Collection[str]) -> bool:
    """Whether these tests are of few files, and none of pure code."""
    return 0 < len(_files(failed)) <= AT_MOST and not any(
        test.startswith(_NEVER) or "::" not in test for test in failed
    )


def _files(tests: Collection[str]) -> list[str]:
    return sorted({test.partition("::")[0] for test in tests})


def _run(arguments: Sequence[str], where: Path) -> tuple[int, list[str], set[str]]:
    """The status, what failed, and what passed."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder, "outcomes.json")
        plugin = ["-p", "tools.testing", "--outcomes", str(outcomes)]
        command = [sys.executable, "-m", "pytest", *plugin, *arguments]
        status = subprocess.run(command, cwd=where, check=False).returncode
        # Without the file, pytest ended before there was a session.
        told = json.loads(outcomes.read_text()) if outcomes.exists() else {}
    return status, told.get("failed", []), {*told.get("passed", [])}


# The plugin


class Outcomes:
    """Writes down which tests failed and which passed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed: dict[str, None] = {}
        self._passed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed[report.nodeid] = None
        elif report.passed and report.when == "call":
            self._passed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed[report.nodeid] = None

    def pytest_sessionfinish(self) -> None:
        told = {"failed": [*self._failed], "passed": self._passed}
        self._path.write_text(json.dumps(told))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", type=Path, help="write down there what became of the tests")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("outcomes")
    # The processes of xdist tell the one that started them.
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

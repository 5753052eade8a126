"""Who gets a second chance in ``make test``, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.testing import deserve_another, main

SPOILS = """
import pathlib, pytest

@pytest.mark.engines
def test_is_quick_the_second_time():
    met = pathlib.Path(__file__).with_suffix(".met")
    seen = met.exists()
    met.touch()
    assert seen
"""
FAILS = """
def test_is_wrong():
    assert False
"""
SETTINGS = """
[pytest]
markers = engines
addopts = -p no:cacheprovider -p xdist.plugin
"""
FILE = "tests/scenario/test_fleet.py"


def project(folder: Path, more: str = "") -> Path:
    """A folder with a test that fails when it is run the first time, and more tests if given."""
    path = folder / FILE
    path.parent.mkdir(parents=True)
    path.write_text(SPOILS + more)
    (folder / "pytest.ini").write_text(SETTINGS)
    return folder


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    # Only what is named in SETTINGS: reading the plugins of the others takes seconds.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def test_a_fleet_that_had_a_bad_second_is_run_again_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path)

    status = main(["-n1", "tests"], where)

    spoiled = f"{FILE}::test_is_quick_the_second_time"
    assert status == 0
    assert (where / "test-results" / "flaky.txt").read_text() == f"{spoiled}\n"
    assert capfd.readouterr().out.endswith(f"\nFLAKY, passed the second time: {spoiled}\n")


def test_a_failure_beside_it_that_nothing_excuses_takes_the_second_chance_away(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path)
    (where / "tests" / "unit").mkdir()
    (where / "tests" / "unit" / "test_pure.py").write_text(FAILS)

    assert main(["-n1", "tests"], where) == 1
    assert "Once more" not in capfd.readouterr().out


def test_what_fails_the_second_time_too_fails_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    where = project(tmp_path, FAILS)

    assert main(["-n0", "tests"], where) == 1
    assert "Once more" in capfd.readouterr().out
    assert not (where / "test-results").exists()


def test_a_file_that_can_not_be_read_is_not_excused(tmp_path: Path) -> None:
    where = project(tmp_path)
    (where / "tests" / "test_broken.py").write_text("nothing of that name")

    assert main(["-n1", "tests"], where) != 0


def test_a_run_without_failures_leaves_no_old_list_of_flaky_tests(tmp_path: Path) -> None:
    where = project(tmp_path)
    (where / FILE).with_suffix(".met").touch()
    (where / "test-results").mkdir()
    (where / "test-results" / "flaky.txt").write_text("tests/test_old.py::test_old\n")

    assert main(["-n0", "tests"], where) == 0
    assert not (where / "test-results" / "flaky.txt").exists()


@pytest.mark.parametrize("kind", ["contract", "e2e", "scenario", "store", "trust"])
def test_whatever_waits_for_others_may_be_spoiled(kind: str) -> None:
    assert deserve_another([f"tests/{kind}/test_a.py::test_b"])


@pytest.mark.parametrize("kind", ["house", "model", "simulation", "unit"])
def test_pure_code_is_never_excused(kind: str) -> None:
    assert not deserve_another([f"tests/{kind}/test_a.py::test_b"])


def test_chapters_of_one_file_fail_together() -> None:
    assert deserve_another([f"tests/e2e/test_story.py::test_{each}" for each in range(9)])


def test_four_files_are_no_accident() -> None:
    failed = [f"tests/e2e/test_{each}.py::test_a" for each in range(4)]

    assert not deserve_another(failed)
    assert deserve_another(failed[:3])

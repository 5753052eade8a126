"""The feed and what it stands on hold their invariants in every simulated history.

Replay a failing seed with ``python -m tests.simulation.simulate --replay SEED``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import simulate
from tests.simulation.simulate import KEPT, Failure, failures, first_failure, keep

QUICK = 20
SEEDS = 500
BATCH = 48


def test_a_few_histories_keep_every_invariant() -> None:
    _require_none(range(QUICK))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, SEEDS, BATCH))
def test_every_history_keeps_every_invariant(first: int) -> None:
    _require_none(range(first, min(first + BATCH, SEEDS)))


def _require_none(seeds: range) -> None:
    found = failures(seeds)
    kept = [keep(failure, None) for failure in found]

    assert not found, f"kept in {', '.join(map(str, kept))}"


def test_a_seed_replays_the_same_history() -> None:
    for name in ("late-ids-are-dropped", "rivals-count-the-same-batch"):
        reports: list[str] = []
        first_failure(range(60), name, report=reports.append)

        again: list[str] = []
        first_failure(range(60), name, report=again.append)

        assert reports == again != []


def test_a_failing_seed_is_printed_and_kept_and_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    status = simulate.main(["--replay", "0", "--sabotage", "an-edit-drops-nothing"])

    assert status == 1
    assert "24 a cached version never goes back" in capsys.readouterr().out
    kept = (tmp_path / KEPT / "seed-0.txt").read_text()
    assert "--replay 0 --sabotage an-edit-drops-nothing" in kept


def test_a_history_that_raises_anything_fails_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(seed: int) -> None:
        del seed
        raise ZeroDivisionError

    monkeypatch.setitem(simulate.HISTORIES, "ids", breaks)

    [failure] = failures([3])

    assert isinstance(failure, Failure)
    assert failure.seed == 3
    assert "ZeroDivisionError" in failure.report

"""The feed and what it stands on hold their invariants in every simulated history.

Replay a failing seed with ``python -m tests.simulation.simulate --replay SEED``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulation import simulate
from tests.simulation.record import Record, add_to_corpus, corpus
from tests.simulation.simulate import KEPT, Failure, failures, first_failure, keep

QUICK = 20
SEEDS = 500
BATCH = 48


def test_a_few_histories_keep_every_invariant() -> None:
    _require_none(range(QUICK))


def test_what_failed_once_holds() -> None:
    _require_none(corpus())


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, SEEDS, BATCH))
def test_every_history_keeps_every_invariant(first: int) -> None:
    _require_none(range(first, min(first + BATCH, SEEDS)))


def _require_none(seeds: Sequence[int]) -> None:
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


def test_a_long_run_goes_on_where_it_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "seeds.jsonl"
    arguments = ["--seeds", "24", "--jobs", "1", "--record", str(record)]
    arguments += ["--corpus", str(tmp_path / "corpus.txt")]

    stopped = simulate.main([*arguments, "--minutes", "0"])
    with record.open("a") as file:
        file.write('{"seed": 23, "code"')  # a kill in the middle of a line
    finished = simulate.main([*arguments, "--keep", str(tmp_path)])

    assert (stopped, finished) == (simulate.UNFINISHED, 0)
    assert "24 of 24 seeds are done" in capsys.readouterr().out
    assert [*Record(record).rows()] == [*range(24)]
    assert '"seeds": 24' in (tmp_path / "simulated.json").read_text()


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    for jobs in (1, 2):
        arguments = ["--seeds", "22", "--jobs", str(jobs)]
        arguments += ["--corpus", str(tmp_path / "corpus.txt")]
        simulate.main([*arguments, "--record", str(tmp_path / f"{jobs}.jsonl")])

    alone, together = (Record(tmp_path / f"{jobs}.jsonl").rows() for jobs in (1, 2))

    assert {seed: row["checks"] for seed, row in alone.items()} == {
        seed: row["checks"] for seed, row in together.items()
    }


def test_the_corpus_names_a_seed_once(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"

    for seed in (7, 8, 7):
        add_to_corpus(seed, "1 sound", path)

    assert corpus(path) == [7, 8]

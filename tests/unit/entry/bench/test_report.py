"""The page of a load test, from results that are written down here."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from tintype.entry.bench.figures import (
    Histogram,
    Lag,
    Latency,
    Machine,
    Results,
    Step,
    Stratum,
    Usage,
    read_results,
)
from tintype.entry.bench.plots import PlotsMissing
from tintype.entry.bench.report import write_report


def _latency(*milliseconds: float) -> Latency:
    histogram = Histogram()
    for each in milliseconds:
        histogram.add(each / 1000)
    return Latency.of(histogram, whole=True)


def _step(rate: float, p99: float, **changed: object) -> Step:
    told = {
        "rate": float(rate),
        "seconds": 2.0,
        "asked": int(rate * 2),
        "answered": int(rate * 2),
        "latency": {"feed": _latency(1, 2, p99), "like": _latency(5)},
        "failures": {},
        "late": _latency(0.5),
        "waited": 0,
        "client_cpu": 0.1,
        "usage": [Usage(name="api", cpu_s=rate / 1000, memory_mb=200.0)],
        "load": 1.5,
        "held": p99 < 500,
    }
    return msgspec.convert(told | changed, Step)


def _results(label: str = "embedded", accounts: int = 1_000, **changed: object) -> Results:
    told = {
        "label": label,
        "when": "2026-11-21 22:00 UTC",
        "version": "0.1.0",
        "commit": "abc",
        "command": "tintype bench run",
        "machine": Machine(
            processor="a processor", cores=2, memory_gb=24.0, python="3.11", load_before=0.2
        ),
        "world": {
            "accounts": str(accounts),
            "follows": "9",
            "posts": "8",
            "source": "seed 1",
            "celebrity": "7",
        },
        "accounts": accounts,
        "servers": 1,
        "late_ms": 500.0,
        "viewers": 4,
        "complete": True,
        "steps": [_step(100, 20), _step(200, 900)],
        "strata": [
            Stratum(
                name=str(count),
                viewers=2,
                followees=float(count),
                first=_latency(10, 20),
                pages=_step(50, 9),
            )
            for count in (10, 250)
        ],
        "lag": Lag(
            posts=2,
            deliveries=_latency(20, 30, 40),
            missing=1,
            poll_ms=20.0,
            within_s=30.0,
            beside=50.0,
        ),
    }
    return msgspec.convert(told | changed, Results)


def test_the_page_tells_what_held_what_was_lost_and_where_it_was_measured(tmp_path: Path) -> None:
    page = write_report([_results()], tmp_path).read_text()

    assert "**100 requests a second held**" in page
    assert "| 200 | 200 | 2.0 ms | " in page
    assert "| 500 µs |" in page
    assert "1 did not arrive within 30 s" in page
    assert "a processor, 2 cores, 24 GB" in page
    assert "1,000 accounts, 9 follows, 8 posts (seed 1)" in page
    assert "Others used the processors" not in page
    assert "interrupted" not in page


def test_a_busy_machine_a_late_client_and_an_interruption_are_told(tmp_path: Path) -> None:
    machine = Machine(processor="p", cores=2, memory_gb=24.0, python="3.11", load_before=7.0)
    late = _step(100, 20, late=_latency(50), failures={"503": 3}, held=False)

    page = write_report(
        [_results(machine=machine, complete=False, steps=[late], lag=None)], tmp_path
    ).read_text()

    assert "Others used the processors at the same time" in page
    assert "The run was interrupted" in page
    assert "| 3 × 503 |" in page
    assert "| **50." in page
    assert "No rate held" in page


def test_the_same_results_make_the_same_files(tmp_path: Path) -> None:
    write_report([_results()], tmp_path / "one")
    again = read_results(tmp_path / "one" / "embedded.json")
    write_report([again], tmp_path / "two")

    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_worlds_of_several_sizes_and_several_processes_make_scaling_lines(tmp_path: Path) -> None:
    runs = [_results("one"), _results("two", 50_000, servers=2)]

    page = write_report(runs, tmp_path).read_text()

    for plot in ("by-followees", "by-accounts", "by-processes"):
        assert f"({plot}.svg)" in page
        assert (tmp_path / f"{plot}.svg").read_text().startswith("<svg")


def test_two_runs_of_one_label_and_runs_without_an_answer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same label"):
        write_report([_results(), _results()], tmp_path)
    with pytest.raises(ValueError, match="no feed was answered"):
        write_report([_results(steps=[_step(9, 9, latency={})])], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_that_draws_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(PlotsMissing, match=r"requirements/bench\.txt"):
        write_report([_results()], tmp_path)
    assert list(tmp_path.iterdir()) == []

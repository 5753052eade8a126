"""Run simulated histories: ``make simulate``, or ``python -m tests.simulation.simulate``.

``--seeds 10000`` runs so many, on all cores. A failing seed is printed, kept under
``test-results/simulation/`` and in the corpus that every run of the tests replays, and replays
exactly with ``--replay SEED``. ``--record FILE`` notes every seed as it is done; a run with the
same file goes on where the last one was stopped, by ``--minutes`` or otherwise. ``--sabotage
NAME`` plants a bug that some invariant must catch.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.delivery import delivery_history
from tests.simulation.drills import ids_history, shelf_history
from tests.simulation.feed_history import feed_history
from tests.simulation.invariants import ALL, CHECKED, Violation
from tests.simulation.ledger import ledger_history
from tests.simulation.record import CORPUS, Record, add_to_corpus
from tests.simulation.sabotage_below import SABOTAGES

KEPT = Path("test-results", "simulation")
AT_ONCE = 20
ENOUGH = 10
"""Failing seeds after which a run stops."""
TELL_S = 30.0
"""How often a run that nobody watches says how far it is."""
UNFINISHED = 75

HISTORIES: dict[str, Callable[[int], None]] = {
    "feed": feed_history,
    "ledger": ledger_history,
    "delivery": delivery_history,
    "ids": ids_history,
    "shelf": shelf_history,
}


class Failure(NamedTuple):
    """A seed that broke something, and what it broke."""

    seed: int
    report: str
    invariant: str = "code"
    """``code``: no invariant, the code itself raised something."""


class Ran(NamedTuple):
    """A seed that was run: how long that took, what was checked how often, and what broke."""

    seed: int
    took_s: float
    checks: tuple[int, ...]
    """In the order of the invariants."""
    failure: Failure | None


def simulate(seed: int, sabotage: str | None = None) -> None:
    """Run every history of a seed; with a planted bug only the one that could meet it.

    Raises:
        Violation: an invariant broke; the same seed breaks it again.
    """
    if sabotage is None:
        for history in HISTORIES.values():
            history(seed)
        return
    planted = SABOTAGES[sabotage]
    with planted.plant():
        HISTORIES[planted.history](seed)


def first_failure(
    seeds: Sequence[int],
    sabotage: str | None = None,
    invariant: str | None = None,
    report: Callable[[str], None] = print,
) -> Violation | None:
    """Run seeds until one breaks an invariant (or this invariant); tells how to replay it."""
    for seed in seeds:
        try:
            simulate(seed, sabotage)
        except Violation as violation:
            if invariant not in {None, violation.invariant}:
                continue
            report(f"seed {seed}: {violation}")
            report(how_to_replay(seed, sabotage))
            return violation
    return None


def how_to_replay(seed: int, sabotage: str | None = None) -> str:
    planted = f" --sabotage {sabotage}" if sabotage else ""
    return f"replay: python -m tests.simulation.simulate --replay {seed}{planted}"


def failures(seeds: Sequence[int], sabotage: str | None = None) -> list[Failure]:
    """Every failing seed among these, with what it broke: an invariant, or the code itself."""
    return [ran.failure for ran in run_all(seeds, sabotage) if ran.failure is not None]


def run_all(seeds: Sequence[int], sabotage: str | None = None) -> list[Ran]:
    """Run these seeds one after the other, whatever breaks."""
    return [_run(seed, sabotage) for seed in seeds]


def _run(seed: int, sabotage: str | None) -> Ran:
    CHECKED.clear()
    began, failure = time.perf_counter(), None
    try:
        simulate(seed, sabotage)
    except Violation as violation:
        failure = Failure(seed, f"seed {seed}: {violation}", violation.invariant)
    except Exception:  # whatever it is, the seed must be kept
        failure = Failure(seed, f"seed {seed}: {traceback.format_exc()}")
    took_s = time.perf_counter() - began
    return Ran(seed, took_s, tuple(CHECKED[name] for name in ALL), failure)


def keep(failure: Failure, sabotage: str | None, where: Path = KEPT) -> Path:
    """Write down a failing seed, so that it can be replayed when nobody looked."""
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"seed-{failure.seed}.txt"
    path.write_text(f"{failure.report}\n{how_to_replay(failure.seed, sabotage)}\n")
    return path


def run(
    seeds: Sequence[int],
    sabotage: str | None,
    *,
    jobs: int,
    until: float = float("inf"),
    record: Record | None = None,
    corpus: Path | None = None,
) -> list[Failure]:
    """Run seeds on so many processes, with a bar; failing ones are printed and kept.

    No piece is waited for after ``until``, by the monotonic clock.
    """
    pieces = [seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE)]
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"))
    found: list[Failure] = []
    done, told = 0, time.monotonic()
    with Progress(TextColumn("seeds"), *columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("seeds", total=len(seeds), failed="all hold")
        for piece in _done(pieces, sabotage, jobs):
            failed = [ran.failure for ran in piece if ran.failure is not None]
            for failure in failed:
                bar.console.print(failure.report, how_to_replay(failure.seed, sabotage), sep="\n")
                bar.console.print(f"kept: {keep(failure, sabotage)}")
            found += failed
            done += len(piece)
            if record is not None:
                record.note(piece)
            said = f"{len(found)} fail" if found else "all hold"
            bar.update(task, advance=len(piece), failed=said)
            now = time.monotonic()
            if not bar.console.is_terminal and now - told > TELL_S:
                told = now
                own_s = sum(ran.took_s for ran in piece) / len(piece)
                bar.console.print(f"{done} of {len(seeds)}, {own_s:.2f} s a seed: {said}")
            if len(found) >= ENOUGH or now > until:
                break
    # Where nearly every seed fails it is not the seeds that are to be remembered.
    if corpus is not None and len(found) < ENOUGH:
        for failure in found:
            add_to_corpus(failure.seed, failure.invariant, corpus)
    return found


def _done(pieces: Sequence[Sequence[int]], sabotage: str | None, jobs: int) -> Iterator[list[Ran]]:
    """What became of the seeds, piece by piece, as they are done."""
    work = partial(run_all, sabotage=sabotage)
    if jobs == 1:
        yield from map(work, pieces)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        # In any order: a slow piece must not keep the finished ones from being noted.
        yield from pool.imap_unordered(work, pieces)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every invariant held for every seed, 75 when some were left, else 1."""
    asked = _parser().parse_args(arguments)
    record = None if asked.record is None or asked.sabotage else Record(asked.record)
    wanted = range(asked.first, asked.first + asked.seeds)
    if asked.replay is not None:
        wanted = range(asked.replay, asked.replay + 1)
    known = {} if record is None else record.rows()
    seeds = [seed for seed in wanted if seed not in known]
    longer = asked.replay is None and not asked.sabotage
    began = time.monotonic()
    found = run(
        seeds,
        asked.sabotage,
        jobs=asked.jobs if len(seeds) > AT_ONCE else 1,
        until=began + asked.minutes * 60,
        record=record,
        corpus=asked.corpus if longer else None,
    )
    took = time.monotonic() - began
    print(f"{len(seeds)} seeds in {took:.1f} s: {f'{len(found)} fail' if found else 'all hold'}")
    if record is None:
        return 1 if found else 0
    summary = record.summary(wanted)
    print(summary.text())
    if asked.keep is not None:
        summary.keep(asked.keep)
    if summary.failed:
        return 1
    return UNFINISHED if summary.seeds < len(wanted) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run only this one")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="plant a bug")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--record", type=Path, help="note every seed here, and skip what is noted")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where failed seeds are kept")
    parser.add_argument("--keep", type=Path, help="the folder of results for the page of proof")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Run simulated histories: ``make simulate``, or ``python -m tests.simulation.simulate``.

``--seeds 10000`` runs so many, on all cores. A failing seed is printed, kept under
``test-results/simulation/`` and replays exactly with ``--replay SEED``. ``--sabotage NAME`` plants
a bug that some invariant must catch.
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

from tests.simulation.drills import delivery_history, ids_history, shelf_history
from tests.simulation.feed_history import feed_history
from tests.simulation.invariants import Violation
from tests.simulation.ledger import ledger_history
from tests.simulation.sabotage_below import SABOTAGES

KEPT = Path("test-results", "simulation")
AT_ONCE = 20
ENOUGH = 10
"""Failing seeds after which a run stops."""

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
    found = []
    for seed in seeds:
        try:
            simulate(seed, sabotage)
        except Violation as violation:
            found.append(Failure(seed, f"seed {seed}: {violation}"))
        except Exception:  # whatever it is, the seed must be kept
            found.append(Failure(seed, f"seed {seed}: {traceback.format_exc()}"))
    return found


def keep(failure: Failure, sabotage: str | None, where: Path = KEPT) -> Path:
    """Write down a failing seed, so that it can be replayed when nobody looked."""
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"seed-{failure.seed}.txt"
    path.write_text(f"{failure.report}\n{how_to_replay(failure.seed, sabotage)}\n")
    return path


def run(seeds: range, sabotage: str | None, *, jobs: int, where: Path = KEPT) -> list[Failure]:
    """Run seeds on so many processes, with a bar; failing ones are printed and kept."""
    pieces = [seeds[at : at + AT_ONCE] for at in range(0, len(seeds), AT_ONCE)]
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"))
    found: list[Failure] = []
    with Progress(TextColumn("seeds"), *columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("seeds", total=len(seeds), failed="all hold")
        for piece, failed in _done(pieces, sabotage, jobs):
            for failure in failed:
                bar.console.print(failure.report, how_to_replay(failure.seed, sabotage), sep="\n")
                bar.console.print(f"kept: {keep(failure, sabotage, where)}")
            found += failed
            bar.update(task, advance=piece, failed=f"{len(found)} fail" if found else "all hold")
            if len(found) >= ENOUGH:
                break
    return found


def _done(
    pieces: Sequence[range], sabotage: str | None, jobs: int
) -> Iterator[tuple[int, list[Failure]]]:
    """How many seeds are through, and which of them failed, piece by piece."""
    work = partial(failures, sabotage=sabotage)
    if jobs == 1:
        yield from ((len(piece), work(piece)) for piece in pieces)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for piece, failed in zip(pieces, pool.imap(work, pieces), strict=True):
            yield len(piece), failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when every invariant held for every seed, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run only this one")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="plant a bug")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    asked = parser.parse_args(arguments)
    seeds = range(asked.first, asked.first + asked.seeds)
    if asked.replay is not None:
        seeds = range(asked.replay, asked.replay + 1)
    began = time.perf_counter()
    found = run(seeds, asked.sabotage, jobs=asked.jobs if len(seeds) > AT_ONCE else 1)
    took = time.perf_counter() - began
    print(f"{len(seeds)} seeds in {took:.1f} s: {f'{len(found)} fail' if found else 'all hold'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run simulated histories of the feed: ``python -m tests.simulation.simulate --seeds 200``.

A failing seed is printed and replays exactly: ``--seed 17``. ``--sabotage NAME`` plants a bug that
some invariant must catch.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

from tests.simulation.feed_history import feed_history
from tests.simulation.invariants import Violation
from tests.simulation.sabotage import SABOTAGES


def simulate(seed: int, sabotage: str | None = None) -> None:
    with nullcontext() if sabotage is None else SABOTAGES[sabotage].plant():
        feed_history(seed)


def first_failure(
    seeds: range,
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
            planted = f" --sabotage {sabotage}" if sabotage else ""
            report(f"seed {seed}: {violation}")
            report(f"replay: python -m tests.simulation.simulate --seed {seed}{planted}")
            return violation
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run from 0 on")
    parser.add_argument("--seed", type=int, help="run only this one")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="plant a bug")
    asked = parser.parse_args()
    seeds = range(asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    began = time.perf_counter()
    failure = first_failure(seeds, asked.sabotage)
    print(f"{len(seeds)} seeds in {time.perf_counter() - began:.1f} s: {failure or 'all hold'}")
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())

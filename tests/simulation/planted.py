"""Plant every bug, and note which invariant caught it: ``python -m tests.simulation.planted``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.proof import results
from tests.simulation.sabotage_below import SABOTAGES
from tests.simulation.simulate import run_all

SEEDS = 100


def catch(name: str, seeds: Sequence[int] = range(SEEDS)) -> dict[str, Any]:
    """Which invariant catches a planted bug first, and from which seed on its own one does."""
    planted = SABOTAGES[name]
    facts: dict[str, Any] = {"invariant": planted.invariant, "first": None, "seed": None}
    for seed in seeds:
        [ran] = run_all([seed], name)
        if ran.failure is None:
            continue
        facts["first"] = facts["first"] or ran.failure.invariant
        if ran.failure.invariant == planted.invariant:
            facts["seed"] = seed
            break
    return facts


def main() -> int:
    """Returns 0 when every bug was caught by its own invariant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=results.RESULTS, help="a folder of results")
    folder = parser.parse_args().keep
    missed = []
    for name in sorted(SABOTAGES):
        facts = catch(name)
        print(f"{name}: {facts['first']}; its own one at seed {facts['seed']}", flush=True)
        code = {"code": results.code_digest()}
        results.keep("planted", name, facts | results.taken() | code, folder)
        if facts["seed"] is None:
            missed.append(name)
    print(f"{len(SABOTAGES)} bugs, not caught: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""What became of every seed of a long run, line by line, and the corpus of seeds that ever failed.

A line counts for the code that it was taken of: a run with changed code begins anew.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.proof import results
from tests.simulation.invariants import ALL

if TYPE_CHECKING:
    from tests.simulation.simulate import Ran

CORPUS = Path(__file__).with_name("corpus.txt")


def corpus(path: Path = CORPUS) -> list[int]:
    """The seeds that failed once, each the first word of a line."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def add_to_corpus(seed: int, broken: str, path: Path = CORPUS) -> None:
    """Remember a seed that broke something; once."""
    if seed not in corpus(path):
        with path.open("a") as file:
            file.write(f"{seed} {broken}\n")


class Record:
    """A file with a line for every seed that was run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._code = results.code_digest()

    def note(self, piece: Iterable[Ran]) -> None:
        """Write down what became of these; it is in the file when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            json.dumps(
                {
                    "seed": ran.seed,
                    "code": self._code,
                    "took_s": round(ran.took_s, 3),
                    "checks": ran.checks,
                    "broken": None if ran.failure is None else ran.failure.invariant,
                }
            )
            for ran in piece
        ]
        with self.path.open("a") as file:
            # The line before may have been cut in two.
            file.write("".join(f"\n{line}" for line in lines) + "\n")

    def rows(self) -> dict[int, dict[str, Any]]:
        """What is noted of this code; a line that a kill cut in two is passed over."""
        found: dict[int, dict[str, Any]] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # empty, or cut
            if row["code"] == self._code:
                found[row["seed"]] = row
        return found

    def summary(self, seeds: Sequence[int]) -> Summary:
        """What is known of these seeds."""
        rows = [row for seed, row in self.rows().items() if seed in seeds]
        return Summary(
            seeds=len(rows),
            wanted=len(seeds),
            took_s=[row["took_s"] for row in rows],
            checks=[sum(column) for column in zip(*(row["checks"] for row in rows), strict=True)],
            failed={row["seed"]: row["broken"] for row in rows if row["broken"] is not None},
        )


class Summary(NamedTuple):
    """What many seeds together say."""

    seeds: int
    wanted: int
    took_s: list[float]
    checks: list[int]
    failed: dict[int, str]

    def text(self) -> str:
        if not self.seeds:
            return "no seed was run"
        typical, slowest = statistics.median(self.took_s), max(self.took_s)
        broken = ", ".join(map(str, sorted(self.failed))) or "none"
        return (
            f"{self.seeds} of {self.wanted} seeds are done, {typical:.2f} s each and "
            f"{slowest:.2f} s at most, {sum(self.checks)} checks; failed: {broken}"
        )

    def keep(self, folder: Path) -> None:
        """Put it into the results that the page of proof is written from."""
        if not self.seeds:
            return
        facts = {
            "seeds": self.seeds,
            "wanted": self.wanted,
            "median_s": round(statistics.median(self.took_s), 3),
            "slowest_s": round(max(self.took_s), 3),
            "failed": {str(seed): self.failed[seed] for seed in sorted(self.failed)},
            "checks": dict(zip(ALL, self.checks, strict=True)),
        }
        code = {"code": results.code_digest()}
        results.keep("simulated", "simulator", facts | results.taken() | code, folder)

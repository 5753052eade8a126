"""Sorting more numbers than memory should hold: sorted runs in files, merged in batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
_RUN = 4_000_000


def distinct(numbers: Numbers) -> Numbers:
    """Each number once, rising. NumPy's own hashes them, which takes twenty times as long."""
    ordered = np.sort(numbers)
    fresh = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return np.asarray(ordered[fresh])


class Sorted:
    """Takes 64-bit numbers in any order and gives each of them once, in rising order.

    Memory is bounded by ``run`` numbers, whatever their count; the rest is in files of ``folder``,
    which has to exist and belongs to this object alone.
    """

    def __init__(self, folder: Path, *, run: int = _RUN) -> None:
        self.folder, self._run = folder, run
        self._held: list[Numbers] = []
        self._waiting = 0
        self._runs: list[Any] = []
        self.taken = 0
        """How many numbers were added, those that came twice counted twice."""

    def add(self, numbers: Numbers) -> None:
        self.taken += numbers.size
        self._held.append(numbers)
        self._waiting += numbers.size
        if self._waiting >= self._run:
            self._spill()

    def batches(self, size: int = _RUN) -> Iterator[Numbers]:
        """All distinct numbers, about ``size`` at a time, rising within and between batches.

        May be called again: what was added stays.
        """
        self._spill()
        places = [0] * len(self._runs)
        step = max(size // max(len(self._runs), 1), 1)
        while True:
            ahead = [
                int(run[min(place + step, run.size) - 1])
                for run, place in zip(self._runs, places, strict=True)
                if place < run.size
            ]
            if not ahead:
                return
            # Up to here every run has been looked at.
            bound = min(ahead)
            pieces = []
            for index, run in enumerate(self._runs):
                window = run[places[index] : places[index] + step]
                found = int(np.searchsorted(window, bound, side="right"))
                pieces.append(window[:found])
                places[index] += found
            yield distinct(np.concatenate(pieces))

    def _spill(self) -> None:
        if not self._waiting:
            return
        numbers = distinct(np.concatenate(self._held))
        self._held, self._waiting = [], 0
        path = self.folder / f"run-{len(self._runs)}.npy"
        np.save(path, numbers)
        self._runs.append(np.load(path, mmap_mode="r"))

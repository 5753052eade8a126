"""How long whoever comes now will wait for their turn, where one thing is done at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

_MEMORY = 64


class Turns:
    """Tell it of everybody who waits, and when the turn of one of them begins.

    What one of them takes is the mean of the last 64 or so, from turn to turn while somebody waits.
    One that took longer than ``longest_s`` held up everybody, once, and says little about the next.
    """

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.waiting = 0
        self.each_s = 0.0
        self._longest_s = longest_s
        self._clock = clock
        self._began = 0.0
        self._busy = False

    @property
    def expected_s(self) -> float:
        """How long who comes now will wait, as far as can be told."""
        return self.waiting * self.each_s

    def came(self) -> None:
        """Somebody waits."""
        self.waiting += 1

    def began(self) -> None:
        """The turn of one who waited begins, or they wait no more."""
        self.waiting -= 1
        now = self._clock()
        if self._busy:
            step = min(now - self._began, self._longest_s)
            self.each_s += (step - self.each_s) / _MEMORY
        self._began = now
        self._busy = self.waiting > 0

"""Measuring how quickly fan-out goes."""

from __future__ import annotations

from tintype.feed.model import Sample


class Pacing:
    """What was measured since it was last taken."""

    def __init__(self) -> None:
        self.sample = Sample()

    def note(self, pushes: int, found: int, seconds: float) -> None:
        """So many pushes took so long, reading and noting included; so many found a timeline."""
        before = self.sample
        self.sample = Sample(before.pushes + pushes, before.found + found, before.seconds + seconds)

    def take(self) -> Sample:
        """What was measured; from now on anew."""
        taken, self.sample = self.sample, Sample()
        return taken

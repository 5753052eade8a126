"""One part of a fleet: an engine or a role, that is started, watched and started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_STEADY_S = 60.0


class Server(Protocol):
    """What every launcher can do."""

    def start(self) -> None:
        """Start on what the folder holds, and return when it serves."""

    def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """End it at once."""


@dataclass
class Part:
    """A server with its name, and when to start it again.

    ``stage`` orders the stopping: the highest ends first, those of one stage together. ``log`` is
    shown on the terminal, if there is one. ``address`` is for people.
    """

    name: str
    server: Server
    is_running: Callable[[], bool]
    stage: int
    address: str = ""
    log: Path | None = None
    deaths: int = 0
    planned: bool = False
    """Whether it is dead and its next start is planned."""
    _started: float = field(default=0.0, repr=False)
    _next_start: float = field(default=0.0, repr=False)

    def start(self) -> float:
        """Start it; returns the seconds that it took."""
        began = time.monotonic()
        # Set before: a start that fails is a death like any other.
        self.planned = False
        self.server.start()
        self._started = time.monotonic()
        return self._started - began

    def note_death(self, now: float) -> float:
        """Plan the next start: the more often it died lately, the later. Returns the wait in s."""
        if now - self._started > _STEADY_S:
            self.deaths = 0
        wait: float = min(_FIRST_WAIT_S * 2**self.deaths, _LONGEST_WAIT_S)
        self.deaths += 1
        self.planned = True
        self._next_start = now + wait
        return wait

    def is_due(self, now: float) -> bool:
        """Whether the planned start is to happen now."""
        return self.planned and now >= self._next_start

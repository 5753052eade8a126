"""A deterministic scheduler: one seed, one interleaving.

Tasks are plain coroutines. Wherever real code would wait for a store, the simulated one awaits
``step()``; the scheduler then picks who runs next. No event loop, no threads, no real time.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Generator
from datetime import UTC, datetime
from typing import Any

Task = Coroutine[Any, Any, None]

_START_MS = 1_767_225_600_000


class _Step:
    def __await__(self) -> Generator[None, None, None]:
        yield


_STEP = _Step()


async def step() -> None:
    """Between any two effects anything else may happen."""
    await _STEP


class VirtualClock:
    """A clock that the scheduler moves. Costs less than one that counts in dates."""

    def __init__(self) -> None:
        self.ms = float(_START_MS)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def now_ms(self) -> int:
        return int(self.ms)

    def time(self) -> float:
        """Seconds, as an event loop tells them."""
        return self.ms / 1000

    def advance(self, seconds: float) -> None:
        self.ms += seconds * 1000


class SkewedClock:
    """The clock of one host: ahead or behind, and set right or wrong at any time."""

    def __init__(self, true: VirtualClock, skew_ms: int = 0) -> None:
        self._true = true
        self.skew_ms = skew_ms

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def now_ms(self) -> int:
        return int(self._true.ms) + self.skew_ms


class Scheduler:
    """Runs tasks in an order drawn from one random source, on a virtual clock."""

    def __init__(self, dice: random.Random, clock: VirtualClock) -> None:
        self.dice = dice
        self.clock = clock
        self.steps = 0
        self._tasks: list[tuple[Task, object]] = []
        self._steady: Task | None = None
        self._favour = dice.random() * 0.6

    def spawn(self, task: Task, owner: object = None) -> None:
        """Run a task until it ends, or until its owner dies."""
        self._tasks.append((task, owner))

    def favour(self, task: Task) -> None:
        """Run this one, which never ends, beside all others, more often or less by the seed."""
        self._steady = task

    def dismiss(self) -> None:
        """End the steady task wherever it is."""
        if self._steady is not None:
            self._steady.close()
            self._steady = None

    def __len__(self) -> int:
        return len(self._tasks)

    def run_one(self) -> None:
        """Let one task go on to its next effect."""
        self.steps += 1
        dice = self.dice.random
        self.clock.ms += dice() * 20
        if self._steady is not None and dice() < self._favour:
            self._steady.send(None)
            return
        tasks = self._tasks
        if not tasks:
            return
        at = int(dice() * len(tasks))
        try:
            tasks[at][0].send(None)
        except StopIteration:
            tasks[at] = tasks[-1]
            del tasks[-1]

    def drain(self, most: int = 100_000) -> None:
        """Run until nobody is waiting."""
        while self._tasks:
            self.run_one()
            most -= 1
            if not most:
                message = "the tasks do not end"
                raise RuntimeError(message)

    def kill(self, owner: object) -> None:
        """A process dies: nobody gets to clean up anything that matters."""
        dead = [task for task, whose in self._tasks if whose is owner]
        self._tasks = [pair for pair in self._tasks if pair[1] is not owner]
        for task in dead:
            task.close()

    def kill_all(self) -> None:
        """All of them die."""
        tasks, self._tasks = self._tasks, []
        for task, _ in tasks:
            task.close()
        self.dismiss()


class Silent:
    """A logger that says nothing: accidents are the daily bread here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

"""A deterministic scheduler: one seed, one interleaving.

Tasks are plain coroutines. Wherever real code would wait for a store, the simulated one awaits
``step()``; the scheduler then picks who runs next. No event loop, no threads, no real time.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Generator
from typing import Any

from tintype.kernel.clock import ManualClock

Task = Coroutine[Any, Any, None]


class _Step:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def step() -> None:
    """Between any two effects anything else may happen."""
    await _Step()


class Scheduler:
    """Runs tasks in an order drawn from one random source, on a virtual clock."""

    def __init__(self, dice: random.Random, clock: ManualClock) -> None:
        self.dice = dice
        self.clock = clock
        self.steps = 0
        self._tasks: list[Task] = []
        self._steady: Task | None = None
        self._favour = dice.random() * 0.6

    def spawn(self, task: Task) -> None:
        self._tasks.append(task)

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
        self.clock.advance(self.dice.random() * 0.02)
        if self._steady is not None and self.dice.random() < self._favour:
            self._steady.send(None)
            return
        if not self._tasks:
            return
        at = int(self.dice.random() * len(self._tasks))
        try:
            self._tasks[at].send(None)
        except StopIteration:
            self._tasks[at] = self._tasks[-1]
            del self._tasks[-1]

    def kill_all(self) -> None:
        """The process dies: nobody gets to clean up anything that matters."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.close()
        self.dismiss()

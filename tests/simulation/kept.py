"""The stored tasks of fan-out in the simulated world, and the way that each process has to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tintype.database import LeaseLost
from tintype.feed.model import Lane, Task
from tintype.feed.service.lanes import Key, key_of


async def _at_once() -> None:
    """Nothing happens meanwhile."""


class Kept:
    """What is durable: the tasks, and the fence of whoever may carry them."""

    def __init__(self) -> None:
        self.tasks: dict[Key, Task] = {}
        self.fence = 0

    def subjects(self) -> set[int]:
        """The posts of which something is left."""
        return {task.subject for task in self.tasks.values() if task.lane is Lane.LO}

    def has_edge(self, viewer: int, author: int) -> bool:
        """Whether this edge waits."""
        return (Lane.BACKFILL, viewer, author, 0) in self.tasks


class KeptTasks:
    """``Tasks`` of one process. ``wait`` is awaited around each effect.

    Whoever looks holds them all from then on, and shuts out whoever held them before.
    """

    def __init__(
        self, kept: Kept | None = None, wait: Callable[[], Awaitable[None]] = _at_once
    ) -> None:
        self.kept = kept or Kept()
        self._wait = wait
        self._fence = -1

    async def add(self, tasks: Sequence[Task]) -> None:
        await self._wait()
        for task in tasks:
            self.kept.tasks.setdefault(key_of(task), task)
        await self._wait()

    async def held(self) -> Sequence[Task]:
        await self._wait()
        if self._fence != self.kept.fence:
            self.kept.fence += 1
            self._fence = self.kept.fence
        found = [*self.kept.tasks.values()]
        await self._wait()
        return found

    async def advance(self, task: Task, after: int) -> None:
        await self._wait()
        self._hold()
        if key_of(task) in self.kept.tasks:
            self.kept.tasks[key_of(task)] = task._replace(after=after)
        await self._wait()

    async def finish(self, task: Task) -> None:
        await self._wait()
        self._hold()
        self.kept.tasks.pop(key_of(task), None)
        await self._wait()

    async def woken(self, seconds: float) -> None:
        del seconds
        await self._wait()

    def _hold(self) -> None:
        if self._fence != self.kept.fence:
            raise LeaseLost

"""Carries the stored tasks of fan-out on, chunk by chunk, wherever they were left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic

import structlog

from tintype.database import LeaseLost
from tintype.feed.model import Lane, PostDelivered, Task
from tintype.feed.service.fan_out import Sizes
from tintype.feed.service.lanes import Lanes
from tintype.feed.service.reading import Sources
from tintype.feed.service.sources import C
from tintype.feed.service.tasks import Tasks
from tintype.kernel.ids import Id

log = structlog.get_logger(__name__)

EDGE_COST = 100
"""Deliveries that cost as much as settling one follow."""
LOOK_S = 1.0
"""How often the store is asked for new tasks while there are some in hand."""
PAUSE_S = 0.001
AWAY_S = 1.0

Announce = Callable[[Sequence[PostDelivered]], Awaitable[None]]
Settle = Callable[[Id, Id], Awaitable[None]]


async def pause() -> None:
    """Let others run who are waiting for something else."""
    await asyncio.sleep(PAUSE_S)


class Carrier(Generic[C]):
    """One process's part of the stored tasks: one chunk at a time, by turns.

    Killed at any moment it repeats one chunk of each task that it had begun, at most; deliveries
    are unions. ``settle`` makes a timeline agree with an edge, ``announce`` tells that a post has
    arrived.
    """

    def __init__(
        self,
        sources: Callable[[], Sources[C]],
        tasks: Tasks,
        lanes: Lanes,
        sizes: Sizes,
        settle: Settle,
        announce: Announce,
        pause: Callable[[], Awaitable[None]] = pause,
    ) -> None:
        self._sources = sources
        self._tasks = tasks
        self._lanes = lanes
        self._sizes = sizes
        self._settle = settle
        self._announce = announce
        self._pause = pause

    async def look(self) -> None:
        """Take up what waits in the store."""
        self._lanes.add(await self._tasks.held())

    async def step(self) -> bool:
        """Carry the next chunk; ``False`` when nothing is in hand.

        Raises:
            Unavailable: something does not answer; the same chunk is next.
        """
        task = self._lanes.turn()
        if task is None:
            return False
        while self._lanes.crowded:
            await self._pause()
        try:
            cost, left = await self._carry(task)
        except LeaseLost:
            # Others carry it on from where it was noted last.
            self._lanes.forget()
            return False
        self._lanes.settle(task, cost, left)
        return True

    async def run(self, before: Callable[[], Awaitable[None]]) -> None:
        """Carry what comes until cancelled; ``before`` is awaited ahead of every look."""
        while True:
            try:
                await before()
                await self.look()
                look_at = time.monotonic() + LOOK_S
                while time.monotonic() < look_at and await self.step():
                    pass
                if not self._lanes:
                    await self._tasks.woken(LOOK_S)
            except Exception as error:  # noqa: BLE001 - an engine is away: the loop outlives it
                log.warning("fan_out.waits", error=repr(error))
                self._lanes.forget()
                await asyncio.sleep(AWAY_S)

    async def _carry(self, task: Task) -> tuple[int, Task | None]:
        """Carry one chunk: what it cost, and what is left of the task."""
        if task.lane is Lane.BACKFILL:
            await self._settle(task.owner, task.subject)
            await self._tasks.finish(task)
            return EDGE_COST, None
        sources = self._sources()
        [card] = await sources.catalogue.cards([task.subject])
        if card is None:
            await self._tasks.finish(task)
            return 1, None
        chunk = await sources.circles.followers_in(
            task.owner, task.first, task.last, after=task.after, limit=self._sizes.chunk
        )
        if chunk:
            await sources.timelines.push(chunk, task.subject)
        if len(chunk) == self._sizes.chunk:
            await self._tasks.advance(task, chunk[-1])
            return len(chunk), task._replace(after=chunk[-1])
        # Told first: after a crash it is told again, and nobody minds.
        await self._announce([PostDelivered(post=task.subject, author=task.owner)])
        await self._tasks.finish(task)
        return max(1, len(chunk)), None

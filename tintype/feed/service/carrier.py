"""Carries the stored tasks of fan-out on, chunk by chunk, wherever they were left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple

import structlog

from tintype.database import LeaseLost
from tintype.feed.model import Lane, PostDelivered, Task
from tintype.feed.service.fan_out import Sizes, who_gets
from tintype.feed.service.lanes import Lanes
from tintype.feed.service.pacing import Pacing
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


async def _breathe() -> None:
    await asyncio.sleep(0)


async def _pause() -> None:
    await asyncio.sleep(PAUSE_S)


async def _tell_nobody(arrived: Sequence[PostDelivered]) -> None:
    """Nobody else serves what was delivered."""
    del arrived


class Ways(NamedTuple):
    """How fan-out reaches what is around it, and how it cuts its work."""

    announce: Announce = _tell_nobody
    """Tells all processes what arrived in timelines."""
    sizes: Sizes = Sizes()
    breathe: Callable[[], Awaitable[None]] = _breathe
    """Awaited between posts, to let readers in."""
    pause: Callable[[], Awaitable[None]] = _pause
    """Awaited while others go first."""
    timer: Callable[[], float] = time.perf_counter
    whole: int | None = None
    """Followees whose posts an account gets all of; ``None``: of however many."""


WAYS = Ways()


class Carrier(Generic[C]):
    """One process's part of the stored tasks: one chunk at a time, by turns.

    Killed at any moment it repeats one chunk of each task that it had begun, at most; deliveries
    are unions. ``settle`` makes a timeline agree with an edge.
    """

    def __init__(
        self,
        sources: Callable[[], Sources[C]],
        tasks: Tasks,
        lanes: Lanes,
        settle: Settle,
        ways: Ways,
    ) -> None:
        self._sources = sources
        self._tasks = tasks
        self._lanes = lanes
        self._settle = settle
        self._ways = ways
        self.pacing = Pacing()

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
            await self._ways.pause()
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
        began = self._ways.timer()
        chunk = await sources.circles.followers_in(
            task.owner, task.first, task.last, after=task.after, limit=self._ways.sizes.chunk
        )
        getting = await who_gets(sources, chunk, task.subject, self._ways.whole)
        found = await sources.timelines.push(getting, task.subject) if getting else 0
        if len(chunk) == self._ways.sizes.chunk:
            await self._tasks.advance(task, chunk[-1])
            self.pacing.note(len(chunk), found, self._ways.timer() - began)
            return len(chunk), task._replace(after=chunk[-1])
        # Told first: after a crash it is told again, and nobody minds.
        await self._ways.announce([PostDelivered(post=task.subject, author=task.owner)])
        await self._tasks.finish(task)
        return max(1, len(chunk)), None

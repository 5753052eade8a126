"""The timelines of the simulated world: one store, and the way that each process has to it."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from tests.simulation.invariants import BOUNDED, FLOOR, NO_PARTIAL, require
from tests.simulation.scheduler import step
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.kernel.clock import Clock
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelinePage, TimelineState

if TYPE_CHECKING:
    from tests.simulation.processes import Process

SLACK = 2
IDLE_MS = 20_000
RESIDENT = 4
ENTRY_BYTES = 8


class StoredTimelines(MemoryTimelines):
    """The embedded timelines, watched, and with a replica that may be promoted.

    Each timeline belongs to the reign under which it was begun, as in Redis: a server that is
    promoted reigns anew, and what it holds of before is absent.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, resident=RESIDENT, idle_ms=IDLE_MS, slack=SLACK)
        self._floors: dict[tuple[int, int], int] = {}
        self._reign = 0
        self._reigns: dict[int, int] = {}
        self._replica: tuple[Any, dict[int, int]] = copy.deepcopy((self._timelines, {}))

    async def push(self, accounts: Sequence[int], post: int) -> int:
        before = set(self._timelines)
        found = await super().push(accounts, post)
        require(NO_PARTIAL, set(self._timelines) == before, "a delivery created a timeline")
        return found

    async def begin(self, account: int, cap: int) -> int:
        build = await super().begin(account, cap)
        self._reigns[account] = self._reign
        return build

    def inspect(self) -> None:
        for account, timeline in self._timelines.items():
            key = (account, timeline.build)
            floor = self._floors.get(key, 0)
            require(FLOOR, timeline.floor >= floor, f"{account}: {floor} → {timeline.floor}")
            self._floors[key] = timeline.floor
            size = len(timeline.ids)
            require(BOUNDED, size <= timeline.cap + SLACK, f"{account} holds {size}")
            packed = type(timeline.ids) is array and timeline.ids.itemsize == ENTRY_BYTES
            require(BOUNDED, packed, f"{account} holds {type(timeline.ids).__name__}")

    def require_whole(self, account: int, page: TimelinePage) -> None:
        """What is served as whole was begun under this reign, and not before it."""
        reign = self._reigns.get(account)
        whole = page.state is not TimelineState.READY or reign == self._reign
        require(NO_PARTIAL, whole, f"{account} of reign {reign} is trusted in {self._reign}")

    def replicate(self) -> None:
        """The replica catches up."""
        self._replica = copy.deepcopy((self._timelines, self._reigns))

    def fail_over(self) -> None:
        """The replica takes over; what was written since it caught up is lost."""
        self._timelines, self._reigns = copy.deepcopy(self._replica)
        self._reign += 1
        self._floors.clear()
        self.sift()

    def sift(self) -> None:
        """What belongs to another reign is absent."""
        for account in [a for a in self._timelines if self._reigns.get(a) != self._reign]:
            del self._timelines[account]

    def prune(self) -> None:
        """Whoever has not read for long loses the timeline."""
        self._evict(self._clock.now_ms())


class SteppedTimelines:
    """A process's way to the store: a step around each call, and a switch that cuts it off."""

    def __init__(self, stored: StoredTimelines, process: Process) -> None:
        self.stored = stored
        self.process = process

    @property
    def _timelines(self) -> Any:
        return self.stored._timelines

    async def _wait(self) -> None:
        await step()
        if self.process.cut:
            raise Unavailable

    async def push(self, accounts: Sequence[int], post: int) -> int:
        await self._wait()
        found = await self.stored.push(accounts, post)
        self.stored.inspect()
        await step()
        return found

    async def page(self, account: int, below: int, limit: int) -> TimelinePage:
        await self._wait()
        page = await self.stored.page(account, below, limit)
        self.stored.require_whole(account, page)
        await step()
        return page

    async def begin(self, account: int, cap: int) -> int:
        await self._wait()
        build = await self.stored.begin(account, cap)
        await step()
        return build

    async def finish(self, account: int, build: int, ids: Collection[int], floor: int) -> bool:
        await self._wait()
        finished = await self.stored.finish(account, build, ids, floor)
        self.stored.inspect()
        await step()
        return finished

    async def backfill(self, account: int, ids: Collection[int], floor: int) -> None:
        await self._wait()
        await self.stored.backfill(account, ids, floor)
        self.stored.inspect()
        await step()

    async def purge(self, account: int, ids: Collection[int]) -> int:
        await self._wait()
        purged = await self.stored.purge(account, ids)
        self.stored.inspect()
        await step()
        return purged

    async def of_shard(self, account: int, shard: int) -> list[int]:
        await self._wait()
        found = await self.stored.of_shard(account, shard)
        await step()
        return found

    async def trim(self, account: int, keep: int) -> None:
        await self._wait()
        await self.stored.trim(account, keep)

    async def drop(self, account: int) -> None:
        await self._wait()
        await self.stored.drop(account)

    async def advance_epoch(self) -> int:
        await self._wait()
        return await self.stored.advance_epoch()

    async def close(self) -> None:
        await self.stored.close()

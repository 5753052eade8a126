"""Timelines in this process: one sorted ``array('q')`` per reading account, 8 bytes an entry.

Nothing is persisted; a timeline is rebuilt from the database when its account reads again. Methods
never suspend, so each is atomic within the event loop.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Collection, Sequence

from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import SLACK, TimelinePage, TimelineState

IDLE_MS = 7 * 24 * 3600 * 1000
"""An account that has not read for this long holds no timeline."""

BUILD_MS = 30_000
"""A build that has not finished by then was abandoned."""

RESIDENT = 200_000
"""Timelines kept at most; at the cap of 340 entries that is about 0.6 GB."""

_BUILDING = TimelineState.BUILDING
_ABSENT = TimelinePage((), 0, TimelineState.ABSENT)


class MemoryTimelines:
    """Keeps every promise of the port ``Timelines`` for one process; the least recent reader goes
    first when there are more than ``resident``.
    """

    def __init__(
        self, clock: Clock, *, resident: int = RESIDENT, idle_ms: int = IDLE_MS, slack: int = SLACK
    ) -> None:
        self._clock = clock
        self._resident = resident
        self._idle_ms = idle_ms
        self._slack = slack
        self._timelines: OrderedDict[Id, _Timeline] = OrderedDict()  # the last to read is last
        self._builds = 0
        self._epoch = 0
        self._closed = False

    async def push(self, accounts: Sequence[Id], post: Id) -> int:
        timelines = self._plugged()
        found = 0
        for account in accounts:
            timeline = timelines.get(account)
            if timeline is None:
                continue
            found += 1
            if post <= timeline.floor:
                continue
            ids = timeline.ids
            if not ids or post > ids[-1]:
                ids.append(post)
            else:
                timeline.insert(post)
            if len(ids) > timeline.limit:
                timeline.trim(timeline.cap)
        return found

    async def page(self, account: Id, below: Id, limit: int) -> TimelinePage:
        timelines = self._plugged()
        timeline = timelines.get(account)
        if timeline is None:
            return _ABSENT
        now = self._clock.now_ms()
        if timeline.state is _BUILDING and now - timeline.begun_ms > BUILD_MS:
            del timelines[account]
            return _ABSENT
        timelines.move_to_end(account)
        timeline.read_ms = now
        ids = timeline.ids
        end = len(ids)
        if end and ids[-1] >= below:
            end = bisect_left(ids, below)
        newest = ids[max(end - limit, 0) : end].tolist()
        newest.reverse()
        return TimelinePage(newest, timeline.floor, timeline.state)

    async def begin(self, account: Id, cap: int) -> int:
        timelines = self._plugged()
        self._builds += 1
        now = self._clock.now_ms()
        timelines.pop(account, None)
        timelines[account] = _Timeline(cap, cap + self._slack, self._builds, now)
        self._evict(now)
        return self._builds

    async def finish(self, account: Id, build: int, ids: Collection[Id], floor: Id) -> bool:
        timeline = self._plugged().get(account)
        if timeline is None or timeline.build != build:
            return False
        timeline.add(ids, floor)
        timeline.state = TimelineState.READY
        return True

    async def backfill(self, account: Id, ids: Collection[Id], floor: Id) -> None:
        timeline = self._plugged().get(account)
        if timeline is not None:
            timeline.add(ids, floor)

    async def purge(self, account: Id, ids: Collection[Id]) -> int:
        timeline = self._plugged().get(account)
        if timeline is None:
            return 0
        before = len(timeline.ids)
        doomed = set(ids)
        timeline.ids = array("q", (id_ for id_ in timeline.ids if id_ not in doomed))
        return before - len(timeline.ids)

    async def of_shard(self, account: Id, shard: int) -> list[Id]:
        timeline = self._plugged().get(account)
        if timeline is None:
            return []
        return [id_ for id_ in reversed(timeline.ids) if shard_of(id_) == shard]

    async def trim(self, account: Id, keep: int) -> None:
        timeline = self._plugged().get(account)
        if timeline is not None:
            timeline.trim(keep)

    async def drop(self, account: Id) -> None:
        self._plugged().pop(account, None)

    async def advance_epoch(self) -> int:
        self._plugged().clear()
        self._epoch += 1
        return self._epoch

    async def close(self) -> None:
        self._closed = True
        self._timelines.clear()

    def _plugged(self) -> OrderedDict[Id, _Timeline]:
        if self._closed:
            raise Unavailable("Timelines are switched off.")
        return self._timelines

    def _evict(self, now: int) -> None:
        timelines = self._timelines
        while timelines:
            oldest = next(iter(timelines))
            idle = now - timelines[oldest].read_ms > self._idle_ms
            if not idle and len(timelines) <= self._resident:
                return
            del timelines[oldest]


class _Timeline:
    """Ids in ascending order, so that the newest is appended."""

    __slots__ = ("begun_ms", "build", "cap", "floor", "ids", "limit", "read_ms", "state")

    def __init__(self, cap: int, limit: int, build: int, begun_ms: int) -> None:
        self.ids = array("q")
        self.floor = 0
        self.state = TimelineState.BUILDING
        self.cap = cap
        self.limit = limit
        self.build = build
        self.begun_ms = begun_ms
        self.read_ms = begun_ms

    def insert(self, post: Id) -> None:
        at = bisect_left(self.ids, post)
        if self.ids[at] != post:
            self.ids.insert(at, post)

    def add(self, ids: Collection[Id], floor: Id) -> None:
        self.floor = max(self.floor, floor)
        union = sorted({*self.ids, *ids})
        self.ids = array("q", union[bisect_right(union, self.floor) :])
        if len(self.ids) > self.limit:
            self.trim(self.cap)

    def trim(self, keep: int) -> None:
        surplus = len(self.ids) - keep
        if surplus > 0:
            self.floor = max(self.floor, self.ids[surplus - 1])
            del self.ids[:surplus]

"""Neighbours in this process: packed ids, the least recently used go first."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from tintype.kernel import packed
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.ports.neighbours import Common

IDS_KEPT = 1_000_000
"""Eight megabytes."""

TTL_MS = 30 * 60 * 1000


class MemoryNeighbours:
    """Keeps every promise of the port ``Neighbours`` for one process, and at most ``room`` ids."""

    def __init__(self, clock: Clock, *, room: int = IDS_KEPT, ttl_ms: int = TTL_MS) -> None:
        self._clock = clock
        self._room = room
        self._ttl_ms = ttl_ms
        self._kept: OrderedDict[Id, tuple[array[int], Id, int]] = OrderedDict()
        self._weight = 0
        self._closed = False

    async def common(self, account: Id, wanted: AbstractSet[Id]) -> Common | None:
        followers, since, ends = self._plugged().get(account, (None, 0, 0))
        if followers is None:
            return None
        if ends <= self._clock.now_ms():
            self._forget(account)
            return None
        self._kept.move_to_end(account)
        return Common(packed.common(followers, wanted), since)

    async def keep(self, account: Id, followers: Collection[Id], since: Id) -> None:
        self._plugged()
        self._forget(account)
        ids = packed.sorted_ids(followers)
        self._kept[account] = ids, since, self._clock.now_ms() + self._ttl_ms
        self._weight += _weight(ids)
        while self._weight > self._room:
            self._forget(next(iter(self._kept)))

    async def drop(self, account: Id) -> None:
        self._plugged()
        self._forget(account)

    async def close(self) -> None:
        self._closed = True
        self._kept.clear()

    def _forget(self, account: Id) -> None:
        kept = self._kept.pop(account, None)
        if kept is not None:
            self._weight -= _weight(kept[0])

    def _plugged(self) -> OrderedDict[Id, tuple[array[int], Id, int]]:
        if self._closed:
            raise Unavailable("The neighbours are switched off.")
        return self._kept


def _weight(ids: array[int]) -> int:
    # An entry takes as much as some thirty ids, even an empty one.
    return len(ids) + 30

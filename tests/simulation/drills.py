"""Two short histories of their own: ids of hosts, the shared cache.

Each runs real code under the seeded scheduler, and is judged on the way.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from unittest.mock import patch

import msgspec

from tests.simulation.invariants import IDS, VERSIONS, require
from tests.simulation.scheduler import Scheduler, Silent, SkewedClock, VirtualClock, step
from tintype.adapters.memory.cache import MemoryCache
from tintype.database import shelf
from tintype.database.shelf import Shelf, Shelves
from tintype.kernel import ids
from tintype.kernel.ids import EPOCH_MS, MAX_ID, Ids, shard_of
from tintype.kernel.notice import Notice
from tintype.kernel.problem import Unavailable
from tintype.ports.cache import Held, Lease

# ---- 23: ids -------------------------------------------------------------------------------------

HOST_IDS = 400
SEQUENCES = 1_024


def ids_history(seed: int) -> None:
    """Hosts whose clocks jump mint ids, restart, and run out of sequence numbers.

    Raises:
        Violation: an id came twice, out of order, or says a wrong shard or time.
    """
    dice, true = random.Random(seed), VirtualClock()
    for host in range(2):
        clock = SkewedClock(true)
        mint = Ids(clock, first=(lambda: dice.randrange(8)) if host else int)
        ahead, last, latest = 0, dict[int, int](), 0
        for _ in range(HOST_IDS):
            if dice.random() < 0.05:
                clock.skew_ms = dice.choice((-5_000, -60, -1, 0, 1, 60, 5_000))
            if dice.random() < 0.5:
                true.advance(dice.choice((0.0, 0.001, 0.2)))
            shard = dice.choice((0, 7, 7, 4_095))
            burst = SEQUENCES + 3 if dice.random() < 0.002 else 1
            for _ in range(burst):
                minted = mint.next(shard)
                require(IDS, 0 < minted <= MAX_ID, f"{minted} has no 63 bits")
                require(IDS, shard_of(minted) == shard, f"{minted} is not of shard {shard}")
                require(IDS, minted > last.get(shard, 0), f"{minted} after {last.get(shard)}")
                last[shard] = minted
            latest = max(latest, clock.now_ms())
            ahead += burst // SEQUENCES
            says = ids.timestamp_ms(minted)
            require(IDS, EPOCH_MS < says <= latest + ahead, f"{minted} is from the future")


# ---- 24: versions --------------------------------------------------------------------------------


class Page(msgspec.Struct, frozen=True):
    version: int


class Edited(Notice, frozen=True, kw_only=True, tag="edited"):
    page: int


class SteppedCache(MemoryCache):
    """Away now and then; a step around each call, and keys that vanish."""

    def __init__(self, dice: random.Random, clock: VirtualClock) -> None:
        super().__init__(clock, most=3)
        self._dice = dice

    async def _answers(self, *, always: bool = False) -> None:
        await step()
        if not always and self._dice.random() < 0.05:
            raise Unavailable

    async def get(self, keys: Sequence[str]) -> Held:
        await self._answers()
        held = await super().get(keys)
        await step()
        return held

    async def fill(self, lease: Lease, values: Mapping[str, bytes]) -> None:
        await self._answers()
        await super().fill(lease, values)
        await step()

    async def drop(self, keys: Collection[str]) -> None:
        await self._answers()
        await super().drop(keys)
        await step()


class Shop:
    """Pages with versions in a database, and two processes that share a cache of them."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.dice, self.clock)
        self.versions = dict.fromkeys(range(1, 5), 1)
        self.acknowledged = dict(self.versions)
        cache = SteppedCache(self.dice, self.clock)
        self.shelves = [self._process(cache) for _ in range(2)]

    def _process(self, cache: SteppedCache) -> tuple[Shelves, Shelf[Page]]:
        shelves = Shelves()
        shelves.stand_on(cache)
        pages = shelves.shelf("page", Page)
        pages.drop_on(Edited, lambda notice: (notice.page,))
        return shelves, pages

    async def _make(self, wanted: Collection[int]) -> dict[int, Page]:
        await step()
        found = {id_: Page(self.versions[id_]) for id_ in wanted}
        for _ in range(self.dice.choice((1, 1, 9))):
            await step()
        return found

    async def edit(self, page: int) -> None:
        """Commit, drop until it is dropped, acknowledge. (A drop that is owed is paid later, and
        meanwhile its process does not believe the cache; others are told by the repeated notice.)
        """
        self.versions[page] += 1
        version = self.versions[page]
        shelves, _ = self.dice.choice(self.shelves)
        await step()
        while True:
            try:
                await shelves.drop([Edited(page=page)])
            except Unavailable:
                continue
            break
        self.acknowledged[page] = max(self.acknowledged[page], version)

    async def read(self) -> None:
        _, pages = self.dice.choice(self.shelves)
        wanted = self.dice.sample(sorted(self.versions), 2)
        due = {id_: self.acknowledged[id_] for id_ in wanted}
        found = await pages.through(wanted, self._make)
        for id_ in wanted:
            seen = found[id_].version
            require(VERSIONS, seen >= due[id_], f"page {id_}: {seen} after {due[id_]}")


def shelf_history(seed: int) -> None:
    """Edits race with fills of a shared cache that answers when it likes.

    Raises:
        Violation: a version that was acknowledged before a read is not in its answer.
    """
    shop = Shop(seed)
    still = SimpleNamespace(sleep=lambda _: step(), create_task=lambda _: None)
    with patch.object(shelf, "asyncio", still), patch.object(shelf, "log", Silent()):
        try:
            while shop.scheduler.steps < 500:
                if len(shop.scheduler) < 6:
                    if shop.dice.random() < 0.3:
                        shop.scheduler.spawn(shop.edit(shop.dice.randrange(1, 5)))
                    else:
                        shop.scheduler.spawn(shop.read())
                shop.scheduler.run_one()
            shop.scheduler.drain()
        finally:
            shop.scheduler.kill_all()

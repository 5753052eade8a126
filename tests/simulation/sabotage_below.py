"""Planted bugs below the feed: delivery, ids, the shared cache, the outbox, counts, edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from tests.simulation import invariants as named
from tests.simulation.sabotage import SABOTAGES, Sabotage, plants
from tintype.adapters.memory import cache
from tintype.database import offsets, relay, sending, session, shelf
from tintype.database.sql import upsert
from tintype.database.tables import consumer_offsets, outbox
from tintype.feed import model
from tintype.feed.service import fan_out, feed, lanes
from tintype.graph import store
from tintype.kernel import ids
from tintype.ports.cache import Lease

__all__ = ["SABOTAGES"]

# ---- delivery ------------------------------------------------------------------------------------

_deliver, _take = fan_out.FanOut.deliver, feed.Feed.take


@plants("big-posts-are-not-stored", named.PROMPT, fan_out.FanOut, "deliver", "delivery")
async def _deliver_whole(self: Any, posts: Sequence[Any]) -> Any:
    return await _deliver(self._replace(sizes=self.sizes._replace(inline=10**9)), posts)


@plants("an-import-of-follows-is-not-stored", named.PROMPT, feed.Feed, "take", "delivery")
async def _take_every_edge(self: Any, edges: Sequence[Any], posts: Sequence[Any]) -> None:
    await _take(self, [], posts)
    for viewer, author in edges:
        await self.settle(viewer, author)


SABOTAGES["small-authors-are-not-given-way"] = Sabotage(
    named.PROMPT, "delivery", lambda: patch.object(lanes.Lanes, "crowded", new=False)
)


@plants("tasks-are-carried-as-they-came", named.PROMPT, lanes.Lanes, "turn", "delivery")
def _first_come(self: Any) -> Any:
    queues = [queue for owners in self._owners.values() for queue in owners.values()]
    return queues[0][0] if queues else None


@plants("giants-are-pushed", named.PROMPT, model.Threshold, "next", "delivery")
def _stay(self: Any, reach: model.Reach, followers: int, now_ms: int) -> model.Reach:
    del self, followers, now_ms
    return reach


# ---- ids -----------------------------------------------------------------------------------------


@plants("ids-follow-the-clock-back", named.IDS, ids.Ids, "next", "ids")
def _by_the_clock(self: Any, shard: int) -> int:
    now = self._clock.now_ms() - ids.EPOCH_MS
    self._sequence = self._sequence + 1 if now == self._last_ms else 0
    self._last_ms = now
    minted: int = (now << 22) | (shard << 10) | self._sequence % 1_024
    return minted


@plants("a-full-millisecond-begins-again", named.IDS, ids.Ids, "next", "ids")
def _wrap(self: Any, shard: int) -> int:
    now = max(self._clock.now_ms() - ids.EPOCH_MS, self._last_ms)
    self._sequence = (self._sequence + 1) % 1_024 if now == self._last_ms else 0
    self._last_ms = now
    minted: int = (now << 22) | (shard << 10) | self._sequence
    return minted


# ---- the shared cache ----------------------------------------------------------------------------


@plants("a-late-fill-is-kept", named.VERSIONS, cache.MemoryCache, "fill", "shelf")
async def _keep(self: Any, lease: Lease, values: Mapping[str, bytes]) -> None:
    del lease
    for key, value in values.items():
        self._keep(key, (value, 0, self._clock.now_ms() + self._ttl_ms))


@plants("an-edit-drops-nothing", named.VERSIONS, shelf.Shelves, "drop", "shelf")
async def _drop_nothing(self: Any, notices: Sequence[Any]) -> None:
    del self, notices


# ---- the outbox ----------------------------------------------------------------------------------

_number, _take_lane = sending.Sending.number, relay.LaneRelay._take


@plants("a-relay-forgets-what-it-sent", named.OUTBOX, relay.LaneRelay, "_take", "ledger")
async def _take_and_forget(self: Any, lease: Any) -> None:
    await _take_lane(self, lease)
    lane = self._open[lease]
    lane.reached = max(0, lane.reached - 3)


@plants("a-relay-deletes-before-it-sends", named.OUTBOX, sending.Sending, "beyond", "ledger")
async def _nothing_beyond(self: Any, number: int) -> Any:
    del self, number
    return []


_highest: WeakKeyDictionary[Any, dict[int, int]] = WeakKeyDictionary()


@plants("a-relay-passes-over-late-commits", named.OUTBOX, sending.Sending, "number", "ledger")
async def _by_the_highest(self: Any, *, after: int) -> Any:
    highest = _highest.setdefault(self._database, {})
    async with self._database.read() as reader:
        newest = await reader.scalar(sa.select(sa.func.max(outbox.c.id)).where(self._shards))
        passed = sa.and_(self._shards, outbox.c.id < highest.get(self._first, 0))
        late = [row.id for row in await reader.all(sa.select(outbox.c.id).where(passed))]
    if late:
        await self.forget(late)
    highest[self._first] = max(highest.get(self._first, 0), newest or 0)
    return await _number(self, after=after)


@plants(
    "events-are-ordered-by-the-clocks-of-hosts",
    named.OUTBOX,
    session.Transaction,
    "_newest_waiting",
    "ledger",
)
async def _nothing_waits(self: Any, shards: set[int]) -> dict[int, int]:
    del self, shards
    return {}


# ---- counts and edges ----------------------------------------------------------------------------


@plants("rivals-count-the-same-batch", named.COUNTED, offsets.Offsets, "_move", "ledger")
async def _move_anyway(self: Any, tx: Any, log: str, row: Any, after: int) -> bool:
    del self, log, after
    index, update = ["shard", "consumer_group"], ["position", "seen"]
    await tx.execute(upsert(consumer_offsets, row, index=index, update=update))
    return True


_advance = offsets.Offsets.advance


@plants("the-offset-is-not-part-of-the-fold", named.COUNTED, offsets.Offsets, "advance", "ledger")
async def _advance_elsewhere(self: Any, tx: Any, *others: Any) -> None:
    await _advance(self, tx, *others)
    # What follows is another transaction: a crash between the two loses it.
    await tx.execute(sa.text("COMMIT"))
    await tx.execute(sa.text("BEGIN"))


@plants("what-is-sent-again-is-counted-again", named.COUNTED, offsets.Offsets, "sift", "ledger")
def _sift_nothing(self: Any, records: Sequence[Any]) -> tuple[list[Any], dict[int, Any]]:
    del self
    return [*records], {}


@plants("an-unfollow-leaves-its-mirror", named.MIRRORED, store, "untie", "ledger")
async def _untie_one_side(tx: Any, kind: Any, pairs: Sequence[tuple[int, int]]) -> None:
    await store._delete(tx, kind.table, pairs)


@plants("the-limit-of-followees-is-not-looked-at", named.WHOLE, store, "count", "ledger")
async def _count_nothing(reader: Any, ends: Any, account: int) -> int:
    del reader, ends, account
    return 0

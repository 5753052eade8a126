"""A history of fan-out under load: bursts of big authors, an import of follows, and small authors.

The real consumer's part and the real carrier share timelines that take so much and no more.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, overload

from tests.simulation.invariants import PROMPT, require
from tests.simulation.kept import KeptTasks
from tests.simulation.processes import Card
from tests.simulation.scheduler import Scheduler, VirtualClock, step
from tintype.feed.model import Reach, Threshold
from tintype.feed.service.carrier import Ways
from tintype.feed.service.fan_out import Delivered
from tintype.feed.service.feed import Edge, Feed
from tintype.graph.model import _GOLDEN
from tintype.kernel.ids import Ids, shard_of

PER_SECOND = 25_000
"""Deliveries that the simulated timelines take: what one Redis on two cores did."""
BATCH = 500
SMALL = 240
"""Posts of small authors, most of them in the burst."""
BIG = 95_000
GIANT = 100_000_000
EAGER = 8
"""Posts of one big author at once: half a minute of deliveries."""
FOLLOWS = 300
SETTLE_S = 0.04
"""What one follow takes, of an account that comes from elsewhere: twelve seconds in all."""
WITHIN_MS = 120_000
SMALL_MS = 10_000
FAIR_MS = 30_000
"""For a big author who posts once while another one posts without end."""
TICK_S = 0.01
LOOK_MS = 1_000

_ALL = 1 << 64
_BACK = pow(_GOLDEN, -1, _ALL)


class Followers(Sequence[int]):
    """Followers of an author who has ``reach`` of them, spread evenly over the hash; each is made
    only when somebody looks.
    """

    def __init__(self, numbers: range, reach: int) -> None:
        self._numbers = numbers
        self._reach = reach

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        if isinstance(at, slice):
            return Followers(self._numbers[at], self._reach)
        return (-(-self._numbers[at] * _ALL // self._reach) * _BACK) % _ALL


def _number(follower: int, reach: int) -> int:
    return (follower * _GOLDEN) % _ALL * reach // _ALL


class Arrival(NamedTuple):
    """What comes to the log, and when (ms)."""

    at_ms: float
    post: Delivered | None = None
    edge: Edge | None = None


class Crowd:
    """Authors by how many follow them; timelines that take their time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.reach: dict[int, int] = {}
        self.due: deque[tuple[float, int]] = deque()
        """Posts by the moment at which they must be visible, the first in front."""
        self.left: dict[int, int] = {}
        """Followers who lack a post, for each that is not visible yet."""
        self.authors: dict[int, int] = {}
        self.unsettled: set[Edge] = set()

    def judge(self) -> None:
        while self.due and (self.due[0][0] < self._clock.ms or self.due[0][1] not in self.left):
            due_ms, post = self.due.popleft()
            late = self.left.get(post)
            require(PROMPT, late is None, f"{post} was due at {due_ms}: {late} followers lack it")

    async def followers_in(
        self, author: int, first: int, last: int, *, after: int, limit: int
    ) -> Sequence[int]:
        await step()
        reach = self.reach[author]
        low, end = (-(-place * reach // 65_536) for place in (first, last + 1))
        start = _number(after, reach) + 1 if after else low
        return Followers(range(start, max(start, min(end, start + limit))), reach)

    async def cards(self, wanted: Sequence[int]) -> list[Card | None]:
        return [Card(self.authors[id_]) for id_ in wanted]

    async def push(self, accounts: Sequence[int], post: int) -> int:
        self._clock.advance(len(accounts) / PER_SECOND)
        if accounts != (self.authors[post],) and post in self.left:
            self.left[post] -= len(accounts)
            if self.left[post] <= 0:
                del self.left[post]
        self.judge()
        await step()
        return len(accounts)

    async def sources_now(self, viewer: int) -> set[int]:
        await step()
        return {edge.author for edge in self.unsettled if edge.viewer == viewer}

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> Sequence[int]:
        del authors, below, limit
        return []

    async def backfill(self, account: int, ids: Collection[int], floor: int) -> None:
        del account, ids, floor
        self._clock.advance(SETTLE_S)
        self.judge()
        await step()


class Rush:
    """What comes to the log of one seed, and the two who work it off."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.crowd = Crowd(self.clock)
        self._mint = Ids(self.clock)
        self._threshold = Threshold()
        town: Any = self.crowd
        ways = Ways(breathe=step, pause=step, timer=self.clock.time)
        self.feed: Feed[Card] = Feed(town, town, town, KeptTasks(wait=step), ways=ways)
        self.log = deque(sorted(self._arrivals(), key=lambda arrival: arrival.at_ms))
        self.crowd.due = deque(sorted(self.crowd.due))

    def _arrivals(self) -> list[Arrival]:
        dice, start = self.dice, self.clock.ms
        small = [self._author(dice.randrange(1, 400)) for _ in range(40)]
        eager, other, giant = self._author(BIG), self._author(BIG), self._author(GIANT)

        def first() -> float:
            return start + dice.random() * 2_000

        found = [self._post(eager, first(), WITHIN_MS) for _ in range(EAGER)]
        found.append(self._post(other, start + 3_000, FAIR_MS))
        found.append(self._post(giant, first(), SMALL_MS))
        for number in range(SMALL):
            at_ms = first() if number % 4 else start + dice.random() * 40_000
            found.append(self._post(dice.choice(small), at_ms, SMALL_MS))
        mover = self._mint.next(dice.randrange(4_096))
        for number in range(FOLLOWS):
            edge = Edge(mover, number + 1)
            self.crowd.unsettled.add(edge)
            found.append(Arrival(start + 500 + 3 * number, edge=edge))
        return found

    def _author(self, followers: int) -> int:
        author = self._mint.next(self.dice.randrange(4_096))
        self.crowd.reach[author] = followers
        return author

    def _post(self, author: int, at_ms: float, within_ms: int) -> Arrival:
        post = self._mint.next(shard_of(author))
        reach = self.crowd.reach[author]
        stamp = self._threshold.next(Reach(), reach, self.clock.now_ms()).delivery
        self.crowd.authors[post] = author
        if stamp == "push":
            self.crowd.left[post] = reach
        self.crowd.due.append((at_ms + within_ms, post))
        return Arrival(at_ms, post=Delivered(post, author, stamp))

    async def consume(self) -> None:
        while self.log:
            batch: list[Arrival] = []
            while self.log and self.log[0].at_ms <= self.clock.ms and len(batch) < BATCH:
                batch.append(self.log.popleft())
            if batch:
                edges = [each.edge for each in batch if each.edge is not None]
                await self.feed.take(edges, [each.post for each in batch if each.post is not None])
            elif not self.feed.lanes:
                self.clock.advance(TICK_S)
            await step()

    async def carry(self) -> None:
        carrier = self.feed.carrier
        while self.log or self.crowd.left:
            await carrier.look()
            look_ms = self.clock.ms + LOOK_MS
            while self.clock.ms < look_ms and await carrier.step():
                pass
            if not self.feed.lanes:
                self.clock.advance(TICK_S)
                self.crowd.judge()
            await step()


def delivery_history(seed: int) -> None:
    """Big authors, a giant, an import and small authors at once; arrival stays within what can be
    delivered.

    Raises:
        Violation: a post was not visible in time.
    """
    rush = Rush(seed)
    scheduler = Scheduler(rush.dice, VirtualClock())
    scheduler.spawn(rush.consume())
    scheduler.spawn(rush.carry())
    scheduler.drain(1_000_000)
    rush.crowd.judge()

"""The world that the real feed code runs in: committed state, the event log, one process.

Committed state survives a crash; everything in the process (timelines, caches, running tasks) does
not. Every query and every call of a store has a step before and after it, so its answer may be old
by the time it is used.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from tests.model.feed import FeedModel
from tests.simulation.invariants import BOUNDED, FLOOR, NO_PARTIAL, Watch, require
from tests.simulation.scheduler import Scheduler, step
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import Reach, Threshold
from tintype.feed.service.fan_out import Delivered
from tintype.feed.service.feed import Feed
from tintype.graph.service.held import Held
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import Ids
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelinePage

CAP = 8
SLACK = 2
CHUNK = 2
START_FOLLOWING = 0.5
NOT_AT_HAND = 0.5
SHARDS = (5, 5, 9, 5, 70)  # so that a purge meets posts of others in the same shard


@dataclass(slots=True)
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class Logged(NamedTuple):
    """An event in the log: what happened, to whom. ``post`` only when one was published."""

    kind: str
    viewer: int = 0
    author: int = 0
    post: Delivered | None = None


class SteppedTimelines(MemoryTimelines):
    """The embedded timelines with a step around each call, an outage switch, and watched."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock, resident=4, idle_ms=20_000, slack=SLACK)
        self._world = world
        self._floors: dict[tuple[int, int], int] = {}

    async def _wait(self) -> None:
        await step()
        if self._world.outage:
            raise Unavailable

    def _inspect(self) -> None:
        for account, timeline in self._timelines.items():
            key = (account, timeline.build)
            floor = self._floors.get(key, 0)
            require(FLOOR, timeline.floor >= floor, f"{account}: {floor} → {timeline.floor}")
            self._floors[key] = timeline.floor
            size = len(timeline.ids)
            require(BOUNDED, size <= timeline.cap + SLACK, f"{account} holds {size}")

    async def push(self, accounts: Sequence[int], post: int) -> int:
        await self._wait()
        before = set(self._timelines)
        found = await super().push(accounts, post)
        require(NO_PARTIAL, set(self._timelines) == before, "a delivery created a timeline")
        self._inspect()
        await step()
        return found

    async def page(self, account: int, below: int, limit: int) -> TimelinePage:
        await self._wait()
        page = await super().page(account, below, limit)
        await step()
        return page

    async def begin(self, account: int, cap: int) -> int:
        await self._wait()
        build = await super().begin(account, cap)
        await step()
        return build

    async def finish(self, account: int, build: int, ids: Collection[int], floor: int) -> bool:
        await self._wait()
        finished = await super().finish(account, build, ids, floor)
        self._inspect()
        await step()
        return finished

    async def backfill(self, account: int, ids: Collection[int], floor: int) -> None:
        await self._wait()
        await super().backfill(account, ids, floor)
        self._inspect()
        await step()

    async def purge(self, account: int, ids: Collection[int]) -> int:
        await self._wait()
        purged = await super().purge(account, ids)
        self._inspect()
        await step()
        return purged

    async def of_shard(self, account: int, shard: int) -> list[int]:
        await self._wait()
        found = await super().of_shard(account, shard)
        await step()
        return found


class Queries:
    """The database as the feed sees it: ``Circles`` and ``Catalogue``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.held = Held(self._load, room=3)

    async def _answer(self) -> None:
        """The answer takes its time, now and then so much that the world moves on."""
        dice = self._world.dice
        for _ in range(1 if dice.random() < 0.95 else dice.randrange(20, 150)):
            await step()

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> list[int]:
        await step()
        model = self._world.model
        found = sorted(
            (p for p in model.live if p < below and model.authors[p] in authors), reverse=True
        )
        await self._answer()
        return found[:limit]

    async def cards(self, ids: Sequence[int]) -> list[Card | None]:
        await step()
        model = self._world.model
        cards = [Card(model.authors[id_]) if id_ in model.live else None for id_ in ids]
        await self._answer()
        return cards

    def cards_at_hand(self, ids: Sequence[int]) -> list[Card | None] | None:
        model = self._world.model
        if self._world.dice.random() < NOT_AT_HAND:
            return None
        return [Card(model.authors[id_]) if id_ in model.live else None for id_ in ids]

    def cached_sets(self, viewer: int) -> Circle | None:
        return self.held.peek(viewer)

    async def sets(self, viewer: int) -> Circle:
        held = self.held.peek(viewer)
        return held if held is not None else (await self.held.get([viewer]))[viewer]

    async def sources_now(self, viewer: int) -> frozenset[int]:
        await step()
        sources = frozenset(self._world.model.sources(viewer))
        await self._answer()
        return sources

    async def _load(self, viewers: Collection[int]) -> dict[int, Circle]:
        await step()
        model = self._world.model
        circles = {
            viewer: Circle(frozenset(model.sources(viewer)), frozenset(model.shown(viewer)))
            for viewer in viewers
        }
        await self._answer()
        return circles

    async def followers(self, author: int) -> AsyncIterator[Sequence[int]]:
        accounts = self._world.accounts
        for start in range(0, len(accounts), CHUNK):
            await step()
            now = self._world.model.followers(author)
            chunk = [account for account in accounts[start : start + CHUNK] if account in now]
            await self._answer()
            if chunk:
                yield chunk


@dataclass
class World:
    """One simulated instance."""

    seed: int
    queries: Queries = field(init=False)
    model: FeedModel = field(default_factory=FeedModel)
    log: list[Logged] = field(default_factory=list)
    visible: int = 0
    """Events up to here can be read by the consumer: their commits were noted."""
    offset: int = 0
    handled: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    reaches: dict[int, Reach] = field(default_factory=dict)
    switches: dict[int, list[int]] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)
    outage: bool = False

    def __post_init__(self) -> None:
        self.zombies = self.seed % 2 == 1  # consumers that were thought dead handle events late
        self.dice = random.Random(self.seed)
        self.clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.scheduler = Scheduler(self.dice, self.clock)
        self.ids = Ids(self.clock)
        self.accounts = [self.ids.next(shard) for shard in SHARDS]
        self.threshold = Threshold(followers=3, hysteresis=0.8, dwell_ms=2_000)
        self._waiting: list[range] = []
        self._lately: dict[int, set[int]] = {account: set() for account in self.accounts}
        self._lately_live: set[int] = set()
        for viewer in self.accounts:
            for author in self.accounts:
                if self.dice.random() < START_FOLLOWING:
                    self.model.follow(viewer, author)
        self.feed = build_feed(self)

    def commit(self, *events: Logged) -> range:
        """Call right after changing ``model``: the change and its events are durable together.

        Returns where the events stand in the log.
        """
        place = range(len(self.log), len(self.log) + len(events))
        self.log.extend(events)
        self._waiting.append(place)
        self._remember()
        for watch in self.watches:
            model = self.model
            watch.changed(model.live, model.shown(watch.viewer), model.feed(watch.viewer))
        return place

    def note(self, place: range) -> None:
        """What the process does after the commit and before the acknowledgement."""
        events = self.log[place.start : place.stop]
        self._waiting.remove(place)
        # The consumer reads on from here only when every commit before was noted, too.
        self.visible = min((waiting.start for waiting in self._waiting), default=len(self.log))
        if not self._waiting:
            self._lately = {account: set() for account in self.accounts}
            self._lately_live = set()
            self._remember()
        for event in events:
            self.queries.held.forget({event.viewer, event.author})
            if event.post is not None:
                self.feed.note_published(
                    event.post.post, event.post.author, event.post.delivery == "pull"
                )
            elif event.kind == "followed":
                self.feed.note_followed(event.viewer, event.author)

    def _remember(self) -> None:
        """Until a commit is noted, and so acknowledged, the state before it may still be served."""
        for account, lately in self._lately.items():
            lately.update(self.model.shown(account))
        self._lately_live |= self.model.live

    def crash(self) -> None:
        """The process dies and starts again; clients lose their connections."""
        self.scheduler.kill_all()
        self.watches.clear()
        self.visible = len(self.log)
        self._waiting.clear()
        self.outage = False
        self.feed = build_feed(self)

    def is_delivered(self, viewer: int, post: int) -> bool:
        """Whether everything that carries the post to the viewer was handled."""
        author = self.model.authors[post]
        published = max(i for i, e in enumerate(self.log) if e.post and e.post.post == post)
        followed = max(
            (
                index
                for index, event in enumerate(self.log)
                if (event.kind, event.viewer, event.author) == ("followed", viewer, author)
            ),
            default=published,
        )
        return {published, followed} <= self.handled

    def watch(self, viewer: int) -> Watch:
        """Begin to record what this viewer could rightly see."""
        model = self.model
        eligible = set(model.feed(viewer))
        watch = Watch(
            viewer,
            live=model.live | self._lately_live,
            shown=model.shown(viewer) | self._lately[viewer],
            always=set(eligible),
            settled={post for post in eligible if self.is_delivered(viewer, post)},
            own={post for post in eligible & self.acknowledged if model.authors[post] == viewer},
            authors=model.authors,
        )
        self.watches.append(watch)
        return watch


def build_feed(world: World) -> Feed[Card]:
    """The code under test, wired to the world, in a process that has just started."""
    world.queries = Queries(world)
    return Feed(
        SteppedTimelines(world),
        world.queries,
        world.queries,
        cap=CAP,
        refills=world.seed % 3,
        breathe=step,
    )

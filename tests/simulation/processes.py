"""One process of the simulated world: the real feed code, and its ways to everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.scheduler import step
from tests.simulation.stored import SteppedTimelines
from tintype.adapters.memory.notices import MemoryNotices
from tintype.database.notices import Notices
from tintype.feed.model import PostDelivered, PostNoted
from tintype.feed.service.feed import Feed
from tintype.feed.service.pulled import Primer
from tintype.graph.model import EdgeMade, SetsChanged
from tintype.graph.service.held import Held
from tintype.kernel.problem import Unavailable

if TYPE_CHECKING:
    from tests.simulation.world import World

CAP = 8
CHUNK = 2
NOT_AT_HAND = 0.5


@dataclass(slots=True)
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class Process:
    """What dies together. ``cut``: the timelines do not answer it; ``deaf``: the notices do not."""

    def __init__(self, world: World) -> None:
        self.cut = False
        self.deaf = False
        self.queries = Queries(world)
        self.timelines = SteppedTimelines(world.stored, self)
        self.notices = Notices()
        self.feed: Feed[Card] = Feed(
            self.timelines,
            self.queries,
            self.queries,
            cap=CAP,
            refills=world.seed % 3,
            breathe=step,
        )
        self._listen()
        if world.fleet:
            self._share(world)

    def _listen(self) -> None:
        feed, hear = self.feed, self.notices.hear
        hear(PostNoted, lambda told: feed.note_published(told.post, told.author, told.pulled))
        hear(PostDelivered, lambda told: feed.sources.own.discard(told.author, told.post))
        hear(EdgeMade, lambda told: feed.note_followed(told.follower, told.followee))
        hear(SetsChanged, lambda told: self.queries.held.forget(told.accounts))

    def _share(self, world: World) -> None:
        self.notices.listen_on(Channel(world, self))
        primer = Primer(
            self.feed.sources.pulled, self.queries.switched_authors, self.queries.published_ids_of
        )
        self.notices.on_doubt(self.queries.held.clear)
        self.notices.on_doubt(primer.forget)
        self.feed.complete_pulled_by(primer)


class Channel(MemoryNotices):
    """A process's way to what the processes tell each other."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__(world.stream)
        self._process = process

    async def _wait(self) -> None:
        await step()
        if self._process.deaf:
            raise Unavailable

    async def publish(self, messages: Sequence[bytes]) -> None:
        await self._wait()
        await super().publish(messages)  # no step follows: see ``World.tell``

    async def catch_up(self, hand: Callable[[Sequence[bytes]], None]) -> None:
        await self._wait()
        await super().catch_up(hand)


class Queries:
    """The database as the feed sees it: ``Circles`` and ``Catalogue``.

    Every query has a step before and after it, so its answer may be old by the time it is used.
    """

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

    async def switched_authors(self) -> list[int]:
        await step()
        switched = list(self._world.reaches)
        await self._answer()
        return switched

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

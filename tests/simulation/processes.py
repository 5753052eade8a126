"""One process of the simulated world: the real feed code, and its ways to everything else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.invariants import FOLLOW, require
from tests.simulation.kept import KeptTasks
from tests.simulation.scheduler import step
from tests.simulation.stored import SteppedTimelines
from tintype.adapters.memory.notices import MemoryNotices
from tintype.database.notices import Notices
from tintype.feed.model import PostDelivered, PostNoted
from tintype.feed.service.carrier import Ways
from tintype.feed.service.fan_out import Sizes
from tintype.feed.service.feed import Feed
from tintype.feed.service.pulled import Primer
from tintype.graph.model import EdgeMade, SetsChanged, h16
from tintype.graph.service.held import Held
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelineState

if TYPE_CHECKING:
    from tests.simulation.world import World

CAP = 8
NOT_AT_HAND = 0.5


@dataclass(slots=True)
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class WatchedFeed(Feed[Card]):
    """The feed, judged whenever it made a timeline agree with a follow."""

    world: World

    async def settle(self, viewer: int, author: int) -> None:
        world = self.world
        published, known = set(world.model.live), len(world.log)
        followed = author in world.model.following[viewer]
        await super().settle(viewer, author)
        timeline = world.stored._timelines.get(viewer)
        if not followed or timeline is None or timeline.state is not TimelineState.READY:
            return
        if any({viewer, author} == {each.viewer, each.author} for each in world.log[known:]):
            return  # they parted since, whatever they are now
        if world.whole is not None and not world.parted_by(viewer, world.clock.now_ms()):
            return  # with fewer to follow they get more of each, once their parting is handled
        due = {
            post
            for post in published & world.model.live
            if world.model.authors[post] == author
            and post > timeline.floor
            and world.model.gets(viewer, post)
        }
        missing = due - set(timeline.ids)
        require(FOLLOW, not missing, f"{viewer} lacks {sorted(missing)} of {author}")


class Process:
    """What dies together. ``cut``: the timelines do not answer it; ``deaf``: the notices do not."""

    def __init__(self, world: World) -> None:
        self.cut = False
        self.deaf = False
        self.queries = Queries(world)
        self.timelines = SteppedTimelines(world.stored, self)
        self.notices = Notices()
        self.carrying = False
        self.feed = WatchedFeed(
            self.timelines,
            self.queries,
            self.queries,
            KeptTasks(world.kept, step),
            cap=CAP,
            refills=world.seed % 3,
            ways=Ways(
                announce=self._announce,
                sizes=Sizes(inline=1, chunk=1, span=1, edges=world.seed % 2),
                breathe=step,
                pause=step,
                whole=world.whole,
            ),
        )
        self.feed.world = world
        self._listen()
        if world.fleet:
            self._share(world)

    async def _announce(self, arrived: Sequence[PostDelivered]) -> None:
        await self.notices.publish(arrived)

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

    async def followers_in(
        self, author: int, first: int, last: int, *, after: int, limit: int
    ) -> list[int]:
        await step()
        now = sorted((h16(each), each) for each in self._world.model.followers(author))
        behind = (h16(after), after) if after else (0, 0)
        chunk = [each for place, each in now if first <= place <= last and (place, each) > behind]
        await self._answer()
        return chunk[:limit]

    async def crowded(self, accounts: Collection[int], followees: int) -> dict[int, int]:
        await step()
        following = self._world.model.following
        found = {each: len(following[each]) for each in accounts}
        await self._answer()
        return {each: many for each, many in found.items() if many > followees}

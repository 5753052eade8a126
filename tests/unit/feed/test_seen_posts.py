"""Feeds without what was seen, and their markers, beside the model: every history, every page."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.feed import FeedModel
from tests.simulation.kept import KeptTasks
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST, SeenPosts, Tier
from tintype.feed.service.caught_up import CaughtUp
from tintype.feed.service.feed import Feed
from tintype.feed.service.reading import Window
from tintype.kernel.clock import SystemClock

ADA, BO, CY, DEE = 1, 2, 3, 4
POSTS = st.lists(st.integers(1, 60), unique=True, max_size=40)


@dataclass
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class Town:
    """The model as the feed asks it."""

    def __init__(self, model: FeedModel) -> None:
        self.model = model
        self.at_hand = True

    async def sets(self, viewer: int) -> Circle:
        return self.cached_sets(viewer)

    def cached_sets(self, viewer: int) -> Circle:
        return Circle(frozenset(self.model.sources(viewer)), frozenset(self.model.shown(viewer)))

    async def sources_now(self, viewer: int) -> frozenset[int]:
        return self.cached_sets(viewer).sources

    async def crowded(self, accounts: Collection[int], followees: int) -> dict[int, int]:
        del accounts, followees
        return {}

    async def followers_in(
        self, author: int, first: int, last: int, *, after: int, limit: int
    ) -> Sequence[int]:
        del author, first, last, after, limit
        return ()

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> Sequence[int]:
        posts, of = self.model.live, self.model.authors
        found = sorted((id_ for id_ in posts if id_ < below and of[id_] in authors), reverse=True)
        return found[:limit]

    async def cards(self, ids: Sequence[int]) -> Sequence[Card | None]:
        of = self.model.authors
        return [Card(of[id_]) if id_ in self.model.live else None for id_ in ids]

    def cards_at_hand(self, ids: Sequence[int]) -> Sequence[Card | None] | None:
        of = self.model.authors
        if not self.at_hand:
            return None
        return [Card(of[id_]) if id_ in self.model.live else None for id_ in ids]


@dataclass
class Scene:
    """Ada follows Bo and Cy, and mutes Cy; some posts are gone since her timeline was built."""

    feed: Feed[Card]
    town: Town
    seen: SeenPosts
    since: int

    @property
    def model(self) -> FeedModel:
        return self.town.model

    async def walk(self, limit: int, *, hide: bool) -> list[Window[Card]]:
        """Every window of Ada's feed."""
        windows: list[Window[Card]] = []
        below: int | None = NEWEST
        hidden = self.seen if hide else SeenPosts()
        while below is not None:
            windows.append(await self.feed.reading.window(ADA, below, limit, hidden))
            below = windows[-1].examined
        return windows


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    model = FeedModel()
    for author in (BO, CY):
        model.follow(ADA, author)
    for post in draw(POSTS):
        model.publish(draw(st.sampled_from([ADA, BO, CY, DEE])), post)
    town = Town(model)
    feed: Feed[Card] = Feed(
        MemoryTimelines(SystemClock()),
        town,
        town,
        KeptTasks(),
        cap=draw(st.sampled_from([4, 100])),
        refills=1,
    )
    asyncio.run(_read(feed))
    if draw(st.booleans()):
        model.mute(ADA, CY)
    for post in (
        draw(st.lists(st.sampled_from([*model.authors]), max_size=6)) if model.authors else ()
    ):
        model.see(ADA, post)
        model.delete(post)
    seen = draw(st.lists(st.sampled_from([*model.live]), max_size=40)) if model.live else []
    for post in seen:
        model.see(ADA, post)
    if draw(st.booleans()):
        feed.reading.allow([Tier.DATABASE])
    town.at_hand = draw(st.booleans())
    return Scene(feed, town, SeenPosts(model.seen[ADA]), draw(st.integers(0, 40)))


async def _read(feed: Feed[Card]) -> None:
    await feed.window(ADA, NEWEST, 1)


@given(scene=scenes(), limit=st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_a_walk_without_seen_posts_meets_every_other_one_once(scene: Scene, limit: int) -> None:
    windows = asyncio.run(scene.walk(limit, hide=True))

    assert [id_ for window in windows for id_ in window.ids] == scene.model.unseen(ADA)
    assert all(window.ids for window in windows[:-1]), "an empty page that is not the end"


@given(scene=scenes(), limit=st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_every_page_knows_where_nothing_new_is_left(scene: Scene, limit: int) -> None:
    marks = CaughtUp(scene.feed)

    for window in asyncio.run(scene.walk(limit, hide=False)):
        expected = scene.model.caught_up(ADA, [*window.ids], scene.since)
        found = asyncio.run(marks.on(window, ADA, scene.seen, scene.since))
        at_hand = asyncio.run(marks.at_hand(window, ADA, scene.seen, scene.since))
        assert found == expected
        assert at_hand == (True, expected) or not at_hand[0]


async def test_what_was_seen_is_passed_over_however_much_it_is() -> None:
    model = FeedModel()
    for post in range(1, 1_201):
        model.publish(ADA, post)
    town = Town(model)
    feed: Feed[Card] = Feed(MemoryTimelines(SystemClock()), town, town, KeptTasks())
    seen = SeenPosts(range(101, 1_101))

    first = await feed.reading.window(ADA, NEWEST, 100, seen)
    second = await feed.reading.window(ADA, first.examined or 0, 20, seen)

    assert [*first.ids] == [*range(1_200, 1_100, -1)]
    assert [*second.ids] == [*range(100, 80, -1)]


async def test_a_marker_does_without_an_answer_that_cannot_be_had() -> None:
    model = FeedModel()
    for post in range(1, 10):
        model.publish(ADA, post)
    town = Town(model)
    feed: Feed[Card] = Feed(MemoryTimelines(SystemClock()), town, town, KeptTasks())
    seen = SeenPosts(range(1, 10))
    window = await feed.window(ADA, NEWEST, 3)
    assert await CaughtUp(feed).on(window, ADA, seen, 1) == 9

    feed.reading.allow([])

    assert await CaughtUp(feed).on(window, ADA, seen, 1) is None
    assert await CaughtUp(feed).on(window, ADA, seen, window.ids[-1]) == 9

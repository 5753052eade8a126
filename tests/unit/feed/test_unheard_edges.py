"""A process that has not heard of an edge yet changes timelines as the database says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from tests.simulation.kept import KeptTasks
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST
from tintype.feed.service.feed import Feed
from tintype.kernel.clock import SystemClock
from tintype.ports.timelines import TimelineState

ADA, BO = 1, 2


@dataclass
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int]
    shown: frozenset[int]


class Town:
    """Ada may follow Bo; ``heard`` is what the process believes, ``committed`` what is true."""

    def __init__(self) -> None:
        self.posts = [*range(1, 6)]
        self.heard = self.committed = frozenset({ADA})

    async def sets(self, viewer: int) -> Circle:
        return self.cached_sets(viewer)

    def cached_sets(self, viewer: int) -> Circle:
        del viewer
        return Circle(self.heard, self.heard)

    async def sources_now(self, viewer: int) -> frozenset[int]:
        del viewer
        return self.committed

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
        found = [post for post in reversed(self.posts) if post < below and BO in authors]
        return found[:limit]

    async def cards(self, ids: Sequence[int]) -> Sequence[Card | None]:
        return self.cards_at_hand(ids)

    def cards_at_hand(self, ids: Sequence[int]) -> Sequence[Card | None]:
        return [Card(BO) for _ in ids]


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def timelines() -> MemoryTimelines:
    return MemoryTimelines(SystemClock())


@pytest.fixture
async def feed(town: Town, timelines: MemoryTimelines) -> Feed[Card]:
    opened: Feed[Card] = Feed(timelines, town, town, KeptTasks())
    await opened.window(ADA, NEWEST, 10)
    return opened


async def _held(timelines: MemoryTimelines) -> list[int]:
    page = await timelines.page(ADA, NEWEST, 10)
    assert page.state is TimelineState.READY
    return [*page.ids]


async def test_a_follow_that_was_not_heard_of_yet_is_backfilled(
    feed: Feed[Card], town: Town, timelines: MemoryTimelines
) -> None:
    town.committed = frozenset({ADA, BO})

    await feed.join(ADA, BO)

    assert await _held(timelines) == [5, 4, 3, 2, 1]


async def test_an_old_unfollow_takes_nothing_from_whoever_follows_again(
    feed: Feed[Card], town: Town, timelines: MemoryTimelines
) -> None:
    town.committed = frozenset({ADA, BO})
    await feed.join(ADA, BO)

    await feed.part(ADA, BO)

    assert await _held(timelines) == [5, 4, 3, 2, 1]


async def test_an_unfollow_that_was_not_heard_of_yet_frees_the_room(
    feed: Feed[Card], town: Town, timelines: MemoryTimelines
) -> None:
    town.committed = town.heard = frozenset({ADA, BO})
    await feed.join(ADA, BO)
    town.committed = frozenset({ADA})

    await feed.part(ADA, BO)

    assert await _held(timelines) == []


async def test_a_timeline_is_built_with_a_follow_that_was_not_heard_of_yet(
    feed: Feed[Card], town: Town, timelines: MemoryTimelines
) -> None:
    town.committed = frozenset({ADA, BO})

    assert await feed.reading.build(ADA)

    assert await _held(timelines) == [5, 4, 3, 2, 1]

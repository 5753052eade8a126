"""An author sees the own posts while fan-out stands still, however many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.simulation.kept import KeptTasks
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST
from tintype.feed.service.feed import Feed
from tintype.feed.service.pulled import Primer
from tintype.kernel.clock import SystemClock

ADA = 1
BEA = 2


@dataclass
class Card:
    author: int


class Circle(NamedTuple):
    sources: frozenset[int] = frozenset({ADA})
    shown: frozenset[int] = frozenset({ADA})


class Town:
    """Ada alone; the database knows what was committed."""

    def __init__(self) -> None:
        self.posts = [*range(1, 11)]
        self.deleted: set[int] = set()

    async def sets(self, viewer: int) -> Circle:
        del viewer
        return Circle()

    def cached_sets(self, viewer: int) -> Circle:
        del viewer
        return Circle()

    async def sources_now(self, viewer: int) -> frozenset[int]:
        return frozenset({viewer})

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
        del authors
        return [post for post in reversed(self.posts) if post < below and post not in self.deleted][
            :limit
        ]

    async def cards(self, ids: Sequence[int]) -> Sequence[Card | None]:
        return self.cards_at_hand(ids)

    def cards_at_hand(self, ids: Sequence[int]) -> Sequence[Card | None]:
        return [None if id_ in self.deleted else Card(ADA) for id_ in ids]


async def test_more_own_posts_than_a_page_holds_are_all_served() -> None:
    town = Town()
    feed: Feed[Card] = Feed(MemoryTimelines(SystemClock()), town, town, KeptTasks())
    await feed.window(ADA, NEWEST, 3)  # the timeline is there before the posts are

    for post in range(101, 121):
        town.posts.append(post)
        feed.note_published(post, ADA, pulled=False)
    town.deleted = {118, 119, 120}

    served: list[int] = []
    below: int | None = NEWEST
    while below is not None:
        window = await feed.window(ADA, below, 3)
        served += window.ids
        below = window.examined
    assert served == [*range(117, 100, -1), *range(10, 0, -1)]


async def test_a_process_that_was_not_told_serves_own_posts_that_fan_out_has_not_carried() -> None:
    town = Town()
    timelines = MemoryTimelines(SystemClock())
    told: Feed[Card] = Feed(timelines, town, town, KeptTasks())
    await told.window(ADA, NEWEST, 3)
    town.posts.append(11)
    told.note_published(11, ADA, pulled=False)

    started_later: Feed[Card] = Feed(timelines, town, town, KeptTasks())
    primer = _primed(started_later, town)
    assert (await started_later.window(ADA, NEWEST, 2)).ids == [11, 10]

    town.posts.append(12)
    assert (await started_later.window(ADA, NEWEST, 2)).ids == [11, 10]  # nobody told it
    primer.forget()
    assert (await started_later.window(ADA, NEWEST, 2)).ids == [12, 11]


async def test_pulled_posts_are_merged_though_they_are_forgotten_while_the_page_is_made() -> None:
    town = Forgetful()
    feed: Feed[Card] = Feed(MemoryTimelines(SystemClock()), town, town, KeptTasks())
    await feed.window(ADA, NEWEST, 3)
    town.posts.append(11)
    town.primer = _primed(feed, town, pulled={BEA})
    town.forget_at = 2

    window = await feed.window(ADA, NEWEST, 2)

    assert town.forget_at < 0
    assert window.ids == [11, 10]


class Forgetful(Town):
    """All posts are those of Bea. Doubt falls upon the process while the circle is read, once."""

    primer: Primer | None = None
    forget_at = 0

    async def sets(self, viewer: int) -> Circle:
        self.forget_at -= 1
        if self.forget_at == 0 and self.primer is not None:
            self.primer.forget()
        return Circle(shown=frozenset({ADA, BEA}))

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> Sequence[int]:
        found = await super().published_ids_of(authors, below=below, limit=limit)
        return found if BEA in authors else []

    def cards_at_hand(self, ids: Sequence[int]) -> Sequence[Card | None]:
        return [Card(BEA) for _ in ids]


def _primed(feed: Feed[Card], town: Town, pulled: Collection[int] = ()) -> Primer:
    async def authors() -> Collection[int]:
        return pulled

    primer = Primer(feed.sources.pulled, authors, town.published_ids_of)
    feed.complete_pulled_by(primer)
    return primer

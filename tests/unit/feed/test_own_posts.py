"""An author sees the own posts while fan-out stands still, however many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST
from tintype.feed.service.feed import Feed
from tintype.kernel.clock import SystemClock

ADA = 1


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

    async def followers(self, author: int) -> AsyncIterator[Sequence[int]]:
        del author
        yield ()

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
    feed: Feed[Card] = Feed(MemoryTimelines(SystemClock()), town, town)
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

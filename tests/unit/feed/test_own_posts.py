"""An author sees the own posts while fan-out stands still, however many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple

from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST
from tintype.feed.service.feed import Feed
from tintype.kernel.clock import SystemClock

ADA = 1


class Card(NamedTuple):
    author: int


class Circle(NamedTuple):
    sources: frozenset[int] = frozenset({ADA})
    shown: frozenset[int] = frozenset({ADA})


class Town:
    """Ada alone; the database knows what was committed."""

    def __init__(self) -> None:
        self.posts: list[int] = []

    async def sets(self, viewer: int) -> Circle:
        del viewer
        return Circle()

    async def followers(self, author: int) -> AsyncIterator[Sequence[int]]:
        del author
        yield ()

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> Sequence[int]:
        del authors
        return [post for post in reversed(self.posts) if post < below][:limit]

    async def cards(self, ids: Sequence[int]) -> list[Card | None]:
        return [Card(ADA) if id_ in self.posts else None for id_ in ids]


async def test_more_own_posts_than_a_page_holds_are_all_served() -> None:
    town = Town()
    feed = Feed(MemoryTimelines(SystemClock()), town, town)
    await feed.window(ADA, NEWEST, 3)  # the timeline is there before the posts are

    for post in range(101, 121):
        town.posts.append(post)
        feed.note_published(post, ADA, pulled=False)

    served: list[int] = []
    below: int | None = NEWEST
    while below is not None:
        window = await feed.window(ADA, below, 3)
        served += window.ids
        below = window.examined
    assert served == list(range(120, 100, -1))

"""Fan-out: carrying a published post into the timelines of those who follow its author."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Generic, NamedTuple

from tintype.feed.model import LAST_H16, Delivery, Lane, Task, keeps
from tintype.feed.service.lanes import Lanes
from tintype.feed.service.reading import Sources
from tintype.feed.service.sources import C
from tintype.graph import h16
from tintype.kernel.ids import SHARDS, Id, shard_of


class Delivered(NamedTuple):
    """A post to deliver: whose it is, and how it travels."""

    post: Id
    author: Id
    delivery: Delivery


class Sizes(NamedTuple):
    """How fan-out cuts its work."""

    inline: int = 2_000
    """Deliveries that the posts of one author may take of a batch; beyond that they are stored."""
    chunk: int = 2_000
    """Followers who are reached between two looks at whether the post is still live."""
    span: int = 50_000
    """Followers of one task, about."""
    edges: int = 20
    """Follows and unfollows that are settled inside a batch; where more come they are stored."""


MOST_SPANS = 16


class FanOut(NamedTuple, Generic[C]):
    """What it takes to deliver posts inside a batch of events."""

    sources: Sources[C]
    lanes: Lanes
    sizes: Sizes
    breathe: Callable[[], Awaitable[None]]
    whole: int | None = None

    async def deliver(self, posts: Sequence[Delivered]) -> list[Task]:
        """Deliver posts to their authors, and to the followers of those who have few.

        Returns the tasks that the others leave. Safe to repeat from the start after any
        interruption: deliveries are unions. ``breathe`` is awaited between the posts to let readers
        in.

        Raises:
            Unavailable: the timelines do not answer; deliver the same posts again later.
        """
        sources = self.sources
        cards = await sources.catalogue.cards([post.post for post in posts])
        left: list[Task] = []
        spent: Counter[Id] = Counter()
        with self.lanes.urgent():
            for post, card in zip(posts, cards, strict=True):
                if card is None:
                    continue
                await self._push((post.author,), post.post)
                sources.own.discard(post.author, post.post)
                if post.delivery == "pull":
                    sources.pulled.add(post.author, post.post)
                    continue
                few = max(0, self.sizes.inline - spent[post.author])
                chunk = await sources.circles.followers_in(
                    post.author, 0, LAST_H16, after=0, limit=few + 1
                )
                if len(chunk) > few:
                    left += tasks_of(post, chunk, self.sizes.span)
                elif chunk:
                    spent[post.author] += len(chunk)
                    getting = await who_gets(sources, chunk, post.post, self.whole)
                    await self._push(getting, post.post)
                await self.breathe()
        return left

    async def _push(self, accounts: Sequence[Id], post: Id) -> None:
        await self.sources.timelines.push(accounts, post)
        self.lanes.served(len(accounts))


async def who_gets(
    sources: Sources[C], followers: Sequence[Id], post: Id, whole: int | None
) -> Sequence[Id]:
    """The followers without those who follow too many to get this post; see ``keeps``."""
    if whole is None or not followers:
        return followers
    crowded = await sources.circles.crowded(followers, whole)
    if not crowded:
        return followers
    return [
        follower
        for follower in followers
        if follower not in crowded or keeps(post, follower, crowded[follower], whole)
    ]


def tasks_of(post: Delivered, first_followers: Sequence[Id], span: int) -> list[Task]:
    """The tasks that carry a post to all followers of its author, about ``span`` each.

    Hashes are spread evenly, so how far the first followers reach tells how many there are. The
    same post is always cut alike as long as its author's first followers stay; where it is not, its
    ranges overlap, which costs time and changes nothing.
    """
    followers = len(first_followers) * (LAST_H16 + 1) // (h16(first_followers[-1]) + 1)
    spans = min(max(-(-followers // span), 1), MOST_SPANS)
    bounds = [(LAST_H16 + 1) * number // spans for number in range(spans + 1)]
    return [
        Task(
            Lane.LO,
            post.author,
            post.post,
            first=first,
            last=end - 1,
            shard=(shard_of(post.author) + SHARDS * number // spans) % SHARDS,
        )
        for number, (first, end) in enumerate(pairwise(bounds))
    ]

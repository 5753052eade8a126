"""Fan-out: carrying a published post into the timelines of those who follow its author."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from tintype.feed.model import Delivery
from tintype.feed.service.reading import Sources
from tintype.feed.service.sources import C
from tintype.kernel.ids import Id


class Delivered(NamedTuple):
    """A post to deliver: whose it is, and how it travels."""

    post: Id
    author: Id
    delivery: Delivery


async def fan_out(
    posts: Sequence[Delivered], sources: Sources[C], breathe: Callable[[], Awaitable[None]]
) -> int:
    """Deliver posts to the timelines of their authors and followers; returns the deliveries made.

    Safe to repeat from the start after any interruption: deliveries are unions. The posts take
    turns chunk by chunk, so a small author never waits for a big one; ``breathe`` is awaited
    between chunks to let readers in.

    Raises:
        Unavailable: the timelines do not answer; deliver the same posts again later.
    """
    cards = await sources.catalogue.cards([post.post for post in posts])
    lanes = deque(
        (post, _chunks(post, sources))
        for post, card in zip(posts, cards, strict=True)
        if card is not None
    )
    delivered = 0
    while lanes:
        post, chunks = lanes.popleft()
        chunk = await anext(chunks, None)
        if chunk is None:
            continue
        delivered += await sources.timelines.push(chunk, post.post)
        if chunk == (post.author,):
            sources.own.discard(post.author, post.post)
        lanes.append((post, chunks))
        await breathe()
    return delivered


async def _chunks(post: Delivered, sources: Sources[C]) -> AsyncIterator[Sequence[Id]]:
    """The author first, then the followers, unless the post is pulled."""
    yield (post.author,)
    if post.delivery == "pull":
        sources.pulled.add(post.author, post.post)
        return
    async for chunk in sources.circles.followers(post.author):
        yield chunk

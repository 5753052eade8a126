"""The consumer group ``fan-out``: what happened becomes what timelines hold."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.database import Consumer
from tintype.feed.model import Delivery
from tintype.feed.service import Delivered, Home
from tintype.graph.events import Followed, Unfollowed
from tintype.kernel.event import Event
from tintype.posts.events import PostPublished


def consumers(home: Home) -> list[Consumer]:
    """The consumer groups of the feed slice."""

    async def fan_out(batch: Sequence[Event]) -> None:
        """Edges in their order, then the posts in turns.

        A post commutes with an edge: a scan of the followers that misses a new edge ran before the
        edge was committed, and then the backfill of that edge finds the post.
        """
        posts: list[Delivered] = []
        for event in batch:
            match event:
                case Followed():
                    await home.join(event.follower, event.followee)
                case Unfollowed():
                    await home.part(event.follower, event.followee)
                case PostPublished():
                    delivery: Delivery = "pull" if event.delivery == "pull" else "push"
                    posts.append(Delivered(event.post, event.author, delivery))
        await home.deliver(posts)

    return [
        Consumer(
            "fan-out",
            (PostPublished, Followed, Unfollowed),
            fan_out,
            on_lost=home.distrust_timelines,
        )
    ]

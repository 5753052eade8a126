"""The consumer group ``fan-out``: what happened becomes what timelines hold."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.database import Consumer
from tintype.feed.model import Delivery
from tintype.feed.service import Delivered, Edge, Home
from tintype.graph.events import Followed, Unfollowed
from tintype.kernel.event import Event
from tintype.posts.events import PostPublished


def consumers(home: Home) -> list[Consumer]:
    """The consumer groups of the feed slice."""

    async def fan_out(batch: Sequence[Event]) -> None:
        """Posts and edges in one go; what is too much for a batch is stored by it."""
        edges: list[Edge] = []
        posts: list[Delivered] = []
        for event in batch:
            match event:
                case Followed() | Unfollowed():
                    edges.append(Edge(event.follower, event.followee))
                case PostPublished():
                    delivery: Delivery = "pull" if event.delivery == "pull" else "push"
                    posts.append(Delivered(event.post, event.author, delivery))
        await home.take(edges, posts)

    return [
        Consumer(
            "fan-out",
            (PostPublished, Followed, Unfollowed),
            fan_out,
            on_lost=home.distrust_timelines,
        )
    ]

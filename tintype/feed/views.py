from __future__ import annotations

import msgspec

from tintype.feed.model import Tier
from tintype.posts import FeedPostView


class FeedPage(msgspec.Struct, frozen=True):
    """Part of a feed, newest post first; ``next_cursor`` is null at the end and only there.

    ``tier`` names what answered: ``chronological`` is the healthy answer, ``database`` means that
    the stored timeline was not at hand and the same posts were looked up one followee at a time.
    ``trending`` means that the feed could not be read: these are popular posts of public accounts,
    the most popular first, and ``next_cursor`` is null. ``ranked`` needs a ranker.

    ``caught_up`` is the newest post on this page that the viewer has seen and below which nothing
    is new to them, on this page or any later one: everything there was seen, or is more than three
    days old. Null when there is no such post here, when seen posts are hidden, and for
    ``trending``. A client shows one marker a visit, before the first post that it is told so.
    """

    items: list[FeedPostView]
    next_cursor: str | None
    tier: Tier
    caught_up: str | None

"""The home feed over Tintype's own graph and posts, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tintype.database import Database, Notices
from tintype.feed import store
from tintype.feed.model import NEWEST, PostDelivered, PostNoted, Threshold, Tier
from tintype.feed.service.fan_out import Delivered
from tintype.feed.service.feed import Feed
from tintype.feed.service.pulled import Primer
from tintype.feed.service.reach import ByReach
from tintype.graph import Graph
from tintype.kernel.cursor import decode, encode
from tintype.kernel.ids import Id
from tintype.kernel.page import DEFAULT_LIMIT
from tintype.ports.timelines import Timelines
from tintype.posts import Card, Posts

CURSOR = "feed"
ENDS_HELD = 20_000
_START = b'{"items":['


class Home(Feed[Card]):
    """The home feed: the own posts and those of followees, newest first."""

    def __init__(
        self,
        database: Database,
        timelines: Timelines,
        graph: Graph,
        posts: Posts,
        *,
        threshold: Threshold,
    ) -> None:
        super().__init__(timelines, graph, posts)
        self._database = database
        self._posts = posts
        graph.on_follow(self.note_followed)
        posts.deliver_by(ByReach(threshold, database.clock))
        self._share(database.notices)

    async def page(self, viewer: Id, *, cursor: str | None, limit: int, here: str) -> bytes:
        """A page of the feed, encoded as ``FeedPage``.

        ``here`` is the address under which the caller reaches this server.

        Raises:
            UnknownCursor: the cursor was not handed out by a feed.
        """
        below = decode(CURSOR, cursor) if cursor else None
        window = await self.reading.window(viewer, below[0] if below else NEWEST, limit)
        around = (_START, _end(window.examined, window.tier))
        return await self._posts.encode(window.cards, viewer=viewer, here=here, around=around)

    async def first_page(self, viewer: Id, here: str) -> bytes:
        """What the feed starts with, encoded as ``FeedPage``."""
        return await self.page(viewer, cursor=None, limit=DEFAULT_LIMIT, here=here)

    async def deliver(self, posts: Sequence[Delivered]) -> int:
        """Fan posts out, and tell the processes that served them to their authors meanwhile."""
        delivered = await super().deliver(posts)
        told = [PostDelivered(post=each.post, author=each.author) for each in posts]
        await self._database.notices.publish(told)
        return delivered

    async def erase_account(self, account: Id) -> None:
        """Forget what the feed keeps of an account; its posts and follows go where they live."""
        async with self._database.write() as tx:
            await store.forget_reach(tx, account)
        await self.sources.timelines.drop(account)

    def _share(self, notices: Notices) -> None:
        own, pulled = self.sources.own, self.sources.pulled
        notices.hear(
            PostNoted, lambda notice: self.note_published(notice.post, notice.author, notice.pulled)
        )
        notices.hear(PostDelivered, lambda notice: own.discard(notice.author, notice.post))
        if not notices.alone:
            primer = Primer(pulled, self._switched_authors, self._posts.published_ids_of)
            notices.on_doubt(primer.forget)
            self.complete_pulled_by(primer)

    async def _switched_authors(self) -> list[Id]:
        async with self._database.read() as reader:
            return await store.switched_authors(reader)


@lru_cache(ENDS_HELD)
def _end(examined: Id | None, tier: Tier) -> bytes:
    """What follows the items. Kept, because the feeds of many viewers break at the same posts."""
    cursor = "null" if examined is None else f'"{encode(CURSOR, examined)}"'
    return f'],"next_cursor":{cursor},"tier":"{tier}"}}'.encode()

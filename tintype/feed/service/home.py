"""The home feed over Tintype's own graph and posts, as bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from tintype.database import Database, Notices, TryAgain
from tintype.feed import store
from tintype.feed.errors import FeedUnavailable, NoRanker
from tintype.feed.model import (
    NEWEST,
    NOTHING_SEEN,
    FanOutFigures,
    FeedFlags,
    FeedSettings,
    PostDelivered,
    PostNoted,
    Run,
    Tier,
    caught_up_at,
    news_may_follow,
    oldest_news,
    tiers_of,
)
from tintype.feed.service.carrier import Ways
from tintype.feed.service.caught_up import CaughtUp
from tintype.feed.service.feed import Feed
from tintype.feed.service.patience import DatabasePatience, Patience, Trusting
from tintype.feed.service.pulled import Primer
from tintype.feed.service.reach import FEWEST_PUSHES, LOOK_MS, ByReach, note_pace
from tintype.feed.service.reading import Window
from tintype.feed.service.seen import Seen
from tintype.feed.service.tasks import StoredTasks
from tintype.feed.service.trending import Trending
from tintype.graph import Graph
from tintype.kernel.cursor import decode, encode
from tintype.kernel.ids import Id
from tintype.kernel.page import DEFAULT_LIMIT
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelinePage, Timelines
from tintype.posts import FOLLOWED, Card, Posts, Why, Whys

CURSOR = "feed"
NO_TIER = "none"
"""Counted where a feed was asked for and no tier could answer."""
ENDS_HELD = 20_000
_NOBODY = 0
_START = b'{"items":['


class AskedPage(NamedTuple):
    """A page of the feed that somebody asked for, under the address ``here`` of this server."""

    viewer: Id
    below: Id
    limit: int
    here: str


class Home(Feed[Card]):
    """The home feed: the own posts and those of followees, newest first."""

    def __init__(
        self,
        database: Database,
        timelines: Timelines,
        graph: Graph,
        posts: Posts,
        *,
        settings: FeedSettings,
    ) -> None:
        stored = StoredTasks(database)
        super().__init__(
            timelines,
            graph,
            posts,
            stored,
            ways=Ways(announce=database.notices.publish, whole=settings.whole_followees),
        )
        self._stored = stored
        self._pace_at_ms = 0
        self._database = database
        self._posts = posts
        self._encode_at_hand = posts.encode_at_hand
        self._widely_followed = posts.widely_followed
        self.seen = Seen(database, graph, posts)
        self._seen_held = self.seen.held
        self._caught_up = CaughtUp(self)
        self._trending = Trending(graph, posts)
        self._tiers = tiers_of(FeedFlags())
        self.answers = dict.fromkeys((*Tier, NO_TIER), 0)
        """Feeds that were asked of this process, by the tier that answered."""
        graph.on_follow(self.note_followed)
        self._reach = ByReach(settings.threshold(), database.clock)
        posts.deliver_by(self._reach)
        self._share(database.notices)
        self._patience: Patience = Trusting()
        if database.patience_s is not None:
            self._patience = DatabasePatience(
                self._knock, budget_s=settings.budget_ms / 1000, longest_s=database.patience_s
            )

    async def page(
        self, viewer: Id, *, cursor: str | None, limit: int, here: str, hide_seen: bool = False
    ) -> bytes:
        """A page of the feed, encoded as ``FeedPage``; without what was seen, if that is wanted.

        ``here`` is the address under which the caller reaches this server.

        Popular posts stand in for the beginning of a feed only: whoever is further down is told
        to come back, so that a walk never passes over anything.

        Raises:
            UnknownCursor: the cursor was not handed out by a feed.
            FeedUnavailable: no tier that is switched on can answer.
        """
        asked = decode(CURSOR, cursor) if cursor else None
        below = asked[0] if asked else NEWEST
        at_hand = None if hide_seen else await self._at_hand(viewer, below, limit, here)
        if at_hand is not None:
            self.answers[Tier.CHRONOLOGICAL] += 1
            return at_hand
        try:
            body, tier = await self._patience.give(
                self._page(viewer, below, limit, here, hide_seen=hide_seen),
                instead=lambda: self._last(viewer, cursor, limit, here),
            )
        except Unavailable:
            self.answers[NO_TIER] += 1
            raise
        self.answers[tier] += 1
        return body

    def on_arrival(self, hear: Callable[[Id], None]) -> None:
        """Call ``hear(author)`` when a new post of an author is in the feeds of its followers."""
        notices = self._database.notices
        notices.hear(PostDelivered, lambda notice: hear(notice.author))
        notices.hear(PostNoted, lambda notice: hear(notice.author) if notice.pulled else None)

    def instantly(self, viewer: Id, *, cursor: str | None, limit: int, here: str) -> bytes | None:
        """The same page as ``page``, where all of it is in this process; ``None`` elsewhere.

        Raises:
            UnknownCursor: the cursor was not handed out by a feed.
        """
        asked = decode(CURSOR, cursor) if cursor else None
        page = self._at_hand(viewer, asked[0] if asked else NEWEST, limit, here)
        try:
            page.send(None)
        except StopIteration as ended:
            body: bytes | None = ended.value
            self.answers[Tier.CHRONOLOGICAL] += body is not None
            return body
        finally:
            # It may have come to a point where it waits: then nothing of it was done.
            page.close()
        return None

    def of_timeline(self, asked: AskedPage, page: TimelinePage, others: list[Run]) -> bytes | None:
        """The same page as ``page``, of a timeline's page with a margin that was read already.

        ``others`` is what ``Reading.before_timeline`` said.
        """
        viewer, below, limit, here = asked
        window = self.reading.with_timeline(viewer, below, limit, page, others)
        body = None if window is None else self._encoded(viewer, window, here)
        self.answers[Tier.CHRONOLOGICAL] += body is not None
        return body

    def switch(self, flags: FeedFlags) -> None:
        """Stand on these rungs only, from now on."""
        self._tiers = tiers_of(flags)
        self.reading.allow(self._tiers)

    async def distrust_timelines(self) -> None:
        """Have every timeline built anew when it is next read.

        Raises:
            Unavailable: the timelines do not answer, so they are not distrusted.
        """
        await self.sources.timelines.advance_epoch()

    async def require_ranker(self) -> None:
        """Check that feeds can be ranked.

        Raises:
            NoRanker: always, as long as no ranker is part of this server.
        """
        raise NoRanker

    async def warm(self) -> None:
        """Ask once what the first reader will ask, so that they find it prepared.

        Raises:
            Unavailable: the database does not answer.
        """
        await self._knock()
        await self._posts.popular.refresh()
        sources = (await self.sources.circles.sets(_NOBODY)).sources
        await self._posts.published_ids_of(sources, below=NEWEST, limit=DEFAULT_LIMIT)

    async def first_page(self, viewer: Id, here: str) -> bytes:
        """What the feed starts with, encoded as ``FeedPage``."""
        return await self.page(viewer, cursor=None, limit=DEFAULT_LIMIT, here=here)

    async def carry(self) -> None:
        """Carry stored tasks of fan-out until cancelled; then hand back what is held."""
        try:
            await self.carrier.run(self._before_carrying)
        finally:
            with contextlib.suppress(Unavailable):
                await self._stored.close()

    async def fan_out_figures(self) -> FanOutFigures:
        """What waits in the lanes of fan-out, and from how many followers on posts are pulled."""
        async with self._database.read() as reader:
            return await self._reach.figures(reader)

    async def erase_account(self, account: Id) -> None:
        """Forget what the feed keeps of an account; its posts and follows go where they live."""
        async with self._database.write() as tx:
            await store.forget_reach(tx, account)
            await store.forget_seen(tx, account)
        await self.sources.timelines.drop(account)

    async def _at_hand(self, viewer: Id, below: Id, limit: int, here: str) -> bytes | None:
        """The page, if nobody but the timelines needs to be asked for it."""
        window = await self.reading.at_hand(viewer, below, limit)
        if window is None:
            return None
        body = self._encoded(viewer, window, here)
        return await self._looked_ahead(viewer, window, here) if body is None else body

    async def _looked_ahead(self, viewer: Id, window: Window[Card], here: str) -> bytes | None:
        """The page of a window, if nobody but the timelines needs to be asked what follows."""
        seen = self._seen_held.get(viewer)
        if seen is None:
            return None
        since = oldest_news(self._database.clock.now_ms())
        decided, caught_up = await self._caught_up.at_hand(window, viewer, seen, since)
        return self._encoded(viewer, window, here, (caught_up,)) if decided else None

    def _encoded(
        self, viewer: Id, window: Window[Card], here: str, found: tuple[Id | None] | None = None
    ) -> bytes | None:
        """The page of a window, if its own posts tell where nothing new is left, or that was
        ``found``.
        """
        seen = self._seen_held.get(viewer)
        if seen is None:
            return None
        caught_up = None
        if found is not None:
            (caught_up,) = found
        elif seen is not NOTHING_SEEN:
            since = oldest_news(self._database.clock.now_ms())
            caught_up = caught_up_at(window.ids, seen, since)
            if caught_up is not None and news_may_follow(window.examined, since):
                return None
        authors = window.authors
        # Most pages are only of ordinary followees: seen without looking at the posts one by one.
        plain = (
            authors is not None
            and viewer not in authors
            and authors.isdisjoint(self._widely_followed)
        )
        return self._encode_at_hand(
            window.cards,
            viewer=viewer,
            here=here,
            around=(_START, _end(window.examined, window.tier, caught_up)),
            whys=FOLLOWED if plain else _whys(viewer, window),
        )

    async def _page(
        self, viewer: Id, below: Id, limit: int, here: str, *, hide_seen: bool
    ) -> tuple[bytes, Tier]:
        try:
            return await self._read(viewer, below, limit, here, hide_seen=hide_seen)
        except TryAgain:
            # One connection was lost, as after a restart: another one will do.
            return await self._read(viewer, below, limit, here, hide_seen=hide_seen)

    async def _read(
        self, viewer: Id, below: Id, limit: int, here: str, *, hide_seen: bool
    ) -> tuple[bytes, Tier]:
        try:
            seen = await self.seen.of(viewer)
        except Unavailable:
            if hide_seen:
                raise
            # The page is worth more than its marker.
            seen = NOTHING_SEEN
        window = await self.reading.window(
            viewer, below, limit, seen if hide_seen else NOTHING_SEEN
        )
        caught_up = None
        if seen and not hide_seen:
            since = oldest_news(self._database.clock.now_ms())
            caught_up = await self._caught_up.on(window, viewer, seen, since)
        body = await self._posts.encode(
            window.cards,
            viewer=viewer,
            here=here,
            around=(_START, _end(window.examined, window.tier, caught_up)),
            whys=_whys(viewer, window),
        )
        return body, window.tier

    async def _last(
        self, viewer: Id, cursor: str | None, limit: int, here: str
    ) -> tuple[bytes, Tier]:
        if Tier.TRENDING not in self._tiers:
            raise FeedUnavailable("Popular posts are switched off.")
        if cursor is not None:
            raise FeedUnavailable("This part of the feed can not be read now.")
        return await self._trending.page(viewer, limit, here), Tier.TRENDING

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

    async def _before_carrying(self) -> None:
        await self._database.notices.catch_up()
        now = self._database.clock.now_ms()
        if self.carrier.pacing.sample.pushes >= FEWEST_PUSHES and now >= self._pace_at_ms:
            self._pace_at_ms = now + LOOK_MS
            async with self._database.write() as tx:
                await note_pace(tx, self.carrier.pacing)

    async def _knock(self) -> None:
        async with self._database.read() as reader:
            await store.reach_of(reader, 0)

    async def _switched_authors(self) -> list[Id]:
        async with self._database.read() as reader:
            return await store.switched_authors(reader)


def _whys(viewer: Id, window: Window[Card]) -> Whys:
    """Why these posts are in the viewer's feed."""
    return {
        card.id: Why.OWN if card.author == viewer else Why.CELEBRITY
        for card in window.cards
        if card.pulled or card.author == viewer
    }


@lru_cache(ENDS_HELD)
def _end(examined: Id | None, tier: Tier, caught_up: Id | None) -> bytes:
    """What follows the items. Kept, because the feeds of many viewers break at the same posts."""
    cursor = "null" if examined is None else f'"{encode(CURSOR, examined)}"'
    marker = "null" if caught_up is None else f'"{caught_up}"'
    return f'],"next_cursor":{cursor},"tier":"{tier}","caught_up":{marker}}}'.encode()

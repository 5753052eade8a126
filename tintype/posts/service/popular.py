"""Posts that everybody may see and many like, kept for when the database can not be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tintype.database import Database
from tintype.kernel.ids import SHARDS, Id, lowest_id_at, timestamp_ms
from tintype.media import Media
from tintype.posts.model import Why, popularity
from tintype.posts.service.cards import Around, Card, Cards, joined
from tintype.posts.service.marks import HeldMarks
from tintype.posts.store import popular as store

MOST = 100
"""Posts on the list at most."""
WINDOW_MS = 5 * 24 * 3600 * 1000
"""How old a post on the list may be."""
OUTDATED_MS = 60 * 1000
"""When the list is made anew."""

_SHARDS_AT_ONCE = 64
_OF_EACH = 20
_CANDIDATES = 3 * MOST
_CARDS_AT_ONCE = 20


class Popular:
    """The list of popular public posts, the most popular first.

    It is made ahead of time and read without asking anybody. What is edited, deleted or closed to
    strangers leaves it with that commit; it comes back, or others come, when the list is made anew.
    Whom a viewer must not see is for the caller to leave out, by ``author``.
    """

    def __init__(self, database: Database, cards: Cards, marks: HeldMarks, media: Media) -> None:
        self._database = database
        self._cards = cards
        self._marks = marks
        self._media = media
        self._made_ms = 0
        self._changes: list[Callable[[Card], bool]] | None = None
        self._doubts = 0
        self._making = asyncio.Lock()
        self.posts: Sequence[Card] | None = None
        """``None`` while there is no list that can be believed."""
        database.notices.on_doubt(self.forget)

    async def refresh(self) -> None:
        """Make the list anew if it is a minute old, or missing; several who ask make it once.

        Raises:
            DatabaseUnavailable: the list stays as it is.
        """
        async with self._making:
            now = self._database.clock.now_ms()
            if self.posts is None or now - self._made_ms >= OUTDATED_MS:
                await self._make(now)

    async def _make(self, now: int) -> None:
        doubts, self._changes = self._doubts, []
        try:
            found = await self._open_cards(await self._candidates(now))
            # What changed while it was read may have been read before it changed.
            left = [card for card in found if not any(leaves(card) for leaves in self._changes)]
        finally:
            self._changes = None
        if doubts == self._doubts:
            self.posts, self._made_ms = left[:MOST], now

    def encode(self, cards: Sequence[Card], *, viewer: Id, here: str, around: Around) -> bytes:
        """Some of the list as the items of a JSON array, between what stands ``around`` them.

        Asks nobody: likes and saves of the viewer show only as far as they are held.
        """
        marks = self._marks.known(viewer)
        whys = dict.fromkeys((card.id for card in cards), Why.POPULAR)
        return joined(cards, marks, self._media, viewer=viewer, here=here, around=around, whys=whys)

    def drop(self, post: Id) -> None:
        """This post changed."""
        self._leave(lambda card: card.id == post)

    def drop_author(self, author: Id) -> None:
        """The public face of an author changed, or who may see it."""
        self._leave(lambda card: card.author == author)

    def forget(self) -> None:
        """Anything may have changed."""
        self._doubts += 1
        self.posts = None

    def _leave(self, leaves: Callable[[Card], bool]) -> None:
        if self._changes is not None:
            self._changes.append(leaves)
        if self.posts is not None:
            self.posts = [card for card in self.posts if not leaves(card)]

    async def _open_cards(self, ids: Sequence[Id]) -> list[Card]:
        found: list[Card] = []
        for start in range(0, len(ids), _CARDS_AT_ONCE):
            cards = await self._cards.cards(ids[start : start + _CARDS_AT_ONCE])
            found += [card for card in cards if card is not None and not card.private]
            await asyncio.sleep(0)
        return found

    async def _candidates(self, now_ms: int) -> list[Id]:
        since = lowest_id_at(now_ms - WINDOW_MS)
        likes: dict[Id, int] = {}
        for first in range(0, SHARDS, _SHARDS_AT_ONCE):
            shards = range(first, first + _SHARDS_AT_ONCE)
            async with self._database.read(stale=True) as reader:
                likes |= await store.most_liked(reader, shards, since=since, limit=_OF_EACH)
            # Requests go first: on SQLite a read runs on the event loop.
            await asyncio.sleep(0)

        def score(post: Id) -> float:
            return popularity(likes[post], age_ms=now_ms - timestamp_ms(post))

        return sorted(likes, key=lambda post: (score(post), post), reverse=True)[:_CANDIDATES]

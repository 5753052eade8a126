"""Posts as a given viewer may see them: gather, filter, page, hydrate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from tintype.accounts import AccountNotFound
from tintype.database import Database, Reader
from tintype.graph import Graph
from tintype.kernel.ids import MAX_ID, Id
from tintype.kernel.page import Page, clamp_limit
from tintype.posts.errors import PostNotFound
from tintype.posts.model import Post, PostFacts, State, normal_tag
from tintype.posts.service import access
from tintype.posts.service.assembly import Assembly
from tintype.posts.service.cards import Card, Cards
from tintype.posts.service.held import Held
from tintype.posts.service.paging import fill, newest_first, next_cursor
from tintype.posts.store import posts as store
from tintype.posts.store import reactions, tags
from tintype.posts.store.reactions import Entry
from tintype.posts.views import EncodedPage, PostView, TagView

_UNPUBLISHED: tuple[State, ...] = ("pending", "failed", "held")
_AUTHORS_HELD = 20_000
_MOST_UNPUBLISHED = 100
_POSTS_COUNTED = 100


class Reading:
    """Everything that is read of posts. What a viewer may not see is left out or not found."""

    def __init__(self, database: Database, graph: Graph, assembly: Assembly, cards: Cards) -> None:
        self._database = database
        self._graph = graph
        self._assembly = assembly
        self._cards = cards
        self._unpublished: Held[Id, tuple[Id, ...]] = Held(_AUTHORS_HELD)
        database.notices.on_doubt(self._unpublished.clear)

    async def post(self, post_id: Id, *, viewer: Id | None) -> PostView:
        """One post.

        Raises:
            PostNotFound: there is none, or not for this viewer.
        """
        async with self._database.read() as reader:
            post = await access.visible(reader, self._graph, post_id, viewer)
            views = await self._assembly.views(reader, [post], viewer=viewer)
        if post.id not in views:
            raise PostNotFound
        return views[post.id]

    async def hydrate(self, ids: Sequence[Id], *, viewer: Id | None) -> list[PostView]:
        """Views in the order of their ids, without those that the viewer may not see."""
        async with self._database.read() as reader:
            posts = await self._visible(reader, ids, viewer)
            views = await self._assembly.views(reader, list(posts.values()), viewer=viewer)
        return [views[id_] for id_ in ids if id_ in views]

    async def of_account(
        self, author: Id, *, viewer: Id | None, cursor: str | None, limit: int | None
    ) -> EncodedPage:
        """An author's posts, newest first; the author's own page holds the unpublished too.

        Raises:
            AccountNotFound: the viewer may not see what this account posts.
            UnknownCursor, Invalid.
        """
        kind, most = f"posts of {author}", clamp_limit(limit)
        start = newest_first(kind, cursor)
        if not await self._graph.may_see(viewer, author):
            raise AccountNotFound
        states = store.PUBLISHED + (_UNPUBLISHED if viewer == author else ())
        async with self._database.read() as reader:
            ids = await store.newest(reader, [author], below=start, limit=most + 1, states=states)
        shown = await self._encoded(ids[:most], viewer)
        return Page(shown, next_cursor(kind, ids[most - 1] if len(ids) > most else None))

    async def tagged(
        self, tag: str, *, viewer: Id | None, cursor: str | None, limit: int | None
    ) -> EncodedPage:
        """Published posts whose caption carries a hashtag, newest first.

        Raises:
            UnknownCursor, Invalid.
        """
        wanted = normal_tag(tag)
        kind = f"tag {wanted}"
        async with self._database.read() as reader:

            async def gather(below: Id, count: int) -> list[Id]:
                return await tags.newest(reader, wanted, below=below, limit=count)

            async def keep(ids: Sequence[Id]) -> Collection[Id]:
                return await self._seen(ids, viewer)

            ids, start = await fill(
                gather,
                keep,
                start=newest_first(kind, cursor),
                limit=clamp_limit(limit),
                place=lambda id_: id_,
            )
        return Page(await self._encoded(ids, viewer), next_cursor(kind, start))

    async def saved(self, *, viewer: Id, cursor: str | None, limit: int | None) -> EncodedPage:
        """What the viewer saved and may still see, the latest save first.

        Raises:
            UnknownCursor, Invalid.
        """
        kind = f"saves of {viewer}"
        async with self._database.read() as reader:

            async def gather(below: Id, count: int) -> list[Entry]:
                return await reactions.saves_of(reader, viewer, below=below, limit=count)

            async def keep(entries: Sequence[Entry]) -> Collection[Entry]:
                seen = await self._seen([entry.about for entry in entries], viewer)
                return {entry for entry in entries if entry.about in seen}

            entries, start = await fill(
                gather,
                keep,
                start=newest_first(kind, cursor),
                limit=clamp_limit(limit),
                place=lambda entry: entry.id,
            )
        shown = await self._encoded([entry.about for entry in entries], viewer)
        return Page(shown, next_cursor(kind, start))

    async def published_ids_of(
        self, authors: Collection[Id], *, below: Id = MAX_ID, limit: int
    ) -> list[Id]:
        """The newest published posts of these authors, newest first; whoever may see them."""
        async with self._database.read() as reader:
            return await store.newest(reader, authors, below=below, limit=limit)

    async def seen(self, ids: Collection[Id], *, viewer: Id | None) -> set[Id]:
        """Those of the posts that the viewer may see."""
        async with self._database.read() as reader:
            return await access.seen(reader, self._graph, ids, viewer)

    async def facts(self, ids: Iterable[Id]) -> dict[Id, PostFacts]:
        """Whose posts these are and how they stand; unknown ids are left out."""
        async with self._database.read() as reader:
            return await store.facts(reader, ids)

    async def unpublished(self, author: Id) -> tuple[Id, ...]:
        """An author's newest posts that only the author sees, newest first; usually none."""
        held = self._unpublished.values.get(author)
        if held is not None:
            return held
        fill_ = self._unpublished.begin([author])
        found = {}
        try:
            async with self._database.read() as reader:
                ids = await store.newest(
                    reader, [author], below=MAX_ID, limit=_MOST_UNPUBLISHED, states=_UNPUBLISHED
                )
            found[author] = tuple(ids)
        finally:
            self._unpublished.finish(fill_, found)
        return found[author]

    def unpublished_changed(self, author: Id) -> None:
        """Another set of the author's posts is unpublished since the last commit."""
        self._unpublished.drop([author])

    async def tags_starting(self, prefix: str, *, viewer: Id | None, limit: int) -> list[TagView]:
        """Hashtags that start so, the most used first: those with a post that the viewer sees.

        Each with how many of its newest 100 posts the viewer sees: the number tells nothing about
        the others.
        """
        wanted = normal_tag(prefix)
        if not wanted:
            return []
        found = []
        async with self._database.read() as reader:
            for tag in await tags.starting(reader, wanted, limit):
                ids = await tags.newest(reader, tag, below=MAX_ID, limit=_POSTS_COUNTED)
                known = (await store.facts(reader, ids)).values()
                authors = [fact.author for fact in known if fact.state == "published"]
                seen = await self._graph.authors_seen(viewer, set(authors))
                if posts := sum(author in seen for author in authors):
                    found.append(TagView(tag=tag, posts=posts))
        return found

    async def _seen(self, ids: Sequence[Id], viewer: Id | None) -> dict[Id, Card]:
        """The published posts among these that the viewer may see."""
        cards = [card for card in await self._cards.cards(ids) if card is not None]
        seen = await self._graph.authors_seen(viewer, {card.author for card in cards})
        return {card.id: card for card in cards if card.author in seen}

    async def _encoded(self, ids: Sequence[Id], viewer: Id | None) -> list[msgspec.Raw]:
        """What ``hydrate`` shows, encoded: from what is at hand as far as it is published."""
        seen = await self._seen(ids, viewer)
        raw = dict(
            zip(seen, await self._cards.raw(list(seen.values()), viewer=viewer), strict=True)
        )
        rest = [id_ for id_ in ids if id_ not in seen]
        for view in await self.hydrate(rest, viewer=viewer) if rest else ():
            raw[int(view.id)] = msgspec.Raw(msgspec.json.encode(view))
        return [raw[id_] for id_ in ids if id_ in raw]

    async def _visible(
        self, reader: Reader, ids: Iterable[Id], viewer: Id | None
    ) -> dict[Id, Post]:
        """The posts among these that the viewer may see: own ones in any state."""
        posts = await store.read_all(reader, ids)
        seen = await self._graph.authors_seen(viewer, {post.author for post in posts.values()})
        return {
            post.id: post
            for post in posts.values()
            if post.author in seen and (post.state == "published" or post.author == viewer)
        }

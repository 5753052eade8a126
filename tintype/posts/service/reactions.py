"""Likes and saves of posts; every call may be repeated and then changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tintype.accounts import AccountView
from tintype.database import Database, Transaction
from tintype.database import counts as folded
from tintype.graph import Graph
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.page import Page, clamp_limit
from tintype.posts.events import PostLiked, PostUnliked
from tintype.posts.model import MarksChanged
from tintype.posts.service import access
from tintype.posts.service.assembly import NO_MARKS, marks_of
from tintype.posts.service.paging import fill, newest_first, next_cursor
from tintype.posts.store import reactions as store
from tintype.posts.store.reactions import Entry
from tintype.posts.views import PostCounts, Reaction

COUNTED = 1_000
"""Likes that are counted one by one, so that the own one is among them; beyond, nobody counts."""


class Reactions:
    """What a viewer thinks of a post. The answers count the viewer's own like at once."""

    def __init__(self, database: Database, graph: Graph) -> None:
        self._database = database
        self._graph = graph

    async def like(self, post_id: Id, *, actor: Id) -> Reaction:
        """Like a post.

        Raises:
            PostNotFound, PostUnpublished.
        """
        async with self._database.write() as tx:
            await tx.lock(shared=[post_id, actor])
            post = await access.published(tx, self._graph, post_id, actor)
            place = self._database.ids.next(shard_of(post_id))
            if await store.like(tx, post_id, actor=actor, id_=place):
                tx.emit(PostLiked(post=post_id, author=post.author, actor=actor))
            return await self._reaction(tx, post_id, actor)

    async def unlike(self, post_id: Id, *, actor: Id) -> Reaction:
        """Take a like back.

        Raises:
            PostNotFound, PostUnpublished.
        """
        async with self._database.write() as tx:
            await access.published(tx, self._graph, post_id, actor)
            if await store.unlike(tx, post_id, actor=actor):
                tx.emit(PostUnliked(post=post_id, actor=actor))
            return await self._reaction(tx, post_id, actor)

    async def save(self, post_id: Id, *, actor: Id) -> Reaction:
        """Keep a post for oneself; nobody else hears of it.

        Raises:
            PostNotFound, PostUnpublished.
        """
        async with self._database.write() as tx:
            await tx.lock(shared=[post_id, actor])
            await access.published(tx, self._graph, post_id, actor)
            place = self._database.ids.next(shard_of(actor))
            await store.save(tx, post_id, actor=actor, id_=place)
            return await self._reaction(tx, post_id, actor)

    async def unsave(self, post_id: Id, *, actor: Id) -> Reaction:
        """Stop keeping a post.

        Raises:
            PostNotFound, PostUnpublished.
        """
        async with self._database.write() as tx:
            await access.published(tx, self._graph, post_id, actor)
            await store.unsave(tx, post_id, actor=actor)
            return await self._reaction(tx, post_id, actor)

    async def likers(
        self, post_id: Id, *, viewer: Id | None, cursor: str | None, limit: int | None
    ) -> Page[AccountView]:
        """Who likes a post, as far as the viewer may see them, the latest like first.

        Raises:
            PostNotFound, UnknownCursor, Invalid.
        """
        kind = f"likers of {post_id}"
        async with self._database.read() as reader:
            await access.visible(reader, self._graph, post_id, viewer)

            async def gather(below: Id, count: int) -> list[Entry]:
                return await store.likers_of(reader, post_id, below=below, limit=count)

            async def keep(entries: Sequence[Entry]) -> Collection[Entry]:
                seen = await self._graph.visible_accounts(viewer, [each.about for each in entries])
                return {entry for entry in entries if entry.about in seen}

            entries, start = await fill(
                gather,
                keep,
                start=newest_first(kind, cursor),
                limit=clamp_limit(limit),
                place=lambda entry: entry.id,
            )
        views = await self._graph.hydrate_accounts([entry.about for entry in entries], viewer)
        return Page(views, next_cursor(kind, start))

    async def _reaction(self, tx: Transaction, post_id: Id, actor: Id) -> Reaction:
        """The state after the change; the viewer's marks at hand follow with the commit."""
        marks = (await marks_of(tx, [post_id], actor)).get(post_id, NO_MARKS)
        counted = (await folded.read(tx, [post_id], ["likes", "comments"]))[post_id]
        likes = await store.count_likers(tx, post_id, most=COUNTED + 1)
        if likes > COUNTED:
            likes = counted["likes"]
        tx.notify(MarksChanged(viewer=actor, post=post_id, liked=marks.liked, saved=marks.saved))
        return Reaction(marks, PostCounts(likes=likes, comments=counted["comments"]))

"""Comments: two levels deep, however people answer each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tintype.accounts import author_view
from tintype.database import Database, Reader, Transaction
from tintype.database import counts as folded
from tintype.graph import Graph
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.page import Page, clamp_limit
from tintype.posts.errors import CommentNotFound, CommentsOff, NotYourComment, PostNotFound
from tintype.posts.events import CommentDeleted, Commented, CommentLiked, CommentUnliked
from tintype.posts.model import Comment, check_comment
from tintype.posts.service import access
from tintype.posts.service.paging import fill, next_cursor, oldest_first
from tintype.posts.service.publishing import Publishing
from tintype.posts.service.reactions import COUNTED
from tintype.posts.store import comments as store
from tintype.posts.store import posts
from tintype.posts.views import (
    CommentCounts,
    CommentMarks,
    CommentReaction,
    CommentView,
    comment_view,
)


class Comments:
    """Written, listed, liked, deleted; a block between two people hides the comments of both."""

    def __init__(self, database: Database, graph: Graph, publishing: Publishing) -> None:
        self._database = database
        self._graph = graph
        self._publishing = publishing

    async def write(self, post_id: Id, text: str, *, reply_to: Id | None, actor: Id) -> CommentView:
        """Comment on a post; a reply to a reply joins the thread of the comment at its top.

        Raises:
            PostNotFound, PostUnpublished, CommentsOff.
            CommentNotFound: what is answered is not there, or not for the actor.
            Invalid: the text was refused.
        """
        text = check_comment(text)
        mentioned = await self._publishing.mentioned(text)
        async with self._database.write() as tx:
            await tx.lock(shared=[post_id, actor, *([] if reply_to is None else [reply_to])])
            post = await access.published(tx, self._graph, post_id, actor)
            if not post.comments_enabled:
                raise CommentsOff
            answered = None
            if reply_to is not None:
                answered = await self._seen(tx, reply_to, actor)
                if answered.post != post_id:
                    raise CommentNotFound
            comment = Comment(
                id=self._database.ids.next(shard_of(post_id)),
                post=post_id,
                author=actor,
                reply_to=None if answered is None else answered.reply_to or answered.id,
                text=text,
            )
            await store.insert(tx, comment)
            tx.emit(
                Commented(
                    comment=comment.id,
                    post=post_id,
                    post_author=post.author,
                    actor=actor,
                    reply_to=comment.reply_to,
                    answered=None if answered is None else answered.author,
                    mentioned=tuple(mentioned.values()),
                )
            )
            view = (await self._views(tx, [comment], actor))[0]
            await tx.answer(view)
        return view

    async def list_for(
        self,
        post_id: Id,
        *,
        reply_to: Id | None,
        viewer: Id | None,
        cursor: str | None,
        limit: int | None,
    ) -> Page[CommentView]:
        """The comments at the top level, or the replies to one of them, oldest first.

        Raises:
            PostNotFound, CommentNotFound, UnknownCursor, Invalid.
        """
        kind = f"comments of {post_id} {reply_to}"
        async with self._database.read() as reader:
            await access.visible(reader, self._graph, post_id, viewer)
            if (
                reply_to is not None
                and (await self._seen(reader, reply_to, viewer)).post != post_id
            ):
                raise CommentNotFound

            async def gather(above: Id, count: int) -> list[Comment]:
                return await store.listed(
                    reader, post_id, reply_to=reply_to, above=above, limit=count
                )

            async def keep(found: Sequence[Comment]) -> Collection[Comment]:
                authors = [comment.author for comment in found]
                seen = await self._graph.visible_accounts(viewer, authors)
                return {comment for comment in found if comment.author in seen}

            found, start = await fill(
                gather,
                keep,
                start=oldest_first(kind, cursor),
                limit=clamp_limit(limit),
                place=lambda comment: comment.id,
            )
            return Page(await self._views(reader, found, viewer), next_cursor(kind, start))

    async def hydrate(self, ids: Collection[Id], *, viewer: Id) -> dict[Id, CommentView]:
        """Views by id, without those that the viewer may not see."""
        async with self._database.read() as reader:
            shown = await self._below_seen_posts(reader, ids, viewer)
            return {int(view.id): view for view in await self._views(reader, shown, viewer)}

    async def seen(self, ids: Collection[Id], *, viewer: Id) -> set[Id]:
        """Those of the comments that the viewer may see."""
        async with self._database.read() as reader:
            shown = await self._below_seen_posts(reader, ids, viewer)
        authors = await self._graph.profiles_seen(viewer, {each.author for each in shown})
        return {comment.id for comment in shown if comment.author in authors}

    async def _below_seen_posts(
        self, reader: Reader, ids: Collection[Id], viewer: Id
    ) -> list[Comment]:
        found = (await store.read_all(reader, ids)).values()
        seen = await access.seen(reader, self._graph, {each.post for each in found}, viewer)
        return [comment for comment in found if comment.post in seen]

    async def authors(self, ids: Collection[Id]) -> dict[Id, Id]:
        """Who wrote these comments; those that are gone are left out."""
        async with self._database.read() as reader:
            found = await store.read_all(reader, ids)
        return {comment.id: comment.author for comment in found.values()}

    async def delete(self, comment_id: Id, *, actor: Id) -> None:
        """Delete a comment with its replies: one's own, or any below one's own post.

        Raises:
            CommentNotFound: there is none that the actor may see.
            NotYourComment: neither the comment nor the post is the actor's.
        """
        async with self._database.write() as tx:
            await tx.lock(comment_id)
            comment = await store.read(tx, comment_id)
            if comment is None:
                raise CommentNotFound
            facts = (await posts.facts(tx, [comment.post])).get(comment.post)
            if actor not in {comment.author, facts.author if facts else comment.author}:
                await self._seen(tx, comment_id, actor)
                raise NotYourComment
            replies = await store.delete(tx, comment)
            if replies is not None:
                tx.emit(
                    CommentDeleted(
                        comment=comment_id,
                        post=comment.post,
                        reply_to=comment.reply_to,
                        replies=replies,
                    )
                )

    async def like(self, comment_id: Id, *, actor: Id) -> CommentReaction:
        """Like a comment; repeats change nothing.

        Raises:
            CommentNotFound.
        """
        async with self._database.write() as tx:
            await tx.lock(shared=[comment_id, actor])
            comment = await self._seen(tx, comment_id, actor)
            if await store.like(tx, comment_id, actor=actor):
                tx.emit(
                    CommentLiked(
                        comment=comment_id,
                        post=comment.post,
                        author=comment.author,
                        actor=actor,
                    )
                )
            return await self._reaction(tx, comment_id, liked=True)

    async def unlike(self, comment_id: Id, *, actor: Id) -> CommentReaction:
        """Take the like of a comment back; repeats change nothing.

        Raises:
            CommentNotFound.
        """
        async with self._database.write() as tx:
            await self._seen(tx, comment_id, actor)
            if await store.unlike(tx, comment_id, actor=actor):
                tx.emit(CommentUnliked(comment=comment_id, actor=actor))
            return await self._reaction(tx, comment_id, liked=False)

    async def _seen(self, reader: Reader, comment_id: Id, viewer: Id | None) -> Comment:
        """A comment that the viewer may see.

        Raises:
            CommentNotFound.
        """
        comment = await store.read(reader, comment_id)
        if comment is None:
            raise CommentNotFound
        try:
            await access.visible(reader, self._graph, comment.post, viewer)
        except PostNotFound as hidden:
            raise CommentNotFound from hidden
        if not await self._graph.visible_accounts(viewer, [comment.author]):
            raise CommentNotFound
        return comment

    async def _views(
        self, reader: Reader, found: Sequence[Comment], viewer: Id | None
    ) -> list[CommentView]:
        ids = [comment.id for comment in found]
        cards = await self._graph.visible_accounts(viewer, {comment.author for comment in found})
        counted = await folded.read(reader, ids, ["likes", "replies"])
        liked = set() if viewer is None else await store.liked(reader, viewer, ids)
        return [
            comment_view(
                comment,
                author_view(cards[comment.author]),
                counts=CommentCounts(**counted[comment.id]),
                marks=CommentMarks(liked=comment.id in liked),
            )
            for comment in found
            if comment.author in cards
        ]

    async def _reaction(self, tx: Transaction, comment_id: Id, *, liked: bool) -> CommentReaction:
        counted = (await folded.read(tx, [comment_id], ["likes", "replies"]))[comment_id]
        likes = await store.count_likes(tx, comment_id, most=COUNTED + 1)
        if likes > COUNTED:
            likes = counted["likes"]
        counts = CommentCounts(likes=likes, replies=counted["replies"])
        return CommentReaction(CommentMarks(liked=liked), counts)

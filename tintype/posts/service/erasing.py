"""Rows of deleted posts, and everything that an account wrote: erased in bounded batches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tintype.database import Database, LeasedJob, Transaction
from tintype.database import counts as folded
from tintype.kernel.ids import Id
from tintype.posts.events import CommentDeleted, CommentUnliked, PostUnliked
from tintype.posts.model import MarksForgotten
from tintype.posts.store import comments, reactions
from tintype.posts.store import posts as store

ERASE = "posts.erase"
_BATCH = 200


class PostErasure(msgspec.Struct, frozen=True):
    """The payload of the job that erases a deleted post."""

    post: Id


class Erasing:
    """Each step may run again after a failure, and carries on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, job: LeasedJob) -> None:
        """The job ``posts.erase``: everything below a deleted post, then its own row."""
        erasure: PostErasure = job.payload
        await self.erase_post(erasure.post)
        async with self._database.write() as tx:
            await job.finish(tx)

    async def erase_post(self, post: Id) -> None:
        """Erase every row of a post that was deleted: likes, saves, comments, counts, itself."""
        await self._in_batches(lambda tx: reactions.forget_likers(tx, post, _BATCH))
        await self._in_batches(lambda tx: reactions.forget_savers(tx, post, _BATCH))
        await self._in_batches(lambda tx: self._forget_comments(tx, post))
        async with self._database.write() as tx:
            await store.forget(tx, post)
            await folded.forget(tx, [post])

    async def erase_reactions(self, account: Id) -> None:
        """Erase what an account wrote below others' posts; their counts follow."""
        await self._in_batches(lambda tx: self._forget_written(tx, account))
        await self._in_batches(lambda tx: self._forget_likes(tx, account))
        await self._in_batches(lambda tx: self._forget_comment_likes(tx, account))
        async with self._database.write() as tx:
            await reactions.forget_saves(tx, account)
            tx.notify(MarksForgotten(viewer=account))

    async def _in_batches(self, step: Callable[[Transaction], Awaitable[int]]) -> None:
        while True:
            async with self._database.write() as tx:
                if not await step(tx):
                    return

    async def _forget_comments(self, tx: Transaction, post: Id) -> int:
        ids = await comments.some_of(tx, post, _BATCH)
        await comments.forget(tx, ids)
        await folded.forget(tx, ids)
        return len(ids)

    async def _forget_written(self, tx: Transaction, account: Id) -> int:
        written = await comments.written_by(tx, account, _BATCH)
        for comment in written:
            # A reply may have gone with the comment above it.
            replies = await comments.delete(tx, comment)
            if replies is not None:
                tx.emit(
                    CommentDeleted(
                        comment=comment.id,
                        post=comment.post,
                        reply_to=comment.reply_to,
                        replies=replies,
                    )
                )
        return len(written)

    async def _forget_likes(self, tx: Transaction, account: Id) -> int:
        liked = await reactions.likes_of(tx, account, _BATCH)
        for post in liked:
            await reactions.unlike(tx, post, actor=account)
            tx.emit(PostUnliked(post=post, actor=account))
        return len(liked)

    async def _forget_comment_likes(self, tx: Transaction, account: Id) -> int:
        liked = await comments.likes_by(tx, account, _BATCH)
        for comment, _ in liked:
            await comments.unlike(tx, comment, actor=account)
            tx.emit(CommentUnliked(comment=comment, actor=account))
        return len(liked)

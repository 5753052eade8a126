"""Comments and their likes, in the shard of the post."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from tintype.database import ById, Reader, Row, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_of
from tintype.posts.model import Comment

comments = sa.Table(
    "comments",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("post", sa.BigInteger, nullable=False),
    sa.Column("author", sa.BigInteger, nullable=False),
    # 0 at the top level: NULLs do not sort alike everywhere.
    sa.Column("reply_to", sa.BigInteger, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Index("comments_of", "shard", "post", "reply_to", "id"),
    sa.Index("comments_by", "author", "id"),
)
comment_likes = sa.Table(
    "comment_likes",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("comment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index("comment_likes_by", "account"),
)

_COMMENTS = ById(sa.select(comments), comments.c.id)


class CommentLike(NamedTuple):
    comment: Id
    account: Id


def _this(comment: Id) -> sa.ColumnElement[bool]:
    return sa.and_(comments.c.shard == shard_of(comment), comments.c.id == comment)


def _comment(row: Row) -> Comment:
    return Comment(
        id=row.id,
        post=row.post,
        author=row.author,
        reply_to=row.reply_to or None,
        text=row.text,
    )


async def insert(tx: Transaction, comment: Comment) -> None:
    row = {
        "shard": shard_of(comment.id),
        "id": comment.id,
        "post": comment.post,
        "author": comment.author,
        "reply_to": comment.reply_to or 0,
        "text": comment.text,
    }
    await tx.execute(sa.insert(comments), [row])


async def read(reader: Reader, comment: Id) -> Comment | None:
    row = await reader.first(sa.select(comments).where(_this(comment)))
    return None if row is None else _comment(row)


async def read_all(reader: Reader, ids: Iterable[Id]) -> dict[Id, Comment]:
    """Comments by id; unknown ids are left out."""
    return {row.id: _comment(row) for row in await _COMMENTS.all(reader, ids)}


async def listed(
    reader: Reader, post: Id, *, reply_to: Id | None, above: Id, limit: int
) -> list[Comment]:
    """Comments of a post, or the replies to one of them, oldest first."""
    rows = await reader.all(
        sa.select(comments)
        .where(
            comments.c.shard == shard_of(post),
            comments.c.post == post,
            comments.c.reply_to == (reply_to or 0),
            comments.c.id > above,
        )
        .order_by(comments.c.id)
        .limit(limit)
    )
    return [_comment(row) for row in rows]


async def delete(tx: Transaction, comment: Comment) -> int | None:
    """Delete a comment with its replies and their likes.

    Returns how many replies went with it; ``None`` when it was gone already.
    """
    shard = shard_of(comment.id)
    doomed = sa.select(comments.c.id).where(
        comments.c.shard == shard,
        comments.c.post == comment.post,
        comments.c.reply_to == comment.id,
    )
    await tx.execute(
        sa.delete(comment_likes).where(
            comment_likes.c.shard == shard,
            sa.or_(comment_likes.c.comment == comment.id, comment_likes.c.comment.in_(doomed)),
        )
    )
    replies = await tx.execute(
        sa.delete(comments).where(
            comments.c.shard == shard,
            comments.c.post == comment.post,
            comments.c.reply_to == comment.id,
        )
    )
    return replies if await tx.execute(sa.delete(comments).where(_this(comment.id))) else None


async def like(tx: Transaction, comment: Id, *, actor: Id) -> bool:
    """Like a comment; False when it was liked already."""
    row = {"shard": shard_of(comment), "comment": comment, "account": actor}
    index = ["shard", "comment", "account"]
    return await tx.execute(upsert(comment_likes, row, index=index)) == 1


async def unlike(tx: Transaction, comment: Id, *, actor: Id) -> bool:
    """Take a like back; False when there was none."""
    gone = await tx.execute(
        sa.delete(comment_likes).where(
            comment_likes.c.shard == shard_of(comment),
            comment_likes.c.comment == comment,
            comment_likes.c.account == actor,
        )
    )
    return gone == 1


async def liked(reader: Reader, account: Id, ids: Iterable[Id]) -> set[Id]:
    """Which of these comments the account likes."""
    wanted = set(ids)
    rows = await reader.all(
        sa.select(comment_likes.c.comment).where(
            comment_likes.c.shard.in_({shard_of(id_) for id_ in wanted}),
            comment_likes.c.comment.in_(wanted),
            comment_likes.c.account == account,
        )
    )
    return {row.comment for row in rows}


async def count_likes(reader: Reader, comment: Id, *, most: int) -> int:
    """How many like a comment, counted up to ``most``."""
    some = (
        sa.select(comment_likes.c.account)
        .where(comment_likes.c.shard == shard_of(comment), comment_likes.c.comment == comment)
        .limit(most)
        .subquery()
    )
    return int(await reader.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


async def some_of(reader: Reader, post: Id, limit: int) -> list[Id]:
    """Some comments of a post."""
    rows = await reader.all(
        sa.select(comments.c.id)
        .where(comments.c.shard == shard_of(post), comments.c.post == post)
        .limit(limit)
    )
    return [row.id for row in rows]


async def forget(tx: Transaction, ids: Iterable[Id]) -> None:
    """Drop comments of a post that is gone, and their likes."""
    doomed = set(ids)
    shards = {shard_of(id_) for id_ in doomed}
    await tx.execute(
        sa.delete(comment_likes).where(
            comment_likes.c.shard.in_(shards), comment_likes.c.comment.in_(doomed)
        )
    )
    await tx.execute(
        sa.delete(comments).where(comments.c.shard.in_(shards), comments.c.id.in_(doomed))
    )


async def written_by(reader: Reader, account: Id, limit: int) -> list[Comment]:
    """Some comments of an account; asks every shard, for the erasure of the account."""
    rows = await reader.all(sa.select(comments).where(comments.c.author == account).limit(limit))
    return [_comment(row) for row in rows]


async def likes_by(reader: Reader, account: Id, limit: int) -> list[CommentLike]:
    """Some likes of an account; asks every shard, for the erasure of the account."""
    rows = await reader.all(
        sa.select(comment_likes.c.comment, comment_likes.c.account)
        .where(comment_likes.c.account == account)
        .limit(limit)
    )
    return [CommentLike(row.comment, row.account) for row in rows]

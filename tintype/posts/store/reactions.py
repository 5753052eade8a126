"""Likes and saves.

A like has two rows: the truth in the shard of who likes, and a mirror in the shard of the post
from which likers are listed. One transaction writes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from tintype.database import Reader, Transaction, metadata, upsert
from tintype.kernel.ids import MAX_ID, Id, shard_of

likes = sa.Table(
    "likes",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("post", sa.BigInteger, primary_key=True, autoincrement=False),
)
likers = sa.Table(
    "likers",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("post", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, nullable=False),
    sa.Index("likers_by_time", "shard", "post", "id"),
)
saves = sa.Table(
    "saves",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("post", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, nullable=False),
    sa.Index("saves_by_time", "shard", "account", "id"),
    sa.Index("savers_of", "post"),
)


class Entry(NamedTuple):
    """A row of a list: where it stands, and what it is about (a post or an account)."""

    id: Id
    about: Id


def _own(table: sa.Table, account: Id) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.shard == shard_of(account), table.c.account == account)


async def like(tx: Transaction, post: Id, *, actor: Id, id_: Id) -> bool:
    """Like a post; False when it was liked already. ``id_`` is the place among its likers."""
    truth = {"shard": shard_of(actor), "account": actor, "post": post}
    if not await tx.execute(upsert(likes, truth, index=["shard", "account", "post"])):
        return False
    mirror = {"shard": shard_of(post), "post": post, "account": actor, "id": id_}
    await tx.execute(upsert(likers, mirror, index=["shard", "post", "account"], update=["id"]))
    return True


async def unlike(tx: Transaction, post: Id, *, actor: Id) -> bool:
    """Take a like back; False when there was none."""
    gone = await tx.execute(sa.delete(likes).where(_own(likes, actor), likes.c.post == post))
    await tx.execute(
        sa.delete(likers).where(
            likers.c.shard == shard_of(post), likers.c.post == post, likers.c.account == actor
        )
    )
    return gone == 1


async def save(tx: Transaction, post: Id, *, actor: Id, id_: Id) -> None:
    row = {"shard": shard_of(actor), "account": actor, "post": post, "id": id_}
    await tx.execute(upsert(saves, row, index=["shard", "account", "post"]))


async def unsave(tx: Transaction, post: Id, *, actor: Id) -> None:
    await tx.execute(sa.delete(saves).where(_own(saves, actor), saves.c.post == post))


async def liked(reader: Reader, account: Id, ids: Iterable[Id]) -> set[Id]:
    """Which of these posts the account likes."""
    rows = await reader.all(
        sa.select(likes.c.post).where(_own(likes, account), likes.c.post.in_(set(ids)))
    )
    return {row.post for row in rows}


async def saved(reader: Reader, account: Id, ids: Iterable[Id]) -> set[Id]:
    """Which of these posts the account saved."""
    rows = await reader.all(
        sa.select(saves.c.post).where(_own(saves, account), saves.c.post.in_(set(ids)))
    )
    return {row.post for row in rows}


async def newest_liked(reader: Reader, account: Id, limit: int) -> list[Id]:
    """The newest posts that the account likes."""
    rows = await reader.all(
        sa.select(likes.c.post)
        .where(_own(likes, account))
        .order_by(likes.c.post.desc())
        .limit(limit)
    )
    return [row.post for row in rows]


async def newest_saved(reader: Reader, account: Id, limit: int) -> list[Id]:
    """The newest posts that the account saved."""
    rows = await reader.all(
        sa.select(saves.c.post)
        .where(_own(saves, account))
        .order_by(saves.c.post.desc())
        .limit(limit)
    )
    return [row.post for row in rows]


async def saves_of(reader: Reader, account: Id, *, below: Id, limit: int) -> list[Entry]:
    """What an account saved, the latest save first."""
    rows = await reader.all(
        sa.select(saves.c.id, saves.c.post)
        .where(_own(saves, account), saves.c.id < below)
        .order_by(saves.c.id.desc())
        .limit(limit)
    )
    return [Entry(row.id, row.post) for row in rows]


async def likers_of(reader: Reader, post: Id, *, below: Id, limit: int) -> list[Entry]:
    """Who likes a post, the latest like first."""
    rows = await reader.all(
        sa.select(likers.c.id, likers.c.account)
        .where(likers.c.shard == shard_of(post), likers.c.post == post, likers.c.id < below)
        .order_by(likers.c.id.desc())
        .limit(limit)
    )
    return [Entry(row.id, row.account) for row in rows]


async def count_likers(reader: Reader, post: Id, *, most: int) -> int:
    """How many like a post, counted up to ``most``."""
    some = (
        sa.select(likers.c.account)
        .where(likers.c.shard == shard_of(post), likers.c.post == post)
        .limit(most)
        .subquery()
    )
    return int(await reader.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


async def forget_likers(tx: Transaction, post: Id, limit: int) -> int:
    """Drop some of the likes of a post that is gone; returns how many."""
    accounts = [entry.about for entry in await likers_of(tx, post, below=MAX_ID, limit=limit)]
    await tx.execute(
        sa.delete(likes).where(
            likes.c.shard.in_({shard_of(account) for account in accounts}),
            likes.c.account.in_(accounts),
            likes.c.post == post,
        )
    )
    return await tx.execute(
        sa.delete(likers).where(
            likers.c.shard == shard_of(post),
            likers.c.post == post,
            likers.c.account.in_(accounts),
        )
    )


async def forget_savers(tx: Transaction, post: Id, limit: int) -> int:
    """Drop some of the saves of a post that is gone; returns how many.

    Saves have no mirror in the shard of the post: this asks every shard, once for a deleted post.
    """
    rows = await tx.all(sa.select(saves.c.account).where(saves.c.post == post).limit(limit))
    accounts = [row.account for row in rows]
    return await tx.execute(
        sa.delete(saves).where(
            saves.c.shard.in_({shard_of(account) for account in accounts}),
            saves.c.account.in_(accounts),
            saves.c.post == post,
        )
    )


async def likes_of(reader: Reader, account: Id, limit: int) -> list[Id]:
    """Some posts that an account likes."""
    rows = await reader.all(sa.select(likes.c.post).where(_own(likes, account)).limit(limit))
    return [row.post for row in rows]


async def forget_saves(tx: Transaction, account: Id) -> None:
    await tx.execute(sa.delete(saves).where(_own(saves, account)))

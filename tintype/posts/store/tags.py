"""Published posts by hashtag, in the shard of the tag."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from tintype.database import Reader, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_for_text

tagged = sa.Table(
    "tagged",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tag", sa.String(300), primary_key=True),
    sa.Column("post", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index("tagged_starting", "tag"),
)


async def put(tx: Transaction, post: Id, tags: Iterable[str]) -> None:
    rows = [{"shard": shard_for_text(tag), "tag": tag, "post": post} for tag in tags]
    if rows:
        await tx.execute(upsert(tagged, rows, index=["shard", "tag", "post"]))


async def forget(tx: Transaction, post: Id, tags: Iterable[str]) -> None:
    doomed = set(tags)
    if doomed:
        await tx.execute(
            sa.delete(tagged).where(
                tagged.c.shard.in_({shard_for_text(tag) for tag in doomed}),
                tagged.c.tag.in_(doomed),
                tagged.c.post == post,
            )
        )


async def newest(reader: Reader, tag: str, *, below: Id, limit: int) -> list[Id]:
    """The newest posts that carry a tag, newest first."""
    rows = await reader.all(
        sa.select(tagged.c.post)
        .where(tagged.c.shard == shard_for_text(tag), tagged.c.tag == tag, tagged.c.post < below)
        .order_by(tagged.c.post.desc())
        .limit(limit)
    )
    return [row.post for row in rows]


async def starting(reader: Reader, prefix: str, limit: int) -> list[str]:
    """Tags that start with a prefix, the most used first: asks every shard."""
    rows = await reader.all(
        sa.select(tagged.c.tag)
        .where(tagged.c.tag >= prefix, tagged.c.tag < prefix + "\U0010ffff")
        .group_by(tagged.c.tag)
        .order_by(sa.func.count().desc(), tagged.c.tag)
        .limit(limit)
    )
    return [row.tag for row in rows]

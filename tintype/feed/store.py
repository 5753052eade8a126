"""The SQL of the feed slice: which authors ever switched their way of delivery.

Timelines are not here: they are a cache behind a port, built from posts and follows.
"""

from __future__ import annotations

import sqlalchemy as sa

from tintype.database import Reader, Transaction, metadata, upsert
from tintype.feed.model import Reach
from tintype.kernel.ids import SHARDS, Id, shard_of

_reaches = sa.Table(
    "feed_reaches",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("author", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("delivery", sa.String(4), nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)


async def reach_of(reader: Reader, author: Id) -> Reach:
    """The author's reach; that of everybody when it never changed."""
    row = await reader.first(
        sa.select(_reaches.c.delivery, _reaches.c.since_ms).where(
            _reaches.c.shard == shard_of(author), _reaches.c.author == author
        )
    )
    return Reach() if row is None else Reach(row.delivery, row.since_ms)


async def switched_authors(reader: Reader) -> list[Id]:
    """Every author who ever switched, on all shards: read once by a process that starts."""
    rows = await reader.all(
        sa.select(_reaches.c.author).where(_reaches.c.shard.between(0, SHARDS - 1))
    )
    return [row.author for row in rows]


async def put_reach(tx: Transaction, author: Id, reach: Reach) -> None:
    row = {
        "shard": shard_of(author),
        "author": author,
        "delivery": reach.delivery,
        "since_ms": reach.since_ms,
    }
    index = ["shard", "author"]
    await tx.execute(upsert(_reaches, row, index=index, update=["delivery", "since_ms"]))


async def forget_reach(tx: Transaction, author: Id) -> None:
    await tx.execute(
        sa.delete(_reaches).where(_reaches.c.shard == shard_of(author), _reaches.c.author == author)
    )

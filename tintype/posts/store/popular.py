"""Which recent posts are liked the most: asked of every shard, some shards at a time."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from tintype.database import Reader
from tintype.database.tables import counts
from tintype.kernel.ids import Id
from tintype.posts.store.posts import PUBLISHED, posts


async def most_liked(
    reader: Reader, shards: Collection[int], *, since: Id, limit: int
) -> dict[Id, int]:
    """Published posts of these shards from an id on with their folded likes, the most liked ones.

    Costs one visit per post since then: nothing for a request to wait for.
    """
    likes = sa.func.coalesce(counts.c.value, 0).label("likes")
    here = sorted(shards)
    of_post = sa.and_(
        counts.c.shard == posts.c.shard,
        # Said of both: a router does not conclude it from the line above.
        counts.c.shard.in_(here),
        counts.c.subject == posts.c.id,
        counts.c.name == "likes",
    )
    rows = await reader.all(
        sa.select(posts.c.id, likes)
        .select_from(posts.outerjoin(counts, of_post))
        .where(posts.c.shard.in_(here), posts.c.id >= since, posts.c.state.in_(PUBLISHED))
        .order_by(likes.desc(), posts.c.id.desc())
        .limit(limit)
    )
    return {row.id: row.likes for row in rows}

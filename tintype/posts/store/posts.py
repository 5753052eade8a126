"""Posts and their slides, in the shard of the author."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

import sqlalchemy as sa

from tintype.database import ById, Reader, Row, Transaction, among, metadata, only_filtering
from tintype.kernel.ids import Id, shard_of
from tintype.posts.model import Focal, Post, PostFacts, PostSlide, State

posts = sa.Table(
    "posts",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("author", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("caption", sa.Text, nullable=False),
    sa.Column("comments_enabled", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("delivery", sa.String(4)),
    sa.Column("edited_ms", sa.BigInteger),
    sa.Column("retryable", sa.Boolean, server_default=sa.false(), nullable=False),
    # Everything that a list of ids is read from, so that no row is visited.
    sa.Index("posts_of", "author", "state", "id", "shard"),
)
slides = sa.Table(
    "slides",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("post", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("upload", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("alt", sa.Text, nullable=False),
    sa.Column("focal_x", sa.Float),
    sa.Column("focal_y", sa.Float),
)

PUBLISHED: tuple[State, ...] = ("published",)

_AUTHORS_AT_ONCE = 10_000
_POSTS = ById(sa.select(posts).where(posts.c.state != "deleted"), posts.c.id)
_FACTS = ById(sa.select(posts.c.id, posts.c.author, posts.c.state), posts.c.id)
_NEWEST = (
    sa.select(posts.c.id)
    .where(
        among(only_filtering(posts.c.shard), "shards"),
        among(posts.c.author, "authors"),
        posts.c.state.in_(sa.bindparam("states", expanding=True)),
        posts.c.id < sa.bindparam("below"),
    )
    .order_by(posts.c.id.desc())
    .limit(sa.bindparam("most"))
)
_SLIDES = ById(sa.select(slides).order_by(slides.c.post, slides.c.position), slides.c.post)


def _this(post: Id) -> sa.ColumnElement[bool]:
    return sa.and_(posts.c.shard == shard_of(post), posts.c.id == post)


def _post(row: Row) -> Post:
    return Post(
        id=row.id,
        author=row.author,
        state=row.state,
        reason=row.reason,
        retryable=row.retryable,
        caption=row.caption,
        comments_enabled=row.comments_enabled,
        version=row.version,
        delivery=row.delivery,
        edited_ms=row.edited_ms,
    )


async def insert(tx: Transaction, post: Post) -> None:
    await tx.execute(
        sa.insert(posts),
        [
            {
                "shard": shard_of(post.id),
                "id": post.id,
                "author": post.author,
                "state": post.state,
                "reason": post.reason,
                "retryable": post.retryable,
                "caption": post.caption,
                "comments_enabled": post.comments_enabled,
                "version": post.version,
                "delivery": post.delivery,
                "edited_ms": post.edited_ms,
            }
        ],
    )


async def put_slides(tx: Transaction, post: Id, wanted: Sequence[PostSlide]) -> None:
    """Make these the slides of a post, in this order."""
    shard = shard_of(post)
    await tx.execute(sa.delete(slides).where(slides.c.shard == shard, slides.c.post == post))
    await tx.execute(
        sa.insert(slides),
        [
            {
                "shard": shard,
                "post": post,
                "upload": slide.upload,
                "position": position,
                "alt": slide.alt,
                "focal_x": slide.focal and slide.focal.x,
                "focal_y": slide.focal and slide.focal.y,
            }
            for position, slide in enumerate(wanted)
        ],
    )


async def read(reader: Reader, post: Id) -> Post | None:
    """A post that was not deleted."""
    row = await reader.first(sa.select(posts).where(_this(post), posts.c.state != "deleted"))
    return None if row is None else _post(row)


async def read_all(reader: Reader, ids: Iterable[Id]) -> dict[Id, Post]:
    """The posts among these ids that were not deleted."""
    return {row.id: _post(row) for row in await _POSTS.all(reader, ids)}


async def facts(reader: Reader, ids: Iterable[Id]) -> dict[Id, PostFacts]:
    rows = await _FACTS.all(reader, ids)
    return {row.id: PostFacts(author=row.author, state=row.state) for row in rows}


async def slides_of(reader: Reader, ids: Iterable[Id]) -> dict[Id, list[PostSlide]]:
    """The slides of each post, in order."""
    found: dict[Id, list[PostSlide]] = defaultdict(list)
    for row in await _SLIDES.all(reader, ids):
        focal = None if row.focal_x is None else Focal(x=row.focal_x, y=row.focal_y)
        found[row.post].append(PostSlide(upload=row.upload, alt=row.alt, focal=focal))
    return found


async def change(
    tx: Transaction, post: Id, values: Mapping[str, object], *, only_in: Collection[State]
) -> bool:
    """Change a post, if it is in one of these states; tells whether it was."""
    statement = sa.update(posts).where(_this(post), posts.c.state.in_(only_in)).values(**values)
    return await tx.execute(statement) == 1


async def newest(
    reader: Reader,
    authors: Collection[Id],
    *,
    below: Id,
    limit: int,
    states: Collection[State] = PUBLISHED,
) -> list[Id]:
    """The newest posts of these authors below a bound, newest first."""
    found: list[Id] = []
    everyone = list(authors)
    for start in range(0, len(everyone), _AUTHORS_AT_ONCE):
        some = everyone[start : start + _AUTHORS_AT_ONCE]
        rows = await reader.all(
            _NEWEST,
            {
                "shards": partial(_shards_of, some),
                "authors": some,
                "states": list(states),
                "below": below,
                "most": limit,
            },
        )
        found += [row.id for row in rows]
    return sorted(found, reverse=True)[:limit] if len(everyone) > _AUTHORS_AT_ONCE else found


def _shards_of(authors: Sequence[Id]) -> list[int]:
    return sorted(set(map(shard_of, authors)))


async def forget(tx: Transaction, post: Id) -> None:
    """Drop the rows of a post and of its slides."""
    shard = shard_of(post)
    await tx.execute(sa.delete(slides).where(slides.c.shard == shard, slides.c.post == post))
    await tx.execute(sa.delete(posts).where(_this(post)))

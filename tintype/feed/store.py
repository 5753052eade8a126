"""The SQL of the feed slice: which authors ever switched their way of delivery, what fan-out still
has to do, and how quickly it goes.

Timelines are not here: they are a cache behind a port, built from posts and follows.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tintype.database import Reader, Transaction, metadata, upsert
from tintype.feed.model import NOTHING_SEEN, Lane, Pace, Reach, SeenPosts, Task, Waiting
from tintype.kernel.ids import SHARDS, Id, shard_of

_reaches = sa.Table(
    "feed_reaches",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("author", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("delivery", sa.String(4), nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
_seen = sa.Table(
    "feed_seen",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    # At most 1 000 ids of eight bytes, packed: read and written as a whole.
    sa.Column("ids", sa.LargeBinary, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
)

_tasks = sa.Table(
    "feed_tasks",
    metadata,
    # Those of one post are spread over the shards, so that many workers carry it.
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("lane", sa.String(10), primary_key=True),
    sa.Column("owner", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    # Followers whose 16-bit hash lies in first to last; of these everybody up to "after" is done.
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("after", sa.BigInteger, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
_paces = sa.Table(
    "feed_paces",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("deliveries_per_s", sa.Float, nullable=False),
    sa.Column("resident_share", sa.Float, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)
_PACE_SHARD = 0
_FAN_OUT = "fan-out"
_TASK_KEY = [column.name for column in _tasks.primary_key.columns]
_ROWS = 500
"""Rows of one statement."""
_OF_ONE_OWNER = 4
_AT_ONCE = 1_000


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


async def seen_by(reader: Reader, account: Id) -> SeenPosts:
    """The posts that an account has seen."""
    content: bytes | None = await reader.scalar(
        sa.select(_seen.c.ids).where(_seen.c.shard == shard_of(account), _seen.c.account == account)
    )
    return SeenPosts.of_bytes(content) if content else NOTHING_SEEN


async def put_seen(tx: Transaction, account: Id, seen: SeenPosts) -> None:
    row = {
        "shard": shard_of(account),
        "account": account,
        "ids": seen.to_bytes(),
        "changed_ms": tx.now_ms(),
    }
    await tx.execute(upsert(_seen, row, index=["shard", "account"], update=["ids", "changed_ms"]))


async def forget_seen(tx: Transaction, account: Id) -> None:
    await tx.execute(
        sa.delete(_seen).where(_seen.c.shard == shard_of(account), _seen.c.account == account)
    )


async def add_tasks(tx: Transaction, tasks: Sequence[Task]) -> None:
    """Store tasks; one that is there already is left as far as it came."""
    now = tx.now_ms()
    rows = [task._replace(since_ms=now)._asdict() | {"lane": str(task.lane)} for task in tasks]
    for start in range(0, len(rows), _ROWS):
        await tx.execute(upsert(_tasks, rows[start : start + _ROWS], index=_TASK_KEY))


async def any_task(reader: Reader) -> bool:
    """Whether anything waits, on all shards."""
    found = sa.exists().where(_tasks.c.shard.between(0, SHARDS - 1))
    return bool(await reader.scalar(sa.select(found)))


async def first_tasks(reader: Reader, first: int, last: int) -> list[Task]:
    """The oldest tasks of every owner in these shards, owners in turns: however many one of them
    has, the others are among the first.
    """
    turn = (
        sa.func.row_number()
        .over(
            partition_by=[_tasks.c.shard, _tasks.c.lane, _tasks.c.owner],
            order_by=[_tasks.c.since_ms, _tasks.c.subject, _tasks.c.first],
        )
        .label("turn")
    )
    numbered = sa.select(_tasks, turn).where(_tasks.c.shard.between(first, last)).subquery()
    rows = await reader.all(
        sa.select(numbered)
        .where(numbered.c.turn <= _OF_ONE_OWNER)
        .order_by(numbered.c.turn, numbered.c.since_ms)
        .limit(_AT_ONCE)
    )
    return [
        Task(
            lane=Lane(row.lane),
            owner=row.owner,
            subject=row.subject,
            first=row.first,
            last=row.last,
            after=row.after,
            since_ms=row.since_ms,
            shard=row.shard,
        )
        for row in rows
    ]


def _is(task: Task) -> sa.ColumnElement[bool]:
    return sa.and_(
        _tasks.c.shard == task.shard,
        _tasks.c.lane == str(task.lane),
        _tasks.c.owner == task.owner,
        _tasks.c.subject == task.subject,
        _tasks.c.first == task.first,
    )


async def move_task(tx: Transaction, task: Task, after: Id) -> None:
    """Remember the last follower who was reached."""
    await tx.execute(sa.update(_tasks).where(_is(task)).values(after=after))


async def end_task(tx: Transaction, task: Task) -> None:
    await tx.execute(sa.delete(_tasks).where(_is(task)))


async def waiting(reader: Reader) -> dict[Lane, Waiting]:
    """How many tasks wait in each lane, and since when the oldest: asks every shard."""
    rows = await reader.all(
        sa.select(
            _tasks.c.lane,
            sa.func.count().label("tasks"),
            sa.func.min(_tasks.c.since_ms).label("ms"),
        )
        .where(_tasks.c.shard.between(0, SHARDS - 1))
        .group_by(_tasks.c.lane)
    )
    return {Lane(row.lane): Waiting(row.tasks, row.ms) for row in rows}


async def pace(reader: Reader) -> tuple[Pace, int] | None:
    """How quickly fan-out goes, as measured, and when that was noted; ``None`` before the first."""
    row = await reader.first(
        sa.select(_paces).where(_paces.c.shard == _PACE_SHARD, _paces.c.name == _FAN_OUT)
    )
    return None if row is None else (Pace(row.deliveries_per_s, row.resident_share), row.at_ms)


async def put_pace(tx: Transaction, measured: Pace) -> None:
    row = {
        "shard": _PACE_SHARD,
        "name": _FAN_OUT,
        "deliveries_per_s": measured.deliveries_per_s,
        "resident_share": measured.resident_share,
        "at_ms": tx.now_ms(),
    }
    changed = ["deliveries_per_s", "resident_share", "at_ms"]
    await tx.execute(upsert(_paces, row, index=["shard", "name"], update=changed))

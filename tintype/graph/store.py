"""The SQL of the graph slice, one function a query.

Every relation is stored twice, at the shard of either end, in one transaction: so each question is
a range of one shard. An edge has the same id in both rows; ids grow, so a list by falling id is the
newest first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import sqlalchemy as sa

from tintype.database import ByPair, Reader, Transaction, all_of, metadata, upsert
from tintype.database import among as among_many
from tintype.graph.model import Edge, h16
from tintype.kernel.ids import MAX_ID, Id, shard_of


class Ends(NamedTuple):
    """A table of edges: whom a row belongs to, and the other end."""

    table: sa.Table
    account: sa.Column[int]
    other: sa.Column[int]


def _ends(name: str, account: str, other: str, *ranged: sa.Column[int]) -> Ends:
    table = sa.Table(
        name,
        metadata,
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(account, sa.BigInteger, primary_key=True, autoincrement=False),
        *ranged,
        sa.Column(other, sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Index(f"{name}_newest", "shard", account, "id"),
    )
    return Ends(table, table.c[account], table.c[other])


class Tie(NamedTuple):
    """A relation as either end sees it."""

    table: Ends
    mirror: Ends


FOLLOWING = _ends("following", "follower", "followee")
# Fan-out reads ranges of the hash, whose bounds do not move when others follow or leave.
FOLLOWERS = _ends(
    "followers",
    "followee",
    "follower",
    sa.Column("h16", sa.Integer, primary_key=True, autoincrement=False),
)
BLOCKS = Tie(_ends("blocks", "blocker", "blocked"), _ends("blocked_by", "blocked", "blocker"))
MUTES = Tie(_ends("mutes", "muter", "muted"), _ends("muted_by", "muted", "muter"))
REQUESTS = Tie(
    _ends("requested_follows", "requester", "followee"),
    _ends("follow_requests", "followee", "requester"),
)
FOLLOWS = Tie(FOLLOWING, FOLLOWERS)
_H16: sa.Column[int] = FOLLOWERS.table.c.h16
_FOLLOWERS_AMONG = ByPair(
    sa.select(FOLLOWERS.other),
    _H16,
    FOLLOWERS.other,
    [
        FOLLOWERS.table.c.shard == sa.bindparam("shard"),
        FOLLOWERS.account == sa.bindparam("account"),
    ],
)
_EVERYONE = {
    ends.table.name: sa.select(all_of(ends.other)).where(
        ends.table.c.shard == sa.bindparam("shard"), ends.account == sa.bindparam("account")
    )
    for tie in (FOLLOWS, BLOCKS, MUTES, REQUESTS)
    for ends in tie
}


def _of(ends: Ends, account: Id) -> sa.ColumnElement[bool]:
    return sa.and_(ends.table.c.shard == shard_of(account), ends.account == account)


def _key(ends: Ends, account: Id, other: Id) -> dict[str, object]:
    key: dict[str, object] = {
        "shard": shard_of(account),
        ends.account.name: account,
        ends.other.name: other,
    }
    return key | {"h16": h16(other)} if ends is FOLLOWERS else key


async def _delete(tx: Transaction, ends: Ends, pairs: Iterable[tuple[Id, Id]]) -> None:
    columns = ends.table.primary_key.columns
    statement = sa.delete(ends.table).where(
        *(column == sa.bindparam(f"at_{column.name}") for column in columns)
    )
    keys = [_key(ends, account, other) for account, other in pairs]
    await tx.execute(
        statement, [{f"at_{name}": value for name, value in key.items()} for key in keys]
    )


async def follows(reader: Reader, follower: Id, followee: Id) -> bool:
    return bool(await among(reader, FOLLOWING, follower, [followee]))


async def tie(tx: Transaction, kind: Tie, account: Id, other: Id, edge: Id) -> bool:
    """Add a relation; False when it is there already."""
    table, mirror = kind
    row = _key(table, account, other) | {"id": edge}
    index = [column.name for column in table.table.primary_key]
    if not await tx.execute(upsert(table.table, row, index=index)):
        return False
    row = _key(mirror, other, account) | {"id": edge}
    await tx.execute(sa.insert(mirror.table), [row])
    return True


async def untie(tx: Transaction, kind: Tie, pairs: Sequence[tuple[Id, Id]]) -> None:
    """Remove relations, each an (account, other); at least one."""
    await _delete(tx, kind.table, pairs)
    await _delete(tx, kind.mirror, [(other, account) for account, other in pairs])


async def newest(
    reader: Reader, ends: Ends, account: Id, *, below: Id = MAX_ID, limit: int
) -> list[Edge]:
    """The newest rows of an account below an edge id, newest first."""
    edge: sa.Column[int] = ends.table.c.id
    rows = await reader.all(
        sa.select(edge, ends.other.label("account"))
        .where(_of(ends, account), edge < below)
        .order_by(edge.desc())
        .limit(limit)
    )
    return [Edge(row.id, row.account) for row in rows]


async def everyone(reader: Reader, ends: Ends, account: Id) -> frozenset[Id]:
    """The other ends of all rows of an account: only for tables that are bounded per account."""
    at = {"shard": shard_of(account), "account": account}
    found: frozenset[Id] = await reader.scalar(_EVERYONE[ends.table.name], at)
    return found


async def count(reader: Reader, ends: Ends, account: Id) -> int:
    counted = sa.select(sa.func.count()).select_from(ends.table).where(_of(ends, account))
    return int(await reader.scalar(counted))


async def among(reader: Reader, ends: Ends, account: Id, others: Collection[Id]) -> frozenset[Id]:
    """Those of the others that an account has a row with."""
    if not others:
        return frozenset()
    if ends is FOLLOWERS:
        pairs = ((h16(other), other) for other in others)
        at = {"shard": shard_of(account), "account": account}
        found = await _FOLLOWERS_AMONG.pairs(reader, pairs, at)
        return frozenset(chain.from_iterable(found))
    query = sa.select(ends.other.label("account")).where(
        _of(ends, account), ends.other.in_(list(others))
    )
    return frozenset(chain.from_iterable(await reader.all(query)))


async def newest_among(
    reader: Reader, ends: Ends, account: Id, others: Collection[Id], *, below: Id, limit: int
) -> list[Edge]:
    """The newest rows of an account with any of the others below an edge id, newest first."""
    edge: sa.Column[int] = ends.table.c.id
    rows = await reader.all(
        sa.select(edge, ends.other.label("account"))
        .where(_of(ends, account), among_many(ends.other, "others"), edge < below)
        .order_by(edge.desc())
        .limit(limit),
        {"others": list(others)},
    )
    return [Edge(row.id, row.account) for row in rows]


async def others_since(reader: Reader, ends: Ends, account: Id, since: Id, limit: int) -> list[Id]:
    """The other ends of an account's rows from an edge id on, the oldest first."""
    edge: sa.Column[int] = ends.table.c.id
    rows = await reader.all(
        sa.select(ends.other.label("account"))
        .where(_of(ends, account), edge >= since)
        .order_by(edge)
        .limit(limit)
    )
    return [row.account for row in rows]


async def followers_after(reader: Reader, followee: Id, after: Id | None, limit: int) -> list[Id]:
    """Followers in the order of their hash, from behind one of them (followed still or not) on."""
    query = sa.select(FOLLOWERS.other.label("account")).where(_of(FOLLOWERS, followee))
    if after is not None:
        place = sa.tuple_(_H16, FOLLOWERS.other)
        query = query.where(place > sa.tuple_(sa.literal(h16(after)), sa.literal(after)))
    rows = await reader.all(query.order_by(_H16, FOLLOWERS.other).limit(limit))
    return [row.account for row in rows]


async def followers_in(
    reader: Reader, followee: Id, first: int, last: int, *, after: Id, limit: int
) -> list[Id]:
    """Followers of one range of the hash, in its order, from behind one of them on."""
    query = sa.select(FOLLOWERS.other.label("account")).where(
        _of(FOLLOWERS, followee), _H16.between(first, last)
    )
    if after:
        place = sa.tuple_(_H16, FOLLOWERS.other)
        query = query.where(place > sa.tuple_(sa.literal(h16(after)), sa.literal(after)))
    rows = await reader.all(query.order_by(_H16, FOLLOWERS.other).limit(limit))
    return [row.account for row in rows]

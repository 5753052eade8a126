"""The SQL of the notifications slice, one function a query; all rows live with who is told."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from tintype.database import Reader, Row, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_of
from tintype.notifications.model import ActorKey, ActorState, Group, Kind, Withdrawal

_CHUNK = 500

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    # Minted again with each note that joins in: the order of the list, and what is unread.
    sa.Column("id", sa.BigInteger, nullable=False),
    sa.Column("post", sa.BigInteger, nullable=False),
    sa.Column("comment", sa.BigInteger, nullable=False),
    sa.Column("actors", sa.Integer, nullable=False),
    # Ids of the latest actors, 8 bytes each, big-endian: a page shows them without a look-up each.
    sa.Column("latest", sa.LargeBinary(64), nullable=False),
    sa.Index("notifications_newest", "shard", "account", "id"),
    sa.Index("notifications_by_age", "id"),
)
notification_actors = sa.Table(
    "notification_actors",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("actor", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("id", sa.BigInteger, nullable=False),
    # A withdrawn note stays, so that liking again and again tells nobody again and again.
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Index(
        "notification_actors_newest", "shard", "account", "kind", "subject", "day", "active", "id"
    ),
    sa.Index("notification_actors_by", "actor"),
    sa.Index("notification_actors_by_age", "id"),
)
notification_marks = sa.Table(
    "notification_marks",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("read_up_to", sa.BigInteger, nullable=False),
)


async def actor_states(
    reader: Reader, account: Id, kind: Kind, subject: Id, actors: Iterable[Id]
) -> dict[ActorKey, ActorState]:
    """What is known of these actors in the groups of one subject."""
    wanted, found = sorted(actors), {}
    for start in range(0, len(wanted), _CHUNK):
        rows = await reader.all(
            sa.select(notification_actors).where(
                _about(notification_actors, account, kind, subject),
                notification_actors.c.actor.in_(wanted[start : start + _CHUNK]),
            )
        )
        for row in rows:
            key = ActorKey(account, kind, subject, row.actor)
            found[key] = ActorState(row.day, row.id, row.active)
    return found


async def groups_of(reader: Reader, account: Id, kind: Kind, subject: Id) -> list[Group]:
    """The groups of one subject: one a day on which something happened."""
    rows = await reader.all(
        sa.select(notifications).where(_about(notifications, account, kind, subject))
    )
    return [_group(row) for row in rows]


async def put_actors(
    tx: Transaction, new: Mapping[ActorKey, ActorState], known: Mapping[ActorKey, ActorState]
) -> None:
    if new:
        rows = [_actor_row(key, state) for key, state in new.items()]
        await tx.execute(sa.insert(notification_actors), rows)
    if known:
        rows = [_renamed(_actor_row(key, state)) for key, state in known.items()]
        await tx.execute(_UPDATE_ACTOR, rows)


async def put_groups(tx: Transaction, new: Sequence[Group], known: Sequence[Group]) -> None:
    if new:
        await tx.execute(sa.insert(notifications), [_group_row(group) for group in new])
    if known:
        await tx.execute(_UPDATE_GROUP, [_renamed(_group_row(group)) for group in known])


async def newest(reader: Reader, account: Id, *, below: Id, limit: int) -> list[Group]:
    """The groups of an account that hold anybody, the newest first."""
    rows = await reader.all(
        sa.select(notifications)
        .where(_of(notifications, account), notifications.c.id < below, notifications.c.actors > 0)
        .order_by(notifications.c.id.desc())
        .limit(limit)
    )
    return [_group(row) for row in rows]


async def newest_actors(reader: Reader, group: Group, limit: int) -> list[Id]:
    """Who is in a group, the latest first."""
    rows = await reader.all(
        sa.select(notification_actors.c.actor)
        .where(_in(group))
        .order_by(notification_actors.c.id.desc())
        .limit(limit)
    )
    return [row.actor for row in rows]


async def count_among(reader: Reader, group: Group, actors: Iterable[Id]) -> int:
    """How many of these are in a group."""
    wanted, found = sorted(actors), 0
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        found += await reader.scalar(
            sa.select(sa.func.count()).where(_in(group), notification_actors.c.actor.in_(chunk))
        )
    return found


async def read_up_to(reader: Reader, account: Id) -> Id:
    """The newest id that the account has read; 0 when it never read any."""
    found = await reader.scalar(
        sa.select(notification_marks.c.read_up_to).where(_of(notification_marks, account))
    )
    return int(found or 0)


async def mark_read(tx: Transaction, account: Id, up_to: Id) -> None:
    row = {"shard": shard_of(account), "account": account, "read_up_to": up_to}
    await tx.execute(
        upsert(notification_marks, row, index=["shard", "account"], update=["read_up_to"])
    )


async def forget_account(tx: Transaction, account: Id) -> None:
    """Drop everything that an account was told."""
    for table in (notifications, notification_actors, notification_marks):
        await tx.execute(sa.delete(table).where(_of(table, account)))


async def notes_by(reader: Reader, actor: Id, limit: int) -> list[Withdrawal]:
    """What others were told of an account, as its withdrawal: asks every shard."""
    rows = await reader.all(
        sa.select(notification_actors).where(notification_actors.c.actor == actor).limit(limit)
    )
    return [
        Withdrawal(account=row.account, kind=row.kind, subject=row.subject, actor=actor)
        for row in rows
    ]


async def forget_notes(tx: Transaction, withdrawn: Iterable[Withdrawal]) -> None:
    for each in withdrawn:
        await tx.execute(
            sa.delete(notification_actors).where(
                _about(notification_actors, each.account, each.kind, each.subject),
                notification_actors.c.actor == each.actor,
            )
        )


async def forget_below(tx: Transaction, bound: Id, limit: int) -> int:
    """Drop what is older than an id, so many rows of each table at most: asks every shard."""
    dropped = 0
    for table in (notifications, notification_actors):
        rows = await tx.all(sa.select(table).where(table.c.id < bound).limit(limit))
        for row in rows:
            await tx.execute(sa.delete(table).where(*_same_row(table, row)))
        dropped += len(rows)
    return dropped


def _of(table: sa.Table, account: Id) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.shard == shard_of(account), table.c.account == account)


def _about(table: sa.Table, account: Id, kind: str, subject: Id) -> sa.ColumnElement[bool]:
    return sa.and_(_of(table, account), table.c.kind == kind, table.c.subject == subject)


def _in(group: Group) -> sa.ColumnElement[bool]:
    return sa.and_(
        _about(notification_actors, group.account, group.kind, group.subject),
        notification_actors.c.day == group.day,
        notification_actors.c.active.is_(True),
    )


def _same_row(table: sa.Table, row: Row) -> Sequence[sa.ColumnElement[bool]]:
    return [column == getattr(row, column.name) for column in table.primary_key.columns]


def _group(row: Row) -> Group:
    return Group(
        account=row.account,
        kind=row.kind,
        subject=row.subject,
        day=row.day,
        id=row.id,
        post=row.post,
        comment=row.comment,
        actors=row.actors,
        latest=struct.unpack(f">{len(row.latest) // 8}q", row.latest),
    )


def _actor_row(key: ActorKey, state: ActorState) -> dict[str, object]:
    return {"shard": shard_of(key.account), **key._asdict(), **msgspec.structs.asdict(state)}


def _group_row(group: Group) -> dict[str, object]:
    latest = struct.pack(f">{len(group.latest)}q", *group.latest)
    row = msgspec.structs.asdict(group) | {"latest": latest}
    return {"shard": shard_of(group.account), **row}


def _update(table: sa.Table, *columns: str) -> sa.Update:
    """Update rows by their whole key; parameters are named after the columns, see ``_renamed``."""
    keys = (column == sa.bindparam(f"p_{column.name}") for column in table.primary_key.columns)
    return (
        sa.update(table).where(*keys).values({name: sa.bindparam(f"p_{name}") for name in columns})
    )


def _renamed(row: Mapping[str, object]) -> dict[str, object]:
    return {f"p_{name}": value for name, value in row.items()}


_UPDATE_ACTOR = _update(notification_actors, "day", "id", "active")
_UPDATE_GROUP = _update(notifications, "id", "actors", "latest")

"""The SQL of the notifications slice, one function a query; all rows live with who is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from tintype.database import Reader, Row, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_of
from tintype.notifications.model import Group, Note, Withdrawal

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


async def add(tx: Transaction, note: Note, *, id_: Id, day: int) -> bool:
    """Put a note into its group; False when it is there already, which makes repeats harmless.

    A note that was withdrawn on the same day comes back quietly; on another day it is news.
    """
    known = await tx.first(
        sa.select(notification_actors.c.day, notification_actors.c.active).where(_actor(note))
    )
    if known is not None and known.active:
        return False
    quiet = known is not None and known.day == day
    values: dict[str, object] = {"day": day, "active": True}
    if known is None:
        row = _key(note) | {"actor": note.actor, "id": id_} | values
        await tx.execute(sa.insert(notification_actors), [row])
    else:
        if not quiet:
            values["id"] = id_
        await tx.execute(sa.update(notification_actors).where(_actor(note)).values(**values))
    group = _key(note) | {"day": day, "id": id_, "post": note.post, "comment": note.comment}
    joined: dict[str, sa.ColumnElement[object]] = {"actors": notifications.c.actors + 1}
    if not quiet:
        joined["id"] = sa.literal(id_)
    await tx.execute(
        upsert(
            notifications,
            group | {"actors": 1},
            index=["shard", "account", "kind", "subject", "day"],
            update=joined,
        )
    )
    return True


async def withdraw(tx: Transaction, withdrawal: Withdrawal) -> bool:
    """Take a note out of its group; False when it is not there."""
    day = await tx.scalar(
        sa.select(notification_actors.c.day).where(
            _actor(withdrawal), notification_actors.c.active.is_(True)
        )
    )
    if day is None:
        return False
    await tx.execute(sa.update(notification_actors).where(_actor(withdrawal)).values(active=False))
    await _leave(tx, withdrawal.account, withdrawal.kind, withdrawal.subject, day)
    return True


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


async def forget_actor(tx: Transaction, actor: Id, limit: int) -> int:
    """Take an account out of what others were told, so many at most: asks every shard."""
    rows = await tx.all(
        sa.select(notification_actors).where(notification_actors.c.actor == actor).limit(limit)
    )
    for row in rows:
        if row.active:
            await _leave(tx, row.account, row.kind, row.subject, row.day)
        await tx.execute(sa.delete(notification_actors).where(*_same_row(notification_actors, row)))
    return len(rows)


async def forget_below(tx: Transaction, bound: Id, limit: int) -> int:
    """Drop what is older than an id, so many rows of each table at most: asks every shard."""
    dropped = 0
    for table in (notifications, notification_actors):
        rows = await tx.all(sa.select(table).where(table.c.id < bound).limit(limit))
        for row in rows:
            await tx.execute(sa.delete(table).where(*_same_row(table, row)))
        dropped += len(rows)
    return dropped


async def _leave(tx: Transaction, account: Id, kind: str, subject: Id, day: int) -> None:
    await tx.execute(
        sa.update(notifications)
        .where(
            _of(notifications, account),
            notifications.c.kind == kind,
            notifications.c.subject == subject,
            notifications.c.day == day,
            notifications.c.actors > 0,
        )
        .values(actors=notifications.c.actors - 1)
    )


def _of(table: sa.Table, account: Id) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.shard == shard_of(account), table.c.account == account)


def _key(note: Note) -> dict[str, object]:
    return {
        "shard": shard_of(note.account),
        "account": note.account,
        "kind": note.kind,
        "subject": note.subject,
    }


def _actor(change: Note | Withdrawal) -> sa.ColumnElement[bool]:
    return sa.and_(
        _of(notification_actors, change.account),
        notification_actors.c.kind == change.kind,
        notification_actors.c.subject == change.subject,
        notification_actors.c.actor == change.actor,
    )


def _in(group: Group) -> sa.ColumnElement[bool]:
    return sa.and_(
        _of(notification_actors, group.account),
        notification_actors.c.kind == group.kind,
        notification_actors.c.subject == group.subject,
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
    )

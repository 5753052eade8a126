"""The SQL of the operator's side, one function a query: figures, and what is wiped last."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tintype.admin.model import FlagState, QueueFigures, StoreFigures
from tintype.database import Reader, Row, Transaction, metadata, upsert
from tintype.database.jobs import DEAD, QUEUED
from tintype.database.tables import (
    consumer_offsets,
    dead_letters,
    event_log,
    idempotency,
    jobs,
    outbox,
)
from tintype.database.waking import News
from tintype.kernel.ids import SHARDS, Id, shard_of

_PROBE_SHARD = 0
_FLAG_SHARD = 0

probes = sa.Table(
    "probes",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)


flags = sa.Table(
    "flags",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("value", sa.Boolean),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_by", sa.BigInteger, nullable=False),
)


async def flag_states(reader: Reader) -> dict[str, FlagState]:
    """Every flag that was ever set."""
    rows = await reader.all(sa.select(flags).where(flags.c.shard == _FLAG_SHARD))
    return {row.name: FlagState(row.value, row.changed_ms, row.changed_by) for row in rows}


async def put_flag(tx: Transaction, name: str, state: FlagState) -> None:
    row = {
        "shard": _FLAG_SHARD,
        "name": name,
        "value": state.on,
        "changed_ms": state.changed_ms,
        "changed_by": state.changed_by,
    }
    changed = ["value", "changed_ms", "changed_by"]
    await tx.execute(upsert(flags, row, index=["shard", "name"], update=changed))


async def write_probe(tx: Transaction, name: str, now_ms: int) -> None:
    row = {"shard": _PROBE_SHARD, "name": name, "at_ms": now_ms}
    await tx.execute(upsert(probes, row, index=["shard", "name"], update=["at_ms"]))


async def figures(reader: Reader) -> StoreFigures:
    """What waits in the outbox, the queues and before the consumers: asks every shard."""
    waiting = await reader.first(
        sa.select(
            sa.func.min(outbox.c.at_ms).label("oldest_ms"), sa.func.count().label("events")
        ).where(_everywhere(outbox))
    )
    queues = await reader.all(
        sa.select(
            jobs.c.kind,
            jobs.c.state,
            sa.func.count().label("jobs"),
            sa.func.min(jobs.c.run_at_ms).label("oldest_ms"),
        )
        .where(_everywhere(jobs))
        .group_by(jobs.c.kind, jobs.c.state)
    )
    head = await reader.scalar(
        sa.select(sa.func.max(event_log.c.position)).where(_everywhere(event_log))
    )
    offsets = await reader.all(
        sa.select(consumer_offsets).where(
            _everywhere(consumer_offsets),
            # Positions in a log outside the database: how much lies behind them is asked there.
            sa.not_(consumer_offsets.c.consumer_group.contains("@")),
        )
    )
    dead = await reader.all(
        sa.select(dead_letters.c.consumer_group, sa.func.count().label("letters"))
        .where(_everywhere(dead_letters))
        .group_by(dead_letters.c.consumer_group)
    )
    return StoreFigures(
        outbox_oldest_ms=None if waiting is None else waiting.oldest_ms,
        outbox_events=0 if waiting is None else waiting.events,
        queues=[QueueFigures(row.kind, row.state, row.jobs, row.oldest_ms) for row in queues],
        behind={row.consumer_group: max(0, (head or 0) - row.position) for row in offsets},
        dead_letters={row.consumer_group: row.letters for row in dead},
    )


async def list_jobs(reader: Reader, *, state: str | None, limit: int) -> Sequence[Row]:
    """Jobs that wait, run or were given up, the oldest first: asks every shard."""
    query = sa.select(jobs).where(_everywhere(jobs)).order_by(jobs.c.id).limit(limit)
    if state is not None:
        query = query.where(jobs.c.state == state)
    return await reader.all(query)


async def revive_jobs(tx: Transaction, *, only: Id | None, kind: str | None, now_ms: int) -> int:
    """Queue jobs that were given up once more, with all their attempts; returns how many."""
    wanted = [_everywhere(jobs), jobs.c.state == DEAD]
    if only is not None:
        wanted += [jobs.c.shard == shard_of(only), jobs.c.id == only]
    if kind is not None:
        wanted.append(jobs.c.kind == kind)
    tx.brings(News.JOBS)
    return await tx.execute(
        sa.update(jobs)
        .where(*wanted)
        .values(state=QUEUED, attempts=0, run_at_ms=now_ms, leased_until_ms=0)
    )


async def list_dead_letters(
    reader: Reader, *, group: str | None, position: int | None, limit: int
) -> Sequence[Row]:
    """Events that a consumer group gave up, in log order."""
    query = sa.select(dead_letters).where(_everywhere(dead_letters))
    if group is not None:
        query = query.where(dead_letters.c.consumer_group == group)
    if position is not None:
        query = query.where(dead_letters.c.position == position)
    order = (dead_letters.c.position, dead_letters.c.consumer_group)
    return await reader.all(query.order_by(*order).limit(limit))


async def read_dead_letter(reader: Reader, group: str, position: int) -> Row | None:
    return await reader.first(sa.select(dead_letters).where(_letter(group, position)))


async def forget_dead_letter(tx: Transaction, group: str, position: int) -> bool:
    """Drop one; False when it is gone already."""
    return await tx.execute(sa.delete(dead_letters).where(_letter(group, position))) > 0


async def note_reason(tx: Transaction, group: str, position: int, reason: str) -> None:
    await tx.execute(sa.update(dead_letters).where(_letter(group, position)).values(reason=reason))


async def forget_answers(tx: Transaction, account: Id) -> None:
    """Drop the answers kept for an account's idempotency keys: they hold what it wrote."""
    await tx.execute(
        sa.delete(idempotency).where(
            idempotency.c.shard == shard_of(account),
            idempotency.c.scope.startswith(f"{account} ", autoescape=True),
        )
    )


def _everywhere(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.shard.between(0, SHARDS - 1)


def _letter(group: str, position: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        _everywhere(dead_letters),
        dead_letters.c.consumer_group == group,
        dead_letters.c.position == position,
    )

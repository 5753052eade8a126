"""Counters: folded from events, exactly once, into one row per subject and name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

import sqlalchemy as sa

from tintype.database.by_id import ById
from tintype.database.session import Reader, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import counts
from tintype.kernel.event import Event
from tintype.kernel.ids import Id, shard_of


async def read(
    reader: Reader, subjects: Iterable[Id], names: Sequence[str]
) -> dict[Id, dict[str, int]]:
    """The folded counts of every subject; what was never counted is 0."""
    found = {subject: dict.fromkeys(names, 0) for subject in subjects}
    for row in await _counted(tuple(names)).all(reader, found):
        found[row.subject][row.name] = row.value
    return found


@cache
def _counted(names: tuple[str, ...]) -> ById:
    query = sa.select(counts.c.subject, counts.c.name, counts.c.value)
    return ById(query.where(counts.c.name.in_(names)), counts.c.subject)


def changes(batch: Sequence[Event]) -> dict[tuple[Id, str], int]:
    """The net change of every counter that a batch of events moves."""
    sums: dict[tuple[Id, str], int] = defaultdict(int)
    for event in batch:
        for delta in event.deltas():
            sums[delta.subject, delta.name] += delta.by
    return {key: by for key, by in sums.items() if by}


async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
    """Add a batch to the counts and drop those of what is gone with it.

    The caller moves its offset in the same transaction.
    """
    rows = [
        {"shard": shard_of(subject), "subject": subject, "name": name, "value": by}
        # In one order for everybody: two folds never wait for each other.
        for (subject, name), by in sorted(changes(batch).items())
    ]
    if rows:
        await tx.execute(upsert(counts, index=["shard", "subject", "name"], add=["value"]), rows)
    if gone := [subject for event in batch for subject in event.forgets()]:
        await forget(tx, gone)


async def forget(tx: Transaction, subjects: Sequence[Id]) -> None:
    """Drop the counts of subjects that are gone."""
    await tx.execute(
        sa.delete(counts).where(
            counts.c.shard.in_({shard_of(subject) for subject in subjects}),
            counts.c.subject.in_(subjects),
        )
    )

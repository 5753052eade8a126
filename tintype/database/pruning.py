"""Keeping the event log short: what everybody has read and nobody will look up is dropped."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from tintype.database.event_log import PARTITION
from tintype.database.session import Database, Reader
from tintype.database.tables import consumer_offsets, event_log

KEPT_MS = 7 * 24 * 3600 * 1000
_BATCH = 2_000


async def prune(database: Database, groups: Collection[str]) -> int:
    """Drop events that all of these groups have passed and that are a week old; how many.

    A group that never read holds everything back. Short transactions: writers are not held up.
    """
    before = database.clock.now_ms() - KEPT_MS
    async with database.read() as reader:
        passed = await _passed_by_all(reader, groups)
    dropped = 0
    while True:
        async with database.write() as tx:
            bound = await tx.scalar(
                sa.select(sa.func.max(sa.column("position"))).select_from(
                    sa.select(event_log.c.position)
                    .where(
                        event_log.c.shard == PARTITION,
                        event_log.c.position <= passed,
                        event_log.c.at_ms < before,
                    )
                    .order_by(event_log.c.position)
                    .limit(_BATCH)
                    .subquery()
                )
            )
            if bound is None:
                return dropped
            dropped += await tx.execute(
                sa.delete(event_log).where(
                    event_log.c.shard == PARTITION, event_log.c.position <= bound
                )
            )


async def _passed_by_all(reader: Reader, groups: Collection[str]) -> int:
    rows = await reader.all(
        sa.select(consumer_offsets.c.position).where(
            consumer_offsets.c.shard == PARTITION,
            consumer_offsets.c.consumer_group.in_(list(groups)),
        )
    )
    if len(rows) < len(set(groups)):
        return 0
    return min((int(row.position) for row in rows), default=0)

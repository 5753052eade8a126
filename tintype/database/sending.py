"""The events of one lane that are sent to a log outside the database, under their numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from tintype.database.leases import Lease
from tintype.database.pruning import KEPT_MS
from tintype.database.session import Database, Reader, Row, TryAgain
from tintype.database.tables import outbox, sent_events
from tintype.kernel.ids import Id
from tintype.ports.events import LONGEST_APPEND, Record

_READ = ""
"""The kind of the newest event once everybody has read it: only its number is still needed."""
_MOST_DROPPED = 2_000


class Sending:
    """Whoever calls need not hold the lease: of two that number the same events, one fails."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lane = sent_events.c.shard == lease.first
        self._first = lease.first
        self._shards = outbox.c.shard.between(lease.first, lease.last)

    async def number(self, *, after: int) -> Sequence[Record]:
        """Move the next events from the outbox among those that are sent, and return them.

        Their numbers follow the highest one there is, and ``after``, which the log has reached: a
        database that was restored may be older than the log. Where the log lacks something that is
        numbered already, that is returned instead: a relay that was shut out may have numbered it
        just now, and once the log has reached a higher number nobody would send it.

        Raises:
            TryAgain: somebody else was quicker.
        """
        waiting = sa.select(outbox).where(self._shards).order_by(outbox.c.id).limit(LONGEST_APPEND)
        async with self._database.read() as reader:
            rows = await reader.all(waiting)
        if not rows:
            return []
        async with self._database.write() as tx:
            newest = await tx.scalar(sa.select(sa.func.max(sent_events.c.number)).where(self._lane))
            # Who numbers between this look and the commit gets the same numbers: one of us fails.
            if (newest or 0) > after and (lacking := await self._beyond(tx, after)):
                return lacking
            taken = await tx.execute(self._without([row.id for row in rows]))
            if taken < len(rows):
                raise TryAgain
            records = [
                _record(row, number) for number, row in enumerate(rows, max(newest or 0, after) + 1)
            ]
            await tx.execute(
                sa.insert(sent_events),
                [
                    {
                        "shard": self._first,
                        "number": each.number,
                        "id": each.id,
                        "kind": each.kind,
                        "key": each.key,
                        "payload": each.payload,
                        "at_ms": each.at_ms,
                        "trace": each.trace,
                    }
                    for each in records
                ],
            )
        return records

    async def beyond(self, number: int) -> Sequence[Record]:
        """The next events after this number that somebody may not have read."""
        async with self._database.read() as reader:
            return await self._beyond(reader, number)

    async def forget(self, ids: Collection[Id]) -> None:
        """Drop from the outbox what is in the log already."""
        async with self._database.write() as tx:
            await tx.execute(self._without(ids))

    async def drop(self, number: int) -> None:
        """Drop what everybody has read, up to this number, and what is a week old.

        The highest number stays: no later event may get it.
        """
        before = self._database.clock.now_ms() - KEPT_MS
        async with self._database.write() as tx:
            ends = await tx.first(
                sa.select(
                    sa.func.min(sent_events.c.number).label("oldest"),
                    sa.func.max(sent_events.c.number).label("newest"),
                ).where(self._lane)
            )
            if ends is None or ends.newest is None:
                return
            aged = sa.and_(
                sent_events.c.number < ends.oldest + _MOST_DROPPED, sent_events.c.at_ms < before
            )
            dropped = sa.or_(sent_events.c.number <= number, aged)
            await tx.execute(
                sa.delete(sent_events).where(
                    self._lane, sent_events.c.number < ends.newest, dropped
                )
            )
            await tx.execute(
                sa.update(sent_events)
                .where(self._lane, sent_events.c.number == ends.newest, dropped)
                .values(kind=_READ, payload=b"")
            )

    async def _beyond(self, reader: Reader, number: int) -> Sequence[Record]:
        rows = await reader.all(
            sa.select(sent_events)
            .where(self._lane, sent_events.c.number > number, sent_events.c.kind != _READ)
            .order_by(sent_events.c.number)
            .limit(LONGEST_APPEND)
        )
        return [_record(row, row.number) for row in rows]

    def _without(self, ids: Collection[Id]) -> sa.Delete:
        return sa.delete(outbox).where(self._shards, outbox.c.id.in_(ids))


def _record(row: Row, number: int) -> Record:
    return Record(row.kind, row.key, row.payload, row.at_ms, row.id, row.trace, number)

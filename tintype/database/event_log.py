"""The embedded log of events: a table, and the relay that fills it from the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
import structlog

from tintype.database.offsets import Offsets, Overtaken
from tintype.database.session import Database, Row, TryAgain
from tintype.database.tables import consumer_offsets, event_log, outbox
from tintype.database.waking import News
from tintype.kernel.ids import SHARDS
from tintype.ports.events import Batch, Delivered, Positions, Record

log = structlog.get_logger(__name__)

PARTITION = 0
_NAME = ""
_BATCH = 500
_IDLE_S = 1.0
_OVERTAKEN_S = 0.1
_NOTED_S = 1.0

# Built once: every commit is followed by these, for every group.
_WAITING = (
    sa.select(outbox)
    .where(outbox.c.shard.between(0, SHARDS - 1))
    .order_by(outbox.c.id)
    .limit(_BATCH)
)
_HEAD = sa.select(sa.func.max(event_log.c.position)).where(event_log.c.shard == PARTITION)
_FLOOR = sa.select(sa.func.max(consumer_offsets.c.position)).where(
    consumer_offsets.c.shard == PARTITION,
    sa.not_(consumer_offsets.c.consumer_group.contains("@")),
)
_BEHIND = (
    sa.select(event_log)
    .where(event_log.c.shard == PARTITION, event_log.c.position > sa.bindparam("behind"))
    .order_by(event_log.c.position)
    .limit(_BATCH)
)


class Relay:
    """Moves what transactions published from the outbox to the log, in commit order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def drain(self) -> int:
        """Move everything that is waiting; returns how many events."""
        moved = 0
        while count := await self._drain_batch():
            moved += count
        return moved

    async def _drain_batch(self) -> int:
        async with self._database.read() as reader:
            if await reader.first(_WAITING) is None:
                return 0
        async with self._database.write() as tx:
            rows = await tx.all(_WAITING)
            if not rows:
                return 0  # another relay was quicker
            taken = await tx.execute(
                sa.delete(outbox).where(
                    outbox.c.shard.in_({row.shard for row in rows}),
                    outbox.c.id.in_([row.id for row in rows]),
                )
            )
            if taken < len(rows):
                raise TryAgain  # another relay took some of them meanwhile
            head, floor = await tx.scalar(_HEAD), await tx.scalar(_FLOOR)
            # Pruning may empty the log; positions never go back below what was consumed.
            position = max(head or 0, floor or 0)
            tx.brings(News.RECORDS)
            await tx.execute(
                sa.insert(event_log),
                [
                    {
                        "shard": PARTITION,
                        "position": position + offset,
                        "kind": row.kind,
                        "key": row.key,
                        "payload": row.payload,
                        "at_ms": row.at_ms,
                        "trace": row.trace,
                    }
                    for offset, row in enumerate(rows, start=1)
                ],
            )
        return len(rows)

    async def run(self) -> None:
        """Drain whenever something was committed here, and every second."""
        while True:
            bell = self._database.waking.bell(News.EVENTS)
            try:
                await self.drain()
            except Exception as error:  # noqa: BLE001 - the store is down: the loop outlives it
                log.warning("relay.failed", error=repr(error))
            await bell.rung(_IDLE_S)


class EventLog:
    """``Events`` over the table ``event_log``: one partition, offsets beside it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def subscribe(
        self, group: str, kinds: Collection[str], *, positions: Positions | None = None
    ) -> LogReader:
        """See ``Events``; positions are always those of this database."""
        return LogReader(self._database, group, kinds, folds=positions is not None)

    async def lag(self, groups: Collection[str]) -> Mapping[str, int]:
        head = sa.func.coalesce(
            sa.select(sa.func.max(event_log.c.position))
            .where(event_log.c.shard == PARTITION)
            .scalar_subquery(),
            sa.literal(0),
        )
        async with self._database.read() as reader:
            rows = await reader.all(
                sa.select(
                    consumer_offsets.c.consumer_group,
                    (head - consumer_offsets.c.position).label("behind"),
                ).where(
                    consumer_offsets.c.shard == PARTITION,
                    consumer_offsets.c.consumer_group.in_(list(groups)),
                )
            )
        return {row.consumer_group: max(0, row.behind) for row in rows}

    async def close(self) -> None:
        """Nothing is held here."""


class LogReader:
    """A group's view of the table, from its stored offset on.

    Records of other kinds alone are not worth a transaction of each group: they are passed over,
    and the stored offset follows within a second or with the next record that is handed over.
    """

    def __init__(
        self, database: Database, group: str, kinds: Collection[str], *, folds: bool
    ) -> None:
        self._database = database
        self._folds = folds
        self._kinds = frozenset(kinds)
        self._offsets = Offsets(database, group)
        self._passed: int | None = None
        """Nothing up to here is left for this group; ``None``: only the store knows."""
        self._behind_since: float | None = None
        """Since when the stored offset is behind that."""

    async def batch(self, *, wait_s: float, linger_s: float = 0.0) -> Batch:
        """The rows after the stored offset; with none, waits for some and returns empty."""
        bell = self._database.waking.bell(News.RECORDS)
        position = self._passed
        if position is None or not wait_s or await self._concerned(position):
            position = (await self._offsets.read(_NAME, [PARTITION]))[PARTITION]
            self._behind_since = None
            if rows := await self._rows(position):
                # Until they are handled.
                self._passed = None
                return Batch(_NAME, [_delivered(row) for row in rows], {PARTITION: position})
            self._passed = position
        if wait_s:
            await bell.rung(wait_s)
            await asyncio.sleep(linger_s)
        return Batch(_NAME, [], {PARTITION: position})

    async def commit(self, batch: Batch) -> None:
        """Move the offset, unless somebody else moved it; a fold has done so already."""
        try:
            if not self._folds:
                async with self._database.write() as tx:
                    await self._offsets.advance(tx, batch.log, batch.after, batch.reached)
            self._passed = batch.reached[PARTITION]
        except Overtaken:
            log.info("consumer.overtaken", reached=batch.reached)
            # Whoever was quicker may not be readable yet: asking again at once would only spin.
            await asyncio.sleep(_OVERTAKEN_S)

    async def rewind(self) -> None:
        self._passed = None

    async def close(self) -> None:
        """Nothing is held here."""

    async def _concerned(self, position: int) -> bool:
        """Whether there is anything for this group, or much to be noted; passes over the others."""
        rows = await self._rows(position)
        if len(rows) == _BATCH or any(row.kind in self._kinds for row in rows):
            return True
        now = asyncio.get_running_loop().time()
        if rows:
            self._passed = rows[-1].position
            self._behind_since = self._behind_since or now
        return self._behind_since is not None and now - self._behind_since >= _NOTED_S

    async def _rows(self, position: int) -> Sequence[Row]:
        async with self._database.read() as reader:
            return await reader.all(_BEHIND, {"behind": position})


def _delivered(row: Row) -> Delivered:
    record = Record(row.kind, row.key, row.payload, row.at_ms, trace=row.trace)
    return Delivered(PARTITION, row.position, record)

"""Delivering committed events: the relay, the log and the consumers that read it.

    transaction ──► outbox ──relay──► event_log ──► consumer groups (each with its own offset)

The relay drains the outbox by deletion, so a row that commits late is delivered late and never
skipped. A consumer that fails is retried; an event that keeps failing goes to the dead letters and
its group carries on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
import structlog

from tintype.database.session import Database, Row, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import consumer_offsets, dead_letters, event_log, outbox
from tintype.kernel.event import Event, wire_name
from tintype.kernel.ids import SHARDS
from tintype.kernel.problem import Unavailable

log = structlog.get_logger(__name__)

PARTITION = 0
_BATCH = 500
_IDLE_S = 1.0
_ATTEMPTS = 5
_FIRST_RETRY_S = 0.2


@dataclass(frozen=True)
class Consumer:
    """Handles batches at least once; the offset moves after ``handle`` returned."""

    group: str
    events: tuple[type[Event], ...]
    handle: Callable[[Sequence[Event]], Awaitable[None]]
    linger_s: float = 0.0


@dataclass(frozen=True)
class Fold:
    """Folds batches into the database: effect and offset in one transaction, so exactly once."""

    group: str
    events: tuple[type[Event], ...]
    fold: Callable[[Transaction, Sequence[Event]], Awaitable[None]]
    linger_s: float = 0.0


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
        waiting = (
            sa.select(outbox)
            .where(outbox.c.shard.between(0, SHARDS - 1))
            .order_by(outbox.c.id)
            .limit(_BATCH)
        )
        async with self._database.read() as reader:
            if await reader.first(waiting) is None:
                return 0
        async with self._database.write() as tx:
            rows = await tx.all(waiting)
            if not rows:
                return 0  # another relay was quicker
            head = await tx.scalar(
                sa.select(sa.func.max(event_log.c.position)).where(event_log.c.shard == PARTITION)
            )
            floor = await tx.scalar(
                sa.select(sa.func.max(consumer_offsets.c.position)).where(
                    consumer_offsets.c.shard == PARTITION
                )
            )
            # Pruning may empty the log; positions never go back below what was consumed.
            position = max(head or 0, floor or 0)
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
                    }
                    for offset, row in enumerate(rows, start=1)
                ],
            )
            await tx.execute(
                sa.delete(outbox).where(
                    outbox.c.shard.in_({row.shard for row in rows}),
                    outbox.c.id.in_([row.id for row in rows]),
                )
            )
        return len(rows)

    async def run(self) -> None:
        while True:
            try:
                await self.drain()
            except Exception as error:  # noqa: BLE001 - the store is down: the loop outlives it
                log.warning("relay.failed", error=repr(error))
            await self._database.woken(_IDLE_S)


class ConsumerRunner:
    """Feeds one consumer group from the log, from its stored offset on."""

    def __init__(self, database: Database, consumer: Consumer | Fold) -> None:
        self._database = database
        self._consumer = consumer
        self._types = {wire_name(type_): type_ for type_ in consumer.events}

    async def run(self) -> None:
        while True:
            try:
                if await self.step() == 0:
                    await self._database.woken(_IDLE_S)
                    await asyncio.sleep(self._consumer.linger_s)
            except Exception as error:  # noqa: BLE001 - the store is down: the loop outlives it
                log.warning("consumer.failed", group=self._consumer.group, error=repr(error))
                await asyncio.sleep(_IDLE_S)

    async def catch_up(self) -> int:
        """Handle everything in the log now; returns how many log rows were passed."""
        passed = 0
        while count := await self.step():
            passed += count
        return passed

    async def step(self) -> int:
        """Handle one batch; returns how many log rows were passed (0 at the end of the log)."""
        position = await self.position()
        async with self._database.read() as reader:
            rows = await reader.all(
                sa.select(event_log)
                .where(event_log.c.shard == PARTITION, event_log.c.position > position)
                .order_by(event_log.c.position)
                .limit(_BATCH)
            )
        if not rows:
            return 0
        try:
            await self._apply(rows)
        except Exception as error:  # noqa: BLE001 - one bad event must not stop its group
            log.warning("consumer.batch_failed", group=self._consumer.group, error=repr(error))
            for row in rows:
                await self._apply_or_bury(row)
        return len(rows)

    async def position(self) -> int:
        async with self._database.read() as reader:
            found = await reader.scalar(
                sa.select(consumer_offsets.c.position).where(
                    consumer_offsets.c.shard == PARTITION,
                    consumer_offsets.c.consumer_group == self._consumer.group,
                )
            )
        return int(found or 0)

    def _decode(self, rows: Sequence[Row]) -> list[Event]:
        return [
            msgspec.json.decode(row.payload, type=self._types[row.kind])
            for row in rows
            if row.kind in self._types
        ]

    async def _apply(self, rows: Sequence[Row]) -> None:
        events = self._decode(rows)
        if isinstance(self._consumer, Consumer):
            if events:
                await self._consumer.handle(events)
            async with self._database.write() as tx:
                await self._advance(tx, rows[-1].position)
            return
        async with self._database.write() as tx:
            if events:
                await self._consumer.fold(tx, events)
            await self._advance(tx, rows[-1].position)

    async def _advance(self, tx: Transaction, position: int) -> None:
        row = {
            "shard": PARTITION,
            "consumer_group": self._consumer.group,
            "position": position,
        }
        await tx.execute(
            upsert(consumer_offsets, row, index=["shard", "consumer_group"], update=["position"])
        )

    async def _apply_or_bury(self, row: Row) -> None:
        attempt = 0
        while attempt < _ATTEMPTS:
            try:
                await self._apply([row])
            except Unavailable as error:
                # An engine is away: that is nothing the event could be blamed for.
                log.warning("consumer.waits", group=self._consumer.group, error=repr(error))
                await asyncio.sleep(_IDLE_S)
            except Exception as error:  # noqa: BLE001 - counted, then buried with its reason
                reason = repr(error)
                await asyncio.sleep(_FIRST_RETRY_S * 2**attempt)
                attempt += 1
            else:
                return
        log.error("consumer.dead_letter", group=self._consumer.group, kind=row.kind, reason=reason)
        async with self._database.write() as tx:
            await tx.execute(
                upsert(
                    dead_letters,
                    {
                        "shard": PARTITION,
                        "consumer_group": self._consumer.group,
                        "position": row.position,
                        "kind": row.kind,
                        "payload": row.payload,
                        "reason": reason,
                        "at_ms": self._database.clock.now_ms(),
                    },
                    index=["shard", "consumer_group", "position"],
                )
            )
            await self._advance(tx, row.position)

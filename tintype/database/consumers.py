"""Delivering committed events to the groups that listen.

    transaction ──► outbox ──relay──► log of events ──► consumer groups (each with its own offset)

A consumer that fails is retried; an event that keeps failing goes to the dead letters and its group
carries on. An engine that is away is waited for, however long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from tintype.database.event_log import EventLog
from tintype.database.offsets import Offsets, Overtaken
from tintype.database.session import Database, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import dead_letters
from tintype.kernel.event import Event, wire_name
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Batch, Delivered, Events, RecordsLost, Subscription

log = structlog.get_logger(__name__)

_IDLE_S = 1.0
_RIVAL_S = 0.05
_ATTEMPTS = 5
_FIRST_RETRY_S = 0.2


@dataclass(frozen=True)
class Consumer:
    """Handles batches at least once; the offset moves after ``handle`` returned.

    ``on_lost`` hears when events may be lost together with the log that held them, before anything
    newer is handled: what is derived from them must then be rebuilt. What a relay sends is sent
    again to a log that took the place of another, so that events of both may come twice.
    """

    group: str
    events: tuple[type[Event], ...]
    handle: Callable[[Sequence[Event]], Awaitable[None]]
    linger_s: float = 0.0
    on_lost: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Fold:
    """Folds batches into the database: effect and offset in one transaction, so exactly once.

    ``on_lost`` is the same as of ``Consumer``.
    """

    group: str
    events: tuple[type[Event], ...]
    fold: Callable[[Transaction, Sequence[Event]], Awaitable[None]]
    linger_s: float = 0.0
    on_lost: Callable[[], Awaitable[None]] | None = None


async def _nothing_first() -> None:
    """What goes before a batch when nobody asked for anything."""


class ConsumerRunner:
    """Feeds one consumer group from a log of events; without one, from that of the database.

    ``before_batch`` runs ahead of every batch that is handed over.
    """

    def __init__(
        self,
        database: Database,
        consumer: Consumer | Fold,
        events: Events | None = None,
        before_batch: Callable[[], Awaitable[None]] = _nothing_first,
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._events: Events = events or EventLog(database)
        self._before_batch = before_batch
        self._types = {wire_name(type_): type_ for type_ in consumer.events}
        self._offsets = Offsets(database, consumer.group)
        self._subscription: Subscription | None = None
        self._log = ""
        self._in_doubt = False
        self._lost = False
        self._oldest_ms: int | None = None

    @property
    def group(self) -> str:
        return self._consumer.group

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest event that is in hand here, and not handled yet, was committed."""
        return self._oldest_ms

    async def run(self) -> None:
        """Handle what comes until cancelled; then leave the group."""
        try:
            while True:
                try:
                    await self.step(wait_s=_IDLE_S)
                except Exception as error:  # noqa: BLE001 - the store is down: the loop outlives it
                    log.warning("consumer.failed", group=self._consumer.group, error=repr(error))
                    await asyncio.sleep(_IDLE_S)
        finally:
            await self.close()

    async def catch_up(self, *, wait_s: float = 0.0) -> int:
        """Handle everything until nothing comes for ``wait_s``; returns how many were passed."""
        passed = 0
        while count := await self.step(wait_s=wait_s):
            passed += count
        return passed

    async def step(self, *, wait_s: float = 0.0) -> int:
        """Handle one batch; returns how many records were passed (0: nothing came)."""
        subscription = self._subscribed()
        if self._in_doubt:
            await subscription.rewind()
            self._in_doubt = False
        if self._lost:
            await self._tell_lost()
        try:
            batch = await subscription.batch(wait_s=wait_s, linger_s=self._consumer.linger_s)
        except RecordsLost:
            self._lost = True
            return 0
        if batch.log != self._log:
            # Until this is through, the batch in hand counts as not handled.
            self._in_doubt = True
            await self._arrive(batch.log)
            self._in_doubt = False
        self._oldest_ms = min((each.record.at_ms for each in batch.records), default=None)
        if not batch.records:
            return 0
        # From here until the offset has moved, a rewind is due whatever happens.
        self._in_doubt = True
        await self._before_batch()
        try:
            await self._apply(batch)
        except Overtaken:
            return await self._stand_back()
        except Exception as error:  # noqa: BLE001 - one bad event must not stop its group
            log.warning("consumer.batch_failed", group=self._consumer.group, error=repr(error))
            if not await self._one_by_one(batch):
                return await self._stand_back()
        self._in_doubt = False
        self._oldest_ms = None
        return len(batch.records)

    async def _stand_back(self) -> int:
        """A rival did this batch: look again once its transaction can be seen."""
        await asyncio.sleep(_RIVAL_S)
        return 0

    async def close(self) -> None:
        """Leave the group; a later step joins again."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.close()

    def _subscribed(self) -> Subscription:
        if self._subscription is None:
            self._in_doubt = False
            folds = isinstance(self._consumer, Fold)
            self._subscription = self._events.subscribe(
                self._consumer.group,
                self._types.keys(),
                positions=self._offsets.read if folds else None,
            )
        return self._subscription

    async def _arrive(self, name: str) -> None:
        if await self._offsets.has_read_another(name):
            await self._tell_lost()
        await self._offsets.arrive(name)
        self._log = name

    async def _tell_lost(self) -> None:
        """Have what is derived rebuilt; until that has worked nothing newer is handled."""
        log.error("consumer.another_log", group=self._consumer.group)
        if self._consumer.on_lost is not None:
            await self._consumer.on_lost()
        self._lost = False

    def _decode(self, records: Sequence[Delivered]) -> list[Event]:
        return [
            msgspec.json.decode(record.payload, type=self._types[record.kind])
            for _, _, record in records
            if record.kind in self._types
        ]

    async def _apply(self, batch: Batch) -> None:
        if isinstance(self._consumer, Consumer):
            if events := self._decode(batch.records):
                await self._consumer.handle(events)
        else:
            fresh, seen = self._offsets.sift(batch.records)
            events = self._decode(fresh)
            async with self._database.write() as tx:
                await self._offsets.advance(tx, batch.log, batch.after, batch.reached, seen)
                if events:
                    await self._consumer.fold(tx, events)
            self._offsets.saw(seen)
        await self._subscribed().commit(batch)

    async def _one_by_one(self, batch: Batch) -> bool:
        """Handle each record alone and bury what keeps failing; False when a rival was quicker."""
        after = dict(batch.after)
        for delivered in batch.records:
            single = Batch(
                batch.log, [delivered], {delivered.partition: after[delivered.partition]}
            )
            try:
                await self._apply_or_bury(single)
            except Overtaken:
                return False
            after[delivered.partition] = delivered.position
        return True

    async def _apply_or_bury(self, single: Batch) -> None:
        attempt = 0
        while attempt < _ATTEMPTS:
            try:
                await self._apply(single)
            except Overtaken:
                raise
            except msgspec.DecodeError as error:
                # It will never be readable, and everybody else's events wait behind it.
                reason = repr(error)
                break
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
        await self._bury(single, reason)

    async def _bury(self, single: Batch, reason: str) -> None:
        partition, position, record = single.records[0]
        log.error(
            "consumer.dead_letter", group=self._consumer.group, kind=record.kind, reason=reason
        )
        letter = {
            "shard": partition,
            "consumer_group": self._consumer.group,
            # Positions come again in a log that was made anew; the outbox id never does.
            "position": record.id or position,
            "kind": record.kind,
            "payload": record.payload,
            "reason": reason,
            "at_ms": self._database.clock.now_ms(),
        }
        kept = isinstance(self._consumer, Fold) or not single.log
        _, seen = self._offsets.sift(single.records)
        async with self._database.write() as tx:
            if kept:
                await self._offsets.advance(tx, single.log, single.after, single.reached, seen)
            await tx.execute(
                upsert(dead_letters, letter, index=["shard", "consumer_group", "position"])
            )
        self._offsets.saw(seen)
        if single.log:
            await self._subscribed().commit(single)

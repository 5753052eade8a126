"""From the outbox to a log outside the database: in order per key, each event exactly once.

Several relays share the shards by leases. A relay that holds a range opens its lane of the log,
which shuts out whoever had it before; then it sends, waits until that is durable, and deletes what
it sent. Whatever dies in between leaves rows that are in the log already, and the lane knows which:
they are deleted first. So neither clocks nor leases decide about order or doubles; leases only
share the work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

import sqlalchemy as sa
import structlog

from tintype.database.leases import Lease, Leases
from tintype.database.session import Database, Row
from tintype.database.tables import outbox
from tintype.kernel.ids import SHARDS, Id
from tintype.kernel.problem import Unavailable
from tintype.ports.events import LANES, LONGEST_APPEND, Lane, Lanes, Record, ShutOut

log = structlog.get_logger(__name__)

_POLL_S = 0.1
_PAUSE_S = 1.0
_LEASE_S = 15.0


class LaneRelay:
    """One process's part of the relay. ``holder`` names it among the relays that are alive."""

    def __init__(
        self, database: Database, lanes: Lanes, holder: str, *, lease_s: float = _LEASE_S
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._leases = Leases(database, "relay", holder, ranges=LANES, seconds=lease_s)
        self._lease_s = lease_s
        self._open: dict[Lease, Lane] = {}

    @property
    def held(self) -> int:
        """How many lanes are open here."""
        return len(self._open)

    async def run(self) -> None:
        """Relay until cancelled; then hand everything back, so that others carry on at once."""
        loop = asyncio.get_running_loop()
        renew_at = loop.time()
        try:
            while True:
                try:
                    if loop.time() >= renew_at:
                        renew_at = loop.time() + self._lease_s / 3
                        await self.share()
                    moved = await self._round()
                except Exception as error:  # noqa: BLE001 - an engine is away: the loop outlives it
                    log.warning("relay.failed", error=repr(error))
                    renew_at = loop.time()
                    await asyncio.sleep(_PAUSE_S)
                    continue
                if moved == 0:
                    await self._database.woken(_POLL_S)
        finally:
            await self.close()

    async def share(self) -> None:
        """Renew leases, open the lanes of new ones, close those of lost ones."""
        held = await self._leases.share()
        for lease in self._open.keys() - set(held):
            await self._let_go(lease)
        fresh = [lease for lease in held if lease not in self._open]
        for failed in await asyncio.gather(*map(self._take, fresh), return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed

    async def drain(self) -> int:
        """Move everything that waits in the lanes held here; returns how many events."""
        moved = 0
        while count := await self._round():
            moved += count
        return moved

    async def close(self) -> None:
        """Close the lanes and hand the leases back."""
        for lease in list(self._open):
            await self._let_go(lease)
        with contextlib.suppress(Unavailable):
            await self._leases.release()

    async def _round(self) -> int:
        """One append in every lane that has something."""
        waiting = await self._waiting()
        counts = await asyncio.gather(*map(self._move, waiting), return_exceptions=True)
        for failed in counts:
            if isinstance(failed, BaseException):
                raise failed
        return sum(count for count in counts if isinstance(count, int))

    async def _waiting(self) -> list[Lease]:
        """The leases whose shards have something in the outbox: one statement."""
        leases = list(self._open)
        if not leases:
            return []
        asked = [
            sa.exists().where(outbox.c.shard.between(lease.first, lease.last)) for lease in leases
        ]
        async with self._database.read() as reader:
            found = await reader.first(sa.select(*asked))
        return [lease for lease, any_ in zip(leases, found or (), strict=True) if any_]

    async def _move(self, lease: Lease) -> int:
        lane = self._open[lease]
        waiting = (
            sa.select(outbox)
            .where(outbox.c.shard.between(lease.first, lease.last))
            .order_by(outbox.c.id)
            .limit(LONGEST_APPEND)
        )
        async with self._database.read() as reader:
            rows = await reader.all(waiting)
        if not rows:
            return 0
        try:
            await lane.append([_record(row) for row in rows])
        except ShutOut:
            log.info("relay.shut_out", first_shard=lease.first)
            await self._let_go(lease)
            raise
        except BaseException:
            # What became of it is found when the lane is opened again.
            await self._let_go(lease)
            raise
        try:
            await self._delete(lease, [row.id for row in rows])
        except BaseException:
            # Nothing may be appended before this is made up for.
            await self._let_go(lease)
            raise
        return len(rows)

    async def _take(self, lease: Lease) -> None:
        lane = await self._lanes.open_lane(lease.first * LANES // SHARDS)
        try:
            if lane.last:
                await self._delete(lease, lane.last)
        except BaseException:
            await lane.close()
            raise
        self._open[lease] = lane

    async def _delete(self, lease: Lease, ids: Collection[Id]) -> None:
        """Only what is in the log already: right whoever holds the lease by now."""
        sent = sa.and_(outbox.c.shard.between(lease.first, lease.last), outbox.c.id.in_(ids))
        async with self._database.write() as tx:
            await tx.execute(sa.delete(outbox).where(sent))

    async def _let_go(self, lease: Lease) -> None:
        lane = self._open.pop(lease, None)
        if lane is not None:
            await lane.close()


def _record(row: Row) -> Record:
    return Record(row.kind, row.key, row.payload, row.at_ms, row.id, row.trace)

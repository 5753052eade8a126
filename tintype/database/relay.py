"""From the outbox to a log outside the database: in order per key, each event exactly once.

    outbox ──number──► sent_events ──append──► the log; dropped once every group has read them

Several relays share the shards by leases. A relay that holds a range opens its lane of the log,
which shuts out whoever had it before. It numbers what waits in the outbox, in one transaction that
moves it among the events that are sent; then it appends, in the order of the numbers, whatever the
log does not have yet. The log knows the number that it has reached. So neither clocks nor leases
decide about order or doubles; leases only share the work.

A log that takes the place of another has reached nothing: whatever some group may not have read is
still here, and is sent again under the same numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Sequence

import sqlalchemy as sa
import structlog

from tintype.database.leases import Lease, Leases
from tintype.database.sending import Sending
from tintype.database.session import Database
from tintype.database.tables import outbox
from tintype.database.waking import News
from tintype.kernel.ids import SHARDS
from tintype.kernel.problem import Unavailable
from tintype.ports.events import LANES, Ends, Lane, Lanes, Record, ShutOut

log = structlog.get_logger(__name__)

_POLL_S = 0.1
_PAUSE_S = 1.0
_LEASE_S = 15.0


class LaneRelay:
    """One process's part of the relay. ``holder`` names it among the relays that are alive;
    ``groups`` are all that read the log.
    """

    def __init__(
        self,
        database: Database,
        lanes: Lanes,
        holder: str,
        groups: Collection[str],
        *,
        lease_s: float = _LEASE_S,
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._leases = Leases(database, "relay", holder, ranges=LANES, seconds=lease_s)
        self._lease_s = lease_s
        self._groups = list(groups)
        self._open: dict[Lease, Lane] = {}
        self._behind: set[Lease] = set()
        """Lanes that may lack something which is numbered already."""
        self._ends: tuple[Ends, dict[Lease, int]] | None = None
        """Where the log ended some time ago, and what each lane had reached before that."""
        self._tidying: asyncio.Task[None] | None = None

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
                bell = self._database.waking.bell(News.EVENTS)
                try:
                    if loop.time() >= renew_at:
                        renew_at = loop.time() + self._lease_s / 3
                        await self.share()
                        self._tidy_beside()
                    moved = await self._round()
                except Exception as error:  # noqa: BLE001 - an engine is away: the loop outlives it
                    log.warning("relay.failed", error=repr(error))
                    renew_at = loop.time()
                    await asyncio.sleep(_PAUSE_S)
                    continue
                if moved == 0:
                    await bell.rung(_POLL_S)
        finally:
            await self.close()

    async def share(self) -> None:
        """Renew leases, open the lanes of new ones, close those of lost ones.

        What somebody numbered who was shut out before sending it is looked for in all of them.
        """
        held = await self._leases.share()
        for lease in [lease for lease in self._open if lease not in held]:
            await self._let_go(lease)
        self._behind |= self._open.keys()
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

    async def tidy(self) -> None:
        """Drop what every group has read, and let go of lanes to a log that was replaced.

        Each call drops what had been sent by an earlier one. Raises ``Unavailable``.
        """
        reached = {lease: lane.reached for lease, lane in self._open.items()}
        ends = await self._lanes.ends()
        for lease, lane in list(self._open.items()):
            if lane.log != ends.log:
                await self._let_go(lease)
        if self._ends is None or self._ends[0].log != ends.log:
            self._ends = ends, reached
            return
        before, sent = self._ends
        if not await self._lanes.all_read(before, self._groups):
            return
        for lease, number in sent.items():
            await Sending(self._database, lease).drop(number)
        self._ends = ends, reached

    async def close(self) -> None:
        """Close the lanes and hand the leases back."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        for lease in list(self._open):
            await self._let_go(lease)
        with contextlib.suppress(Unavailable):
            await self._leases.release()

    def _tidy_beside(self) -> None:
        """Nobody's event waits for the tidying."""

        async def tidy() -> None:
            try:
                await self.tidy()
            except Exception as error:  # noqa: BLE001 - an engine is away: it is for the next time
                log.warning("relay.untidy", error=repr(error))

        if self._tidying is None or self._tidying.done():
            self._tidying = asyncio.create_task(tidy())

    async def _round(self) -> int:
        """One append in every lane that has something."""
        due = {*await self._waiting(), *self._behind}
        # In the order of the lanes: what is simulated has to happen the same way again.
        waiting = [lease for lease in self._open if lease in due]
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
        lane, sending = self._open.get(lease), Sending(self._database, lease)
        if lane is None:
            return 0
        try:
            records: Sequence[Record] = []
            if lease in self._behind:
                records = await sending.beyond(lane.reached)
            if not records:
                self._behind.discard(lease)
                records = await sending.number(after=lane.reached)
            if records:
                await lane.append(records)
        except ShutOut:
            log.info("relay.shut_out", first_shard=lease.first)
            await self._let_go(lease)
            raise
        except BaseException:
            # What became of it is found when the lane is opened again.
            await self._let_go(lease)
            raise
        return len(records)

    async def _take(self, lease: Lease) -> None:
        lane = await self._lanes.open_lane(lease.first * LANES // SHARDS)
        try:
            if lane.doubtful:
                await Sending(self._database, lease).forget(lane.doubtful)
        except BaseException:
            await lane.close()
            raise
        self._open[lease] = lane
        self._behind.add(lease)

    async def _let_go(self, lease: Lease) -> None:
        lane = self._open.pop(lease, None)
        self._behind.discard(lease)
        if lane is not None:
            await lane.close()

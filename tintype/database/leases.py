"""Leases on ranges of shards: several processes share work that one at a time may do.

A lease is one row, on the first shard of its range. Its fence grows with every new holder. Work
that must not land after the lease was lost calls ``hold`` in its own transaction: that touches the
row, so whoever takes over waits for this transaction to end, and a holder that slept finds itself
fenced. Clocks only decide when a lease is up for taking, never whether a write may land.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa

from tintype.database.jobs import LeaseLost
from tintype.database.session import Database, Row, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import leases
from tintype.kernel.ids import SHARDS

_PRESENT = "@"


@dataclass(frozen=True)
class Lease:
    """The right to do ``name`` for the shards ``first`` to ``last``, for a while."""

    first: int
    last: int
    name: str
    holder: str
    fence: int

    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            leases.c.shard == self.first, leases.c.name == self.name, leases.c.fence == self.fence
        )

    async def hold(self, tx: Transaction) -> None:
        """Go on only if the lease is still ours, and keep it until the transaction has ended.

        Raises:
            LeaseLost: somebody else took over.
        """
        touched = sa.update(leases).where(self._mine()).values(holder=self.holder)
        if await tx.execute(touched) == 0:
            raise LeaseLost

    async def hand_back(self, tx: Transaction) -> None:
        """Let anybody take it at once; harmless when it is lost already."""
        await tx.execute(sa.update(leases).where(self._mine()).values(until_ms=0))


class Leases:
    """One process's share of the ranges into which the shards are cut for one kind of work.

    ``holder`` names the process and must be unique among those alive. Every call of ``share`` keeps
    a lease alive for ``seconds``: call it at least three times as often.
    """

    def __init__(
        self, database: Database, name: str, holder: str, *, ranges: int = 8, seconds: float = 15.0
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._ranges = shard_ranges(ranges)
        self._ms = round(seconds * 1000)
        self.held: tuple[Lease, ...] = ()

    async def share(self) -> tuple[Lease, ...]:
        """Renew what is held, take what is free, give up what is more than a fair share.

        Returns what is held now. Each range is a transaction of its own on its own shard.
        """
        await self._show_up()
        rows, present = await self._look()
        most = -(-len(self._ranges) // max(present, 1))
        kept: list[Lease] = []
        for lease in self.held:
            if await self._renew_or_hand_back(lease, keep=len(kept) < most):
                kept.append(lease)
        now = self._database.clock.now_ms()
        for first, last in self._ranges:
            row = rows.get(first)
            if len(kept) >= most or any(lease.first == first for lease in kept):
                continue
            if row is None or row.until_ms <= now:
                lease_taken = await self._take(first, last, row)
                if lease_taken is not None:
                    kept.append(lease_taken)
        self.held = tuple(kept)
        return self.held

    async def release(self) -> None:
        """Hand everything back at once, so that others carry on without waiting."""
        for lease in self.held:
            async with self._database.write() as tx:
                await lease.hand_back(tx)
        self.held = ()
        async with self._database.write() as tx:
            await tx.execute(
                sa.delete(leases).where(leases.c.shard == 0, leases.c.name == self._presence())
            )

    def _presence(self) -> str:
        return f"{self._name}{_PRESENT}{self._holder}"

    async def _show_up(self) -> None:
        row = self._row(0, self._presence(), fence=0)
        async with self._database.write() as tx:
            await tx.execute(upsert(leases, row, index=["shard", "name"], update=["until_ms"]))

    async def _look(self) -> tuple[dict[int, Row], int]:
        """The leases by their first shard, and how many processes are present."""
        firsts = [first for first, _ in self._ranges]
        now = self._database.clock.now_ms()
        async with self._database.read() as reader:
            rows = await reader.all(
                sa.select(leases).where(leases.c.shard.in_(firsts), leases.c.name == self._name)
            )
            present = await reader.scalar(
                sa.select(sa.func.count())
                .select_from(leases)
                .where(
                    leases.c.shard == 0,
                    leases.c.name.startswith(self._name + _PRESENT, autoescape=True),
                    leases.c.until_ms > now,
                )
            )
        return {row.shard: row for row in rows}, int(present)

    async def _renew_or_hand_back(self, lease: Lease, *, keep: bool) -> bool:
        until = self._database.clock.now_ms() + self._ms if keep else 0
        statement = sa.update(leases).where(lease._mine()).values(until_ms=until)  # noqa: SLF001 - the lease belongs to this module
        async with self._database.write() as tx:
            return bool(await tx.execute(statement)) and keep

    async def _take(self, first: int, last: int, seen: Row | None) -> Lease | None:
        """Take a free range; ``None`` when somebody else was quicker."""
        fence = 1 if seen is None else int(seen.fence) + 1
        row = self._row(first, self._name, fence=fence)
        if seen is None:
            statement: sa.Insert | sa.Update = upsert(leases, row, index=["shard", "name"])
        else:
            statement = (
                sa.update(leases)
                .where(
                    leases.c.shard == first,
                    leases.c.name == self._name,
                    leases.c.fence == seen.fence,
                    leases.c.until_ms == seen.until_ms,
                )
                .values(holder=self._holder, fence=fence, until_ms=row["until_ms"])
            )
        async with self._database.write() as tx:
            taken = await tx.execute(statement)
        return Lease(first, last, self._name, self._holder, fence) if taken else None

    def _row(self, shard: int, name: str, *, fence: int) -> dict[str, object]:
        return {
            "shard": shard,
            "name": name,
            "holder": self._holder,
            "fence": fence,
            "until_ms": self._database.clock.now_ms() + self._ms,
        }


def shard_ranges(count: int) -> Sequence[tuple[int, int]]:
    """All shards, cut into that many ranges (first, last) of nearly equal length."""
    bounds = [SHARDS * number // count for number in range(count + 1)]
    return [(first, after - 1) for first, after in pairwise(bounds)]

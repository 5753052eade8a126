"""How far each group has read, kept beside the effects of what it read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from tintype.database.session import Database, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import consumer_offsets
from tintype.kernel.ids import SHARDS


class Overtaken(Exception):  # noqa: N818 - a state, not a fault of the code
    """Another member of the group handled this batch; undo what was done with it."""


class Offsets:
    """The positions of one group: a row per partition, by the name of the log.

    The log of this database has the empty name. Any other name is part of the stored group, so that
    positions of a log that was lost never count for the one that took its place.
    """

    def __init__(self, database: Database, group: str) -> None:
        self._database = database
        self._group = group

    async def read(self, log: str, partitions: Sequence[int]) -> dict[int, int]:
        """The position that was reached in each partition; 0 where nothing was read."""
        async with self._database.read() as reader:
            rows = await reader.all(
                sa.select(consumer_offsets.c.shard, consumer_offsets.c.position).where(
                    consumer_offsets.c.shard.in_(list(partitions)),
                    consumer_offsets.c.consumer_group == self._name(log),
                )
            )
        return dict.fromkeys(partitions, 0) | {row.shard: row.position for row in rows}

    async def advance(
        self, tx: Transaction, log: str, after: Mapping[int, int], reached: Mapping[int, int]
    ) -> None:
        """Move from ``after`` to ``reached`` in this transaction.

        To be called before the effects: a rival that did the same batch is then waited for.

        Raises:
            Overtaken: somebody else moved since ``after`` was read.
        """
        for partition, position in sorted(reached.items()):
            if not await self._move(tx, log, partition, after[partition], position):
                raise Overtaken

    async def has_read_another(self, log: str) -> bool:
        """Whether the group was at another log before and never at this one.

        What it had not read of that one is gone.
        """
        async with self._database.read() as reader:
            here = await reader.first(
                sa.select(consumer_offsets.c.shard).where(
                    consumer_offsets.c.shard == 0,
                    consumer_offsets.c.consumer_group == self._name(log),
                )
            )
            others = sa.select(consumer_offsets.c.shard).where(self._others(log)).limit(1)
            return here is None and await reader.first(others) is not None

    async def arrive(self, log: str) -> None:
        """Note that the group reads this log, and forget every other one."""
        first = {"shard": 0, "consumer_group": self._name(log), "position": 0}
        async with self._database.write() as tx:
            await tx.execute(upsert(consumer_offsets, first, index=["shard", "consumer_group"]))
            await tx.execute(sa.delete(consumer_offsets).where(self._others(log)))

    def _others(self, log: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            consumer_offsets.c.shard.between(0, SHARDS - 1),
            consumer_offsets.c.consumer_group.startswith(f"{self._group}@", autoescape=True),
            consumer_offsets.c.consumer_group != self._name(log),
        )

    async def _move(
        self, tx: Transaction, log: str, partition: int, after: int, position: int
    ) -> bool:
        name = self._name(log)
        moved = await tx.execute(
            sa.update(consumer_offsets)
            .where(
                consumer_offsets.c.shard == partition,
                consumer_offsets.c.consumer_group == name,
                consumer_offsets.c.position == after,
            )
            .values(position=position)
        )
        if moved or after:
            return bool(moved)
        row = {"shard": partition, "consumer_group": name, "position": position}
        return bool(
            await tx.execute(upsert(consumer_offsets, row, index=["shard", "consumer_group"]))
        )

    def _name(self, log: str) -> str:
        return f"{self._group}@{log}" if log else self._group

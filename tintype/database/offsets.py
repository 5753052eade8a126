"""How far each group has read, kept beside the effects of what it read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from tintype.database.session import Database, Row, Transaction
from tintype.database.sql import upsert
from tintype.database.tables import consumer_offsets
from tintype.kernel.ids import SHARDS
from tintype.ports.events import LANES, Delivered, lane_of

Seen = dict[int, tuple[int, ...]]
"""The number of the newest event of each lane that was read, by partition."""

_NOTHING = (0,) * LANES
_NUMBERS = struct.Struct(f">{LANES}q")

# Built once: every batch of every group needs them.
_IN_THESE = consumer_offsets.c.shard.in_(sa.bindparam("partitions", expanding=True))
_BY_NAME = consumer_offsets.c.consumer_group == sa.bindparam("name")
_READ = sa.select(consumer_offsets).where(_IN_THESE, _BY_NAME)
_MOVE = (
    sa.update(consumer_offsets)
    .where(
        consumer_offsets.c.shard == sa.bindparam("partition"),
        _BY_NAME,
        consumer_offsets.c.position == sa.bindparam("after"),
    )
    .values(position=sa.bindparam("reached"), seen=sa.bindparam("numbers"))
)


class Overtaken(Exception):  # noqa: N818 - a state, not a fault of the code
    """Another member of the group handled this batch; undo what was done with it."""


class Offsets:
    """The positions of one group: a row per partition, by the name of the log.

    The log of this database has the empty name. Any other name is part of the stored group, so that
    positions of a log that was lost never count for the one that took its place. What counts there
    are the numbers of events, which they keep when they are sent again: a partition remembers the
    newest one that it read of every lane, and what is not newer was read before.
    """

    def __init__(self, database: Database, group: str) -> None:
        self._database = database
        self._group = group
        self._seen: Seen = {}

    async def read(self, log: str, partitions: Sequence[int]) -> dict[int, int]:
        """The position that was reached in each partition; 0 where nothing was read."""
        found = _READ
        if log:
            found = sa.select(consumer_offsets).where(
                _IN_THESE, sa.or_(_BY_NAME, self._foreign(log))
            )
        async with self._database.read() as reader:
            wanted = {"partitions": list(partitions), "name": self._name(log)}
            rows = await reader.all(found, wanted)
        self._seen |= dict.fromkeys(partitions, _NOTHING) | _newest(rows)
        here = {row.shard: row.position for row in rows if row.consumer_group == self._name(log)}
        return dict.fromkeys(partitions, 0) | here

    def sift(self, records: Sequence[Delivered]) -> tuple[list[Delivered], Seen]:
        """Leave out what was read before, in this log or in one that it took the place of.

        Returns the others, and what will have been seen with them.
        """
        seen = {each.partition: self._seen.get(each.partition, _NOTHING) for each in records}
        fresh = []
        for each in records:
            number = each.record.number
            if number:
                lane, found = lane_of(each.record.key), seen[each.partition]
                if number <= found[lane]:
                    continue
                seen[each.partition] = (*found[:lane], number, *found[lane + 1 :])
            fresh.append(each)
        return fresh, seen

    async def advance(
        self,
        tx: Transaction,
        log: str,
        after: Mapping[int, int],
        reached: Mapping[int, int],
        seen: Seen | None = None,
    ) -> None:
        """Move from ``after`` to ``reached`` in this transaction, having ``seen`` what there was;
        tell ``saw`` of it after the commit.

        To be called before the effects: a rival that did the same batch is then waited for.

        Raises:
            Overtaken: somebody else moved since ``after`` was read.
        """
        newest = {} if seen is None else seen
        for partition, position in sorted(reached.items()):
            row = {
                "shard": partition,
                "consumer_group": self._name(log),
                "position": position,
                "seen": _packed(newest[partition]) if partition in newest else None,
            }
            if not await self._move(tx, log, row, after[partition]):
                raise Overtaken

    def saw(self, seen: Seen) -> None:
        """Keep in mind what ``advance`` stored, once that is committed."""
        self._seen |= seen

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
        """Note that the group reads this log, and forget every other one but for what was seen."""
        async with self._database.write() as tx:
            await tx.lock(self._lock)
            # Whoever still handles a batch of another log is waited for, or is too late.
            await tx.execute(
                sa.update(consumer_offsets)
                .where(self._others(log))
                .values(position=consumer_offsets.c.position)
            )
            rows = await tx.all(sa.select(consumer_offsets).where(self._others(log)))
            for partition, numbers in ({0: _NOTHING} | _newest(rows)).items():
                row = {
                    "shard": partition,
                    "consumer_group": self._name(log),
                    "position": 0,
                    "seen": _packed(numbers),
                }
                await tx.execute(upsert(consumer_offsets, row, index=["shard", "consumer_group"]))
            await tx.execute(sa.delete(consumer_offsets).where(self._others(log)))
        # What was read until a moment ago may have been seen by somebody at the other log since.
        await self.read(log, list(self._seen))

    @property
    def _lock(self) -> int:
        return zlib.crc32(self._group.encode())

    def _foreign(self, log: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            consumer_offsets.c.consumer_group.startswith(f"{self._group}@", autoescape=True),
            consumer_offsets.c.consumer_group != self._name(log),
        )

    def _others(self, log: str) -> sa.ColumnElement[bool]:
        return sa.and_(consumer_offsets.c.shard.between(0, SHARDS - 1), self._foreign(log))

    async def _move(self, tx: Transaction, log: str, row: dict[str, object], after: int) -> bool:
        moved = await tx.execute(
            _MOVE,
            {
                "partition": row["shard"],
                "name": row["consumer_group"],
                "after": after,
                "reached": row["position"],
                "numbers": row["seen"],
            },
        )
        if moved or after:
            return bool(moved)
        if log and not await self._is_at(tx, log):
            return False
        return bool(
            await tx.execute(upsert(consumer_offsets, row, index=["shard", "consumer_group"]))
        )

    async def _is_at(self, tx: Transaction, log: str) -> bool:
        """Whether the group reads this log, and goes on to until this transaction has ended."""
        await tx.lock(self._lock)
        row = await tx.first(
            sa.select(consumer_offsets.c.shard).where(
                consumer_offsets.c.shard == 0,
                consumer_offsets.c.consumer_group == self._name(log),
            )
        )
        return row is not None

    def _name(self, log: str) -> str:
        return f"{self._group}@{log}" if log else self._group


def _newest(rows: Sequence[Row]) -> Seen:
    """What was seen in each partition, over all logs that are noted."""
    found: Seen = {}
    for row in rows:
        numbers = _NUMBERS.unpack(row.seen) if row.seen else _NOTHING
        found[row.shard] = tuple(map(max, found.get(row.shard, _NOTHING), numbers))
    return found


def _packed(numbers: Sequence[int]) -> bytes | None:
    return _NUMBERS.pack(*numbers) if any(numbers) else None

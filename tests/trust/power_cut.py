"""E2: cut the power under the real database code and count what was acknowledged and lost.

``python -m tests.trust.power_cut --cuts 2000`` runs the long version, ``--sabotage normal`` and
``--sabotage lying-disk`` must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.trust import apsw_driver
from tests.trust.lying_disk import LyingDisk
from tintype.database import Relay, SqliteDatabase, counts, metadata
from tintype.database.consumers import ConsumerRunner, Fold
from tintype.database.tables import event_log, outbox
from tintype.kernel.clock import SystemClock
from tintype.kernel.event import Delta, Event

_WRITERS = 4
_SUBJECT = 1 << 22


class Struck(Event, frozen=True, kw_only=True, tag="test_struck"):
    """A write of the experiment."""

    number: int

    def key(self) -> int:
        return _SUBJECT

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(_SUBJECT, "likes", 1),)


@dataclass
class Outcome:
    """What one cut did."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    corrupt: int = 0


async def one_cut(seed: int, *, synchronous: str = "FULL", honest: bool = True) -> Outcome:
    """Write for a while, cut, look at what is left."""
    dice = random.Random(seed)
    disk = LyingDisk(f"lying-{seed}", honest=honest)
    apsw_driver.VFS = disk.name
    with tempfile.TemporaryDirectory() as live, tempfile.TemporaryDirectory() as after:
        database = SqliteDatabase(Path(live) / "t.sqlite", SystemClock(), module=apsw_driver)
        database._raw.execute(f"PRAGMA synchronous={synchronous}")
        database._raw.execute(f"PRAGMA wal_autocheckpoint={dice.choice([2, 8, 1000])}")
        metadata.create_all(database.engine)
        for shadow in disk.shadows.values():
            shadow.sync()
        acknowledged = await _write_until(database, dice)
        disk.cut(Path(after), seed)
        await database.close()
        return _judge(Path(after) / "t.sqlite", acknowledged)


async def _write_until(database: SqliteDatabase, dice: random.Random) -> list[int]:
    acknowledged: list[int] = []
    relay = Relay(database)
    runner = ConsumerRunner(database, Fold("counters", (Struck,), counts.fold))
    left = dice.randrange(5, 40)

    async def writer(first: int) -> None:
        nonlocal left
        number = first
        while left > 0:
            left -= 1
            async with database.write() as tx:
                tx.emit(Struck(number=number))
            acknowledged.append(number)
            if dice.random() < 0.2:
                await relay.drain()
                await runner.catch_up()
            number += _WRITERS

    tasks = [asyncio.create_task(writer(first)) for first in range(_WRITERS)]
    await asyncio.gather(*tasks)
    return acknowledged


def _judge(path: Path, acknowledged: list[int]) -> Outcome:
    outcome = Outcome(acknowledged=len(acknowledged))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                outcome.corrupt = 1
        except sqlite3.DatabaseError:
            outcome.corrupt = 1
            return outcome
    try:
        stored = _stored(path)
    except sa.exc.OperationalError:
        stored = []  # not even the tables are left
    outcome.lost = len(set(acknowledged) - set(stored))
    outcome.doubled = len(stored) - len(set(stored))
    return outcome


def _stored(path: Path) -> list[int]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [
            json.loads(row.payload)["number"]
            for table in (outbox, event_log)
            for row in connection.execute(sa.select(table.c.payload))
        ]


async def run(cuts: int, first_seed: int, *, synchronous: str, honest: bool) -> Outcome:
    """Many cuts, each from its own seed; a bad one is printed so that it can be replayed."""
    total = Outcome()
    for seed in range(first_seed, first_seed + cuts):
        outcome = await one_cut(seed, synchronous=synchronous, honest=honest)
        if outcome.lost or outcome.doubled or outcome.corrupt:
            print(f"seed {seed}: {outcome}")
        total.acknowledged += outcome.acknowledged
        total.lost += outcome.lost
        total.doubled += outcome.doubled
        total.corrupt += outcome.corrupt
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sabotage", choices=["normal", "lying-disk"])
    chosen = parser.parse_args()
    total = asyncio.run(
        run(
            chosen.cuts,
            chosen.seed,
            synchronous="NORMAL" if chosen.sabotage == "normal" else "FULL",
            honest=chosen.sabotage != "lying-disk",
        )
    )
    print(json.dumps({"experiment": "E2", "cuts": chosen.cuts, **total.__dict__}))
    return 1 if total.lost or total.doubled or total.corrupt else 0


if __name__ == "__main__":
    sys.exit(main())

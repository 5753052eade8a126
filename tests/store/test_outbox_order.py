"""Events keep their order in the outbox when the clocks of two hosts differ."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
import sqlalchemy as sa

from tests.contract.events import Struck, subject
from tintype.database import Database
from tintype.database.postgres import PostgresDatabase
from tintype.database.settings import DatabaseSettings
from tintype.database.tables import outbox
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def hosts(postgresql_schema: str) -> AsyncIterator[list[Database]]:
    """Two processes on one database, the clock of the first 5 seconds ahead."""
    clocks = [ManualClock(NOON), ManualClock(NOON)]
    clocks[0].advance(5)
    settings = DatabaseSettings(url=postgresql_schema, pool_size=2)
    opened = [PostgresDatabase(settings, clock) for clock in clocks]
    yield list(opened)
    for database in opened:
        await database.close()
    connection = await asyncpg.connect(postgresql_schema)
    await connection.execute("DELETE FROM outbox")
    await connection.close()


async def test_an_event_of_a_slow_clock_never_goes_ahead_of_one_that_waits(
    hosts: list[Database],
) -> None:
    for number in range(20):
        async with hosts[number % 2].write() as tx:
            tx.emit(Struck(subject=subject(1), number=number))
            tx.emit(Struck(subject=subject(1), number=100 + number))

    async with hosts[0].read() as reader:
        rows = await reader.all(
            sa.select(outbox).where(outbox.c.shard == shard_of(subject(1))).order_by(outbox.c.id)
        )
    found = [msgspec.json.decode(row.payload, type=Struck).number for row in rows]
    assert found == [each for number in range(20) for each in (number, 100 + number)]

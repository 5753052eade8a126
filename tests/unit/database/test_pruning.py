from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tintype.accounts.events import AccountChanged
from tintype.database import Consumer, ConsumerRunner, Relay, SqliteDatabase, metadata
from tintype.database.pruning import KEPT_MS, prune
from tintype.kernel.clock import ManualClock
from tintype.kernel.event import Event

GROUPS = ("quick", "slow")
WEEK_S = KEPT_MS / 1000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
async def database(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(tmp_path / "test.sqlite", clock)
    metadata.create_all(opened.engine)
    yield opened
    await opened.close()


async def _publish(database: SqliteDatabase, count: int) -> None:
    async with database.write() as tx:
        for _ in range(count):
            tx.emit(AccountChanged(account=1 << 10))
    await Relay(database).drain()


def _reader_of(database: SqliteDatabase, group: str, seen: list[Event]) -> ConsumerRunner:
    async def handle(batch: Sequence[Event]) -> None:
        seen.extend(batch)

    return ConsumerRunner(database, Consumer(group, (AccountChanged,), handle))


async def _left(database: SqliteDatabase) -> int:
    async with database.read() as reader:
        table = metadata.tables["event_log"]
        return int(await reader.scalar(sa.select(sa.func.count()).select_from(table)))


async def test_what_all_have_read_goes_after_a_week_and_not_before(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    await _publish(database, 5)
    for group in GROUPS:
        await _reader_of(database, group, []).catch_up()

    early = await prune(database, GROUPS)
    clock.advance(WEEK_S + 1)
    late = await prune(database, GROUPS)

    assert (early, late) == (0, 5)
    assert await _left(database) == 0


async def test_what_one_group_has_not_read_stays_for_it(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    seen: list[Event] = []
    await _publish(database, 3)
    for group in GROUPS:
        await _reader_of(database, group, []).catch_up()
    await _publish(database, 2)
    await _reader_of(database, "quick", []).catch_up()
    clock.advance(WEEK_S + 1)

    dropped = await prune(database, GROUPS)
    await _reader_of(database, "slow", seen).catch_up()

    assert dropped == 3
    assert len(seen) == 2


async def test_a_group_that_never_read_holds_everything(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    await _publish(database, 3)
    await _reader_of(database, "quick", []).catch_up()
    clock.advance(WEEK_S + 1)

    assert await prune(database, GROUPS) == 0


async def test_events_after_an_emptied_log_still_arrive(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    seen: list[Event] = []
    await _publish(database, 3)
    await _reader_of(database, "quick", []).catch_up()
    clock.advance(WEEK_S + 1)
    await prune(database, ["quick"])

    await _publish(database, 1)
    await _reader_of(database, "quick", seen).catch_up()

    assert len(seen) == 1

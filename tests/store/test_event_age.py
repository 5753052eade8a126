"""How long the oldest event of a group waits: what workers are scaled by."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tintype.database import Consumer, ConsumerRunner, Database, Relay
from tintype.graph.events import Followed
from tintype.kernel.clock import ManualClock
from tintype.kernel.event import Event

ADA, BO = 5 << 10 | 1, 6 << 10 | 1


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


async def test_an_event_has_an_age_until_it_is_handled(
    database: Database, clock: ManualClock
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def handle(batch: Sequence[Event]) -> None:
        del batch
        begun.set()
        await may_end.wait()

    runner = ConsumerRunner(database, Consumer("fan-out", (Followed,), handle))
    committed_ms = clock.now_ms()
    async with database.write() as tx:
        tx.emit(Followed(follower=ADA, followee=BO))
    await Relay(database).drain()

    handling = asyncio.create_task(runner.step())
    await begun.wait()
    clock.advance(90)
    waiting = runner.oldest_ms
    may_end.set()
    await handling

    assert waiting == committed_ms
    assert runner.oldest_ms is None

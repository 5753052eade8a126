"""MemoryNeighbours keeps the contract; beside it, what only the embedded one promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.contract.neighbours import CY, DEE, NeighboursContract, Unplug
from tintype.adapters.memory.neighbours import MemoryNeighbours
from tintype.kernel.clock import ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class TestMemoryNeighbours(NeighboursContract):
    @pytest.fixture
    def neighbours(self) -> MemoryNeighbours:
        return MemoryNeighbours(ManualClock(START))

    @pytest.fixture
    def unplug(self, neighbours: MemoryNeighbours) -> Unplug:
        return neighbours.close


async def test_what_is_kept_ends_with_its_time() -> None:
    clock = ManualClock(START)
    neighbours = MemoryNeighbours(clock, ttl_ms=60_000)
    await neighbours.keep(CY, [1], 1)

    clock.advance(59)
    assert await neighbours.common(CY, frozenset({1})) is not None
    clock.advance(1)

    assert await neighbours.common(CY, frozenset({1})) is None


async def test_the_least_recently_asked_for_goes_first_when_room_is_short() -> None:
    neighbours = MemoryNeighbours(ManualClock(START), room=200)
    await neighbours.keep(CY, range(50), 1)
    await neighbours.keep(DEE, range(50), 1)
    await neighbours.common(CY, frozenset())

    await neighbours.keep(5, range(11), 1)

    assert await neighbours.common(DEE, frozenset()) is None
    assert await neighbours.common(CY, frozenset({7})) is not None


async def test_what_is_larger_than_all_the_room_is_not_kept() -> None:
    neighbours = MemoryNeighbours(ManualClock(START), room=200)

    await neighbours.keep(CY, range(500), 1)

    assert await neighbours.common(CY, frozenset({1})) is None

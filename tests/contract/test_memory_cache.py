"""MemoryCache keeps the contract; beside it, what only the embedded cache promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.contract.cache import CacheContract, Unplug, keep
from tintype.adapters.memory.cache import LEASE_MS, MemoryCache
from tintype.kernel.clock import ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self) -> MemoryCache:
        return MemoryCache(ManualClock(START))

    @pytest.fixture
    def unplug(self, cache: MemoryCache) -> Unplug:
        return cache.close


async def test_values_and_leases_end_with_their_time() -> None:
    clock = ManualClock(START)
    cache = MemoryCache(clock, ttl_ms=60_000)
    await keep(cache, a=b"1")
    lease = (await cache.get(["b"])).lease

    clock.advance(LEASE_MS / 1000)
    await cache.fill(lease, {"b": b"2"})
    assert (await cache.get(["a", "b"])).values == {"a": b"1"}
    clock.advance(31)

    assert (await cache.get(["a"])).values == {}


async def test_the_least_recently_used_goes_first() -> None:
    cache = MemoryCache(ManualClock(START), most=2)
    await keep(cache, a=b"1")
    await keep(cache, b=b"2")
    await cache.get(["a"])

    await keep(cache, c=b"3")

    assert set((await cache.get(["a", "c"])).values) == {"a", "c"}

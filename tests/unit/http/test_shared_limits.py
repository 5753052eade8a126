"""Limits that processes share are asked for a handful at a time, and hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from tintype.http import RateLimitSettings, SharedRateLimiter
from tintype.http.limits import TooManyRequests
from tintype.kernel.clock import ManualClock

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


class Shop:
    """Buckets that never fill again."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.asked = 0

    async def take(self, name: str, capacity: float, refill: float, count: int = 1) -> float:
        self.asked += 1
        if self.spent[name] + count > capacity:
            return (self.spent[name] + count - capacity) / refill
        self.spent[name] += count
        return 0.0

    async def close(self) -> None:
        """Nothing is held."""


async def spend(limiter: SharedRateLimiter, class_: str, caller: int) -> None:
    if (decision := limiter.spend(class_, caller)) is not None:
        await decision


async def test_a_generous_limit_costs_one_question_for_many_calls() -> None:
    shop = Shop()
    limiter = SharedRateLimiter(RateLimitSettings(read_per_minute=1200), CLOCK, shop)

    for _ in range(100):
        await spend(limiter, "read", 1)

    assert shop.asked == 5


async def test_every_token_of_the_limit_can_be_spent_and_none_more() -> None:
    shop = Shop()
    limiter = SharedRateLimiter(RateLimitSettings(write_per_minute=130), CLOCK, shop)

    for _ in range(130):
        await spend(limiter, "write", 1)
    with pytest.raises(TooManyRequests):
        await spend(limiter, "write", 1)

    assert shop.spent["write:1"] == 130
    await spend(limiter, "write", 2)


async def test_a_tight_limit_is_asked_for_every_time() -> None:
    shop = Shop()
    limiter = SharedRateLimiter(RateLimitSettings(sign_in_per_minute=20), CLOCK, shop)

    for _ in range(5):
        await spend(limiter, "sign-in", 1)

    assert shop.asked == 5


async def test_more_is_fetched_before_the_hand_is_empty_and_none_of_it_is_lost() -> None:
    shop = Shop()
    limiter = SharedRateLimiter(RateLimitSettings(read_per_minute=1200), CLOCK, shop)
    await spend(limiter, "read", 1)

    spent = 1
    while limiter.spend_at_hand("read", 1):
        spent += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert spent == 1200
    assert shop.spent["read:1"] == 1200
    with pytest.raises(TooManyRequests):
        await spend(limiter, "read", 1)


async def test_what_is_not_in_hand_is_not_asked_for_by_who_can_not_wait() -> None:
    shop = Shop()
    limiter = SharedRateLimiter(RateLimitSettings(read_per_minute=1200), CLOCK, shop)

    assert not limiter.spend_at_hand("read", 1)
    assert shop.asked == 0

"""Rate limits that several processes share, and what becomes of them without Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from tintype.adapters.redis.buckets import RedisBuckets
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.http import RateLimitSettings, SharedRateLimiter
from tintype.http.limits import TooManyRequests
from tintype.kernel.clock import ManualClock
from tintype.kernel.problem import Unavailable
from tools.engines.redis import RedisCluster, RedisServer

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def buckets_on(url: str, timeout_ms: int = 5000) -> RedisBuckets:
    return RedisBuckets(Redis(RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms)))


async def spend(limiter: SharedRateLimiter, class_: str, caller: str) -> None:
    """As the kit does."""
    if (decision := limiter.spend(class_, caller)) is not None:
        await decision


@pytest.fixture
async def buckets(redis_server: RedisServer) -> AsyncIterator[RedisBuckets]:
    redis_server.ask("FLUSHALL")
    buckets = buckets_on(redis_server.url)
    yield buckets
    await buckets.close()


async def test_a_bucket_gives_its_tokens_and_says_when_the_next_one_comes(
    buckets: RedisBuckets,
) -> None:
    assert [await buckets.take("ada", 3, 0.5) for _ in range(3)] == [0, 0, 0]

    assert 1.8 < await buckets.take("ada", 3, 0.5) <= 2
    assert await buckets.take("bo", 3, 0.5) == 0


async def test_a_bucket_fills_again_with_time_and_no_further_than_its_capacity(
    buckets: RedisBuckets,
) -> None:
    for _ in range(4):
        await buckets.take("ada", 2, 2)
    await asyncio.sleep(1.1)

    waits = [await buckets.take("ada", 2, 2) for _ in range(3)]

    assert waits[:2] == [0, 0]
    assert 0 < waits[2] <= 0.5


async def test_several_tokens_are_taken_together_or_not_at_all(buckets: RedisBuckets) -> None:
    assert await buckets.take("ada", 5, 0.5, 3) == 0

    assert 1.8 < await buckets.take("ada", 5, 0.5, 3) <= 2
    assert await buckets.take("ada", 5, 0.5, 2) == 0


async def test_a_full_bucket_takes_no_room(
    buckets: RedisBuckets, redis_server: RedisServer
) -> None:
    await buckets.take("ada", 2, 50)

    assert 0 < int(redis_server.ask("PTTL", "b:ada")) < 1100


@pytest.mark.parametrize(
    "command", [("SET", "b:ada", "n" * 16), ("SET", "b:ada", "1"), ("LPUSH", "b:ada", "x")]
)
async def test_a_value_that_is_not_ours_counts_as_a_full_bucket(
    buckets: RedisBuckets, redis_server: RedisServer, command: tuple[str, ...]
) -> None:
    redis_server.ask(*command)

    assert [await buckets.take("ada", 2, 0.5) for _ in range(3)][:2] == [0, 0]
    assert await buckets.take("ada", 2, 0.5) > 0


async def test_many_at_once_on_a_cluster_take_no_more_than_there_is(
    redis_cluster: RedisCluster,
) -> None:
    one, other = buckets_on(redis_cluster.url), buckets_on(redis_cluster.url)

    waits = await asyncio.gather(
        *(buckets.take("ada", 10, 0.1) for buckets in (one, other) for _ in range(20))
    )

    assert waits.count(0) == 10
    await one.close()
    await other.close()


async def test_processes_that_share_buckets_share_the_limits(redis_server: RedisServer) -> None:
    redis_server.ask("FLUSHALL")
    settings = RateLimitSettings(sign_in_per_minute=3)
    shops = [buckets_on(redis_server.url) for _ in range(2)]
    one, other = (SharedRateLimiter(settings, CLOCK, shop) for shop in shops)

    await spend(one, "sign-in", "198.51.100.7")
    await spend(other, "sign-in", "198.51.100.7")
    await spend(one, "sign-in", "198.51.100.7")
    with pytest.raises(TooManyRequests) as refusal:
        await spend(other, "sign-in", "198.51.100.7")

    assert refusal.value.headers["Retry-After"] == "20"
    await spend(other, "sign-in", "198.51.100.8")
    for shop in shops:
        await shop.close()


async def test_without_redis_each_process_limits_alone_and_waits_for_one_timeout_only(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    buckets = buckets_on(server.url, timeout_ms=200)
    limiter = SharedRateLimiter(RateLimitSettings(sign_in_per_minute=20), CLOCK, buckets)
    await spend(limiter, "sign-in", "198.51.100.7")

    server.pause()
    begun = time.monotonic()
    for _ in range(20):
        await spend(limiter, "sign-in", "198.51.100.7")
    with pytest.raises(TooManyRequests):
        await spend(limiter, "sign-in", "198.51.100.7")

    # Twenty timeouts would be four seconds.
    assert time.monotonic() - begun < 2
    await buckets.close()
    with pytest.raises(Unavailable):
        await buckets.take("ada", 1, 1)
    server.kill()

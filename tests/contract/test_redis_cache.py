"""RedisCache keeps the contract on a server and on a Cluster, and through bad days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.cache import CacheContract, Unplug, keep
from tintype.adapters.redis.cache import RedisCache
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.kernel.problem import Unavailable
from tools.engines.redis import RedisCluster, RedisSentinel, RedisServer


def cache_on(url: str, *, timeout_ms: int = 2000, ttl_ms: int = 60_000) -> RedisCache:
    settings = RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms)
    return RedisCache(Redis(settings), ttl_ms=ttl_ms)


class RedisCacheContract(CacheContract):
    @pytest.fixture
    def unplug(self, cache: RedisCache) -> Unplug:
        return cache.close


class TestRedisCache(RedisCacheContract):
    @pytest.fixture
    async def cache(self, redis_server: RedisServer) -> AsyncIterator[RedisCache]:
        redis_server.ask("FLUSHALL")
        cache = cache_on(redis_server.url)
        yield cache
        await cache.close()


class TestRedisCacheBehindSentinels(RedisCacheContract):
    @pytest.fixture
    async def cache(self, redis_sentinel: RedisSentinel) -> AsyncIterator[RedisCache]:
        redis_sentinel.master().ask("FLUSHALL")
        cache = cache_on(redis_sentinel.url)
        yield cache
        await cache.close()


class TestRedisCacheOnACluster(RedisCacheContract):
    @pytest.fixture
    async def cache(self, redis_cluster: RedisCluster) -> AsyncIterator[RedisCache]:
        for master in redis_cluster.masters():
            master.ask("FLUSHALL")
        cache = cache_on(redis_cluster.url)
        yield cache
        await cache.close()


@pytest.mark.parametrize(
    "command",
    [
        ("SET", "c{a}", "nonsense"),
        ("SET", "c{a}", "V"),
        ("SET", "c{a}", "V" + "x" * 20),
        ("SET", "c{a}", "L" + "x" * 20),
        ("LPUSH", "c{a}", "nonsense"),
    ],
)
async def test_a_value_that_is_not_ours_is_a_miss_and_is_replaced(
    redis_server: RedisServer, command: tuple[str, ...]
) -> None:
    cache = cache_on(redis_server.url)
    redis_server.ask("FLUSHALL")
    redis_server.ask(*command)

    held = await cache.get(["a"])
    await cache.fill(held.lease, {"a": b"1"})

    assert held.values == {}
    assert (await cache.get(["a"])).values == {"a": b"1"}
    await cache.close()


async def test_values_end_with_their_time(redis_server: RedisServer) -> None:
    cache = cache_on(redis_server.url, ttl_ms=200)
    await keep(cache, short=b"1")
    assert (await cache.get(["short"])).values

    await asyncio.sleep(0.25)

    assert (await cache.get(["short"])).values == {}
    await cache.close()


async def test_a_lease_that_was_flushed_away_is_void(redis_server: RedisServer) -> None:
    cache = cache_on(redis_server.url)
    lease = (await cache.get(["a"])).lease

    redis_server.ask("FLUSHALL")
    await cache.fill(lease, {"a": b"1"})

    assert (await cache.get(["a"])).values == {}
    await cache.close()


async def test_a_dead_or_silent_server_is_unavailable_and_starts_again_with_misses(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    cache = cache_on(server.url, timeout_ms=200)
    await keep(cache, a=b"1")

    server.pause()
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(Unavailable):
            await cache.get(["a"])
    # Twenty timeouts would be four seconds.
    assert time.monotonic() - begun < 2
    server.resume()
    await asyncio.sleep(1.1)
    assert (await cache.get(["a"])).values == {"a": b"1"}

    lease = (await cache.get(["b"])).lease
    server.kill()
    with pytest.raises(Unavailable):
        await cache.drop(["a"])
    server.start()
    await asyncio.sleep(1.1)
    # A drop may have been lost with the server, so what it kept and promised is not trusted.
    await cache.fill(lease, {"b": b"1"})
    assert server.ask("GET", "c{b}").startswith("L")
    assert (await cache.get(["a", "b"])).values == {}
    await keep(cache, a=b"2")
    assert (await cache.get(["a"])).values == {"a": b"2"}
    await cache.close()
    server.kill()

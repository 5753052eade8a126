"""RedisNeighbours keep the contract on a server and on a Cluster, and through bad days."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.neighbours import CY, NeighboursContract, Unplug
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.neighbours import RedisNeighbours
from tintype.adapters.redis.settings import RedisSettings
from tintype.kernel.problem import Unavailable
from tools.engines.redis import RedisCluster, RedisServer


def neighbours_on(url: str, *, timeout_ms: int = 2000, ttl_ms: int = 60_000) -> RedisNeighbours:
    settings = RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms)
    return RedisNeighbours(Redis(settings), ttl_ms=ttl_ms)


class RedisNeighboursContract(NeighboursContract):
    @pytest.fixture
    def unplug(self, neighbours: RedisNeighbours) -> Unplug:
        return neighbours.close


class TestRedisNeighbours(RedisNeighboursContract):
    @pytest.fixture
    async def neighbours(self, redis_server: RedisServer) -> AsyncIterator[RedisNeighbours]:
        redis_server.ask("FLUSHALL")
        neighbours = neighbours_on(redis_server.url)
        yield neighbours
        await neighbours.close()


class TestRedisNeighboursOnACluster(RedisNeighboursContract):
    @pytest.fixture
    async def neighbours(self, redis_cluster: RedisCluster) -> AsyncIterator[RedisNeighbours]:
        for master in redis_cluster.masters():
            master.ask("FLUSHALL")
        neighbours = neighbours_on(redis_cluster.url)
        yield neighbours
        await neighbours.close()


@pytest.mark.parametrize(
    "command", [("SET", f"f{CY}", ""), ("SET", f"f{CY}", "odd"), ("LPUSH", f"f{CY}", "odd")]
)
async def test_a_value_that_is_not_ours_is_a_miss_and_is_replaced(
    redis_server: RedisServer, command: tuple[str, ...]
) -> None:
    neighbours = neighbours_on(redis_server.url)
    redis_server.ask("FLUSHALL")
    redis_server.ask(*command)

    missed = await neighbours.common(CY, frozenset({1}))
    await neighbours.keep(CY, [1], 5)

    assert missed is None
    assert await neighbours.common(CY, frozenset({1})) == (frozenset({1}), 5)
    await neighbours.close()


async def test_what_is_kept_is_given_its_time(redis_server: RedisServer) -> None:
    neighbours = neighbours_on(redis_server.url, ttl_ms=60_000)

    await neighbours.keep(CY, [1], 5)

    assert 50_000 < int(redis_server.ask("PTTL", f"f{CY}")) <= 60_000
    await neighbours.close()


async def test_a_silent_server_is_unavailable_within_its_time_and_soon_at_once(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    neighbours = neighbours_on(server.url, timeout_ms=200)
    await neighbours.keep(CY, [1], 5)

    server.pause()
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(Unavailable):
            await neighbours.common(CY, frozenset({1}))

    # Twenty timeouts would be four seconds.
    assert time.monotonic() - begun < 2
    server.resume()
    await neighbours.close()
    server.kill()

"""RedisTimelines keeps the contract on a server, behind Sentinels and on a Cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from tests.contract.timelines import TimelinesContract, Unplug
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines
from tintype.kernel.clock import ManualClock
from tools.engines.redis import RedisCluster, RedisSentinel, RedisServer

START = datetime(2026, 1, 1, tzinfo=UTC)


def timelines_on(url: str, timeout_ms: int = 2000) -> RedisTimelines:
    settings = RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms)
    return RedisTimelines(Redis(settings), ManualClock(START))


class RedisTimelinesContract(TimelinesContract):
    @pytest.fixture
    def unplug(self, timelines: RedisTimelines) -> Unplug:
        return timelines.close


class TestRedisTimelines(RedisTimelinesContract):
    @pytest.fixture
    async def timelines(self, redis_server: RedisServer) -> AsyncIterator[RedisTimelines]:
        redis_server.ask("FLUSHALL")
        timelines = timelines_on(redis_server.url)
        yield timelines
        await timelines.close()


class TestRedisTimelinesBehindSentinels(RedisTimelinesContract):
    @pytest.fixture
    async def timelines(self, redis_sentinel: RedisSentinel) -> AsyncIterator[RedisTimelines]:
        redis_sentinel.master().ask("FLUSHALL")
        timelines = timelines_on(redis_sentinel.url)
        yield timelines
        await timelines.close()


class TestRedisTimelinesOnACluster(RedisTimelinesContract):
    @pytest.fixture
    async def timelines(self, redis_cluster: RedisCluster) -> AsyncIterator[RedisTimelines]:
        for master in redis_cluster.masters():
            master.ask("FLUSHALL")
        timelines = timelines_on(redis_cluster.url)
        yield timelines
        await timelines.close()

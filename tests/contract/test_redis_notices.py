"""RedisNotices keeps the contract, and admits it when messages were lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.notices import NoticesContract, Unplug, heard
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.notices import RedisNotices
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.words import pack
from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticesMissed
from tools.engines.redis import RedisCluster, RedisSentinel, RedisServer


def channel_on(url: str, timeout_ms: int = 2000) -> RedisNotices:
    settings = RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms)
    return RedisNotices(Redis(settings), length=500)


class RedisNoticesContract(NoticesContract):
    @pytest.fixture
    async def ada(self, url: str) -> AsyncIterator[RedisNotices]:
        channel = channel_on(url)
        yield channel
        await channel.close()

    @pytest.fixture
    async def bo(self, url: str) -> AsyncIterator[RedisNotices]:
        channel = channel_on(url)
        yield channel
        await channel.close()

    @pytest.fixture
    def unplug(self, ada: RedisNotices) -> Unplug:
        return ada.close


class TestRedisNotices(RedisNoticesContract):
    @pytest.fixture
    def url(self, redis_server: RedisServer) -> str:
        return redis_server.url


class TestRedisNoticesBehindSentinels(RedisNoticesContract):
    @pytest.fixture
    def url(self, redis_sentinel: RedisSentinel) -> str:
        return redis_sentinel.url


class TestRedisNoticesOnACluster(RedisNoticesContract):
    @pytest.fixture
    def url(self, redis_cluster: RedisCluster) -> str:
        return redis_cluster.url


@pytest.fixture
async def ada(redis_server: RedisServer) -> AsyncIterator[RedisNotices]:
    channel = channel_on(redis_server.url)
    yield channel
    await channel.close()


@pytest.fixture
async def bo(redis_server: RedisServer) -> AsyncIterator[RedisNotices]:
    channel = channel_on(redis_server.url)
    yield channel
    await channel.close()


SABOTAGE = [
    [("DEL", "n")],
    [("SET", "n", "nonsense")],
    [("DEL", "n"), ("SADD", "n", "nonsense")],
    [("XADD", "n", "*", "foreign", "entry")],
    [("XTRIM", "n", "MAXLEN", "0")],
    [("DEL", "n"), ("XADD", "n", "1-1", "r", "12345678", "m", "forged")],
]


@pytest.mark.parametrize("commands", SABOTAGE)
async def test_a_stream_that_was_lost_or_is_not_ours_is_missed_once_and_begun_anew(
    ada: RedisNotices, bo: RedisNotices, redis_server: RedisServer, commands: list[tuple[str, ...]]
) -> None:
    await heard(bo)
    await ada.publish([b"1"])
    for command in commands:
        redis_server.ask(*command)
    await ada.publish([b"2"])

    with pytest.raises(NoticesMissed):
        await heard(bo)

    await ada.publish([b"3"])
    assert await heard(bo) == [b"3"]


async def test_a_flush_is_noticed_even_when_as_many_messages_follow(
    ada: RedisNotices, bo: RedisNotices, redis_server: RedisServer
) -> None:
    redis_server.ask("FLUSHALL")
    await heard(bo)
    await ada.publish([b"1", b"2"])

    redis_server.ask("FLUSHALL")
    await asyncio.sleep(0.01)
    await ada.publish([b"3", b"4"])

    with pytest.raises(NoticesMissed):
        await heard(bo)


async def test_a_stream_that_begins_before_the_one_that_was_read_is_noticed(
    ada: RedisNotices, bo: RedisNotices, redis_server: RedisServer
) -> None:
    await heard(bo)
    reign = await bo._redis.reign_of(0)
    forged = pack("XADD", "n", "1-1", "r", reign, "m", "")

    await bo._redis.calls([0, 0], [pack("DEL", "n"), forged])
    await ada.publish([b"1"])

    with pytest.raises(NoticesMissed):
        await heard(bo)
    await ada.publish([b"2"])
    assert await heard(bo) == [b"2"]


async def test_a_hundred_who_wait_share_a_look_or_two(
    ada: RedisNotices, bo: RedisNotices, redis_server: RedisServer
) -> None:
    await heard(bo)
    redis_server.ask("CONFIG", "RESETSTAT")

    await asyncio.gather(*(heard(bo) for _ in range(100)))

    calls = redis_server.ask("INFO", "commandstats").partition("cmdstat_evalsha:calls=")[2]
    assert int(calls.split(",")[0]) <= 2


async def test_a_restart_counts_as_missed_since_the_last_second_may_be_lost(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    ada, bo = channel_on(server.url, 200), channel_on(server.url, 200)
    await heard(bo)
    await ada.publish([b"1"])

    server.kill()
    with pytest.raises(Unavailable):
        await heard(bo)
    server.start()
    await asyncio.sleep(1.1)

    with pytest.raises(NoticesMissed):
        await heard(bo)
    await ada.publish([b"2"])
    assert await heard(bo) == [b"2"]
    server.pause()
    with pytest.raises(Unavailable):
        await heard(bo)
    server.resume()
    await asyncio.sleep(1.1)
    await ada.publish([b"3"])
    assert await heard(bo) == [b"3"]
    await ada.close()
    await bo.close()
    server.kill()

"""RedisNoticedPages keeps the contract: a look at the notices, then pages, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.noticed import RedisNoticedPages
from tintype.adapters.redis.notices import RedisNotices
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines
from tintype.adapters.redis.words import pack
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import MAX_ID
from tintype.ports.noticed import Asked, Heard
from tintype.ports.timelines import TimelineState
from tools.engines.redis import RedisCluster, RedisSentinel, RedisServer

ADA, BO, NOBODY = 11, 12, 13
PATIENCE_S = 30


@dataclass
class Process:
    """What one process has of Redis."""

    redis: Redis
    notices: RedisNotices
    timelines: RedisTimelines
    pages: RedisNoticedPages

    def ask(self, *accounts: int) -> asyncio.Future[Heard | None] | None:
        """The answer to be, or ``None`` where nothing can be asked."""
        future: asyncio.Future[Heard | None] = asyncio.get_running_loop().create_future()
        asked = [Asked(account, MAX_ID, 10) for account in accounts]
        return future if self.pages.ask(asked, future.set_result) else None

    async def heard(self, *accounts: int) -> Heard:
        async with asyncio.timeout(PATIENCE_S):
            future = self.ask(*accounts)
            assert future is not None
            heard = await future
        assert heard is not None
        return heard

    async def caught_up(self) -> list[bytes]:
        heard: list[bytes] = []
        await self.notices.catch_up(heard.extend)
        return heard

    async def build(self, account: int, *ids: int) -> None:
        build = await self.timelines.begin(account, 340)
        assert await self.timelines.finish(account, build, ids, 0)


def _process(url: str, timeout_ms: int = 5000) -> Process:
    redis = Redis(RedisSettings(url=SecretStr(url), timeout_ms=timeout_ms))
    notices, timelines = RedisNotices(redis), RedisTimelines(redis, SystemClock())
    return Process(redis, notices, timelines, RedisNoticedPages(redis, notices, timelines))


@pytest.fixture
async def here(redis_server: RedisServer) -> AsyncIterator[Process]:
    process = _process(redis_server.url)
    await process.redis.call(0, pack("FLUSHALL"))
    await process.caught_up()
    yield process
    await process.timelines.close()


@pytest.fixture
async def elsewhere(here: Process, redis_server: RedisServer) -> AsyncIterator[Process]:
    del here
    process = _process(redis_server.url)
    await process.caught_up()
    yield process
    await process.timelines.close()


def _ids(heard: Heard) -> list[Sequence[int]]:
    return [page.ids for page in heard.pages]


async def test_it_answers_with_messages_and_with_a_page_for_each(
    here: Process, elsewhere: Process
) -> None:
    await here.build(ADA, 1, 2)
    await here.build(BO, 3)
    await elsewhere.notices.publish([b"one", b"two"])

    heard = await here.heard(ADA, NOBODY, BO)

    assert heard.messages == [b"one", b"two"]
    assert _ids(heard) == [[2, 1], (), [3]]
    states = [page.state for page in heard.pages]
    assert states == [TimelineState.READY, TimelineState.ABSENT, TimelineState.READY]


async def test_every_message_is_handed_over_once_however_looks_overlap(
    here: Process, elsewhere: Process
) -> None:
    handed: list[bytes] = []

    def take(done: asyncio.Future[Heard | None]) -> None:
        heard = done.result()
        assert heard is not None
        handed.extend(heard.messages or [])

    for number in range(20):
        await elsewhere.notices.publish([b"%d" % number])
        first, look, second = here.ask(ADA), here.caught_up(), here.ask(BO)
        assert first is not None
        assert second is not None
        # In the order in which they are answered, as their takers apply them.
        for answer in (first, second):
            answer.add_done_callback(take)
        handed.extend(await look)
        await asyncio.wait_for(asyncio.gather(first, second), PATIENCE_S)

    assert handed == [b"%d" % number for number in range(20)]


async def test_what_was_pushed_before_a_message_was_published_is_in_the_page(
    here: Process, elsewhere: Process
) -> None:
    await here.build(ADA)
    pushed = 0

    async def push() -> None:
        nonlocal pushed
        for number in range(1, 200):
            await elsewhere.timelines.push([ADA], number)
            await elsewhere.notices.publish([b"%d" % number])
            pushed = number

    pushing, told = asyncio.create_task(push()), 0
    while not pushing.done():
        heard = await here.heard(ADA)
        told = max([told, *map(int, heard.messages or [])])
        assert len(heard.pages[0].ids) >= min(told, 10)
        assert max(heard.pages[0].ids, default=0) >= told
    await pushing
    assert told > 0


async def test_missed_messages_are_admitted(here: Process) -> None:
    await here.build(ADA, 1)
    await here.redis.call(0, pack("DEL", "n"))

    heard = await here.heard(ADA)

    assert heard.messages is None
    assert _ids(heard) == [[1]]
    assert (await here.heard(ADA)).messages == []


async def test_forgotten_scripts_and_foreign_values_are_no_answer(here: Process) -> None:
    await here.build(ADA, 1)
    await here.redis.call(0, pack("SCRIPT", "FLUSH"))

    future = here.ask(ADA)

    assert future is not None
    assert await asyncio.wait_for(future, PATIENCE_S) is None
    # Whoever asks in the usual way has them loaded again.
    assert await here.caught_up() == []
    assert _ids(await here.heard(ADA)) == [[1]]


async def test_nothing_is_asked_before_there_was_a_first_look(redis_server: RedisServer) -> None:
    process = _process(redis_server.url)

    assert process.ask(ADA) is None

    await process.timelines.close()


async def test_a_server_that_falls_silent_sends_everybody_away(
    here: Process, redis_server: RedisServer
) -> None:
    process = _process(redis_server.url, timeout_ms=200)
    await process.caught_up()
    redis_server.pause()
    try:
        future = process.ask(ADA)
        assert future is not None
        assert await asyncio.wait_for(future, PATIENCE_S) is None
        assert process.ask(ADA) is None
    finally:
        redis_server.resume()
    await process.timelines.close()
    assert await here.caught_up() == []


async def test_a_cluster_is_not_asked(redis_cluster: RedisCluster) -> None:
    process = _process(redis_cluster.url)
    await process.caught_up()

    assert process.ask(ADA) is None

    await process.timelines.close()


async def test_behind_sentinels_it_is_as_with_one_server(redis_sentinel: RedisSentinel) -> None:
    process = _process(redis_sentinel.url)
    await process.caught_up()
    await process.build(ADA, 1)

    assert _ids(await process.heard(ADA)) == [[1]]

    await process.timelines.close()

"""The ladder on real engines that are paused or killed under a server that serves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import Person, World, open_world
from tintype.database.settings import DatabaseSettings
from tintype.feed import FeedSettings
from tools.engines.postgres import PostgresServer

pytestmark = pytest.mark.slow

_MOST_S = 0.5
"""What a feed may take, whatever is silent behind it."""
_SLACK_S = 0.5
"""For a machine that runs other tests beside this one."""


@pytest.fixture
async def shared_world(tmp_path: Path, own_postgres: PostgresServer) -> AsyncIterator[World]:
    """A server on a PostgreSQL that only it uses, with the budget of a real one."""
    database = DatabaseSettings(url=own_postgres.url)
    opened = await open_world(tmp_path, database=database, feed=FeedSettings())
    yield opened
    own_postgres.resume()
    await opened.close()


async def _tier(viewer: Person) -> tuple[str, float]:
    begun = time.perf_counter()
    answer = await viewer.call("GET", "/v1/feed")
    took = time.perf_counter() - begun
    return (answer.json()["tier"] if answer.status_code == 200 else "none"), took


async def _settled(viewer: Person) -> None:
    async with asyncio.timeout(30):
        while (await _tier(viewer))[0] != "chronological":  # noqa: ASYNC110 - read from outside
            await asyncio.sleep(0.2)


async def _town(world: World) -> tuple[Person, str]:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    await bo.get("/v1/notifications/unread")
    await _settled(bo)
    world.server.posts.popular.forget()
    await world.server.posts.popular.refresh()
    return bo, dawn


async def test_a_silent_database_costs_no_reader_more_than_the_budget(
    shared_world: World, own_postgres: PostgresServer
) -> None:
    bo, dawn = await _town(shared_world)
    shared_world.server.posts._cards._forget_all()
    own_postgres.pause()

    answers = [await _tier(bo) for _ in range(5)]
    page = await bo.get("/v1/feed")

    assert {tier for tier, _ in answers} == {"trending"}
    assert max(took for _, took in answers) < _MOST_S + _SLACK_S
    assert sorted(took for _, took in answers)[2] < 0.3
    assert [post["id"] for post in page["items"]] == [dawn]
    own_postgres.resume()
    await _settled(bo)


async def test_a_feed_that_is_at_hand_stays_the_own_one_while_the_database_is_killed(
    shared_world: World, own_postgres: PostgresServer
) -> None:
    bo, _ = await _town(shared_world)
    own_postgres.kill()

    tier, took = await _tier(bo)

    assert tier == "chronological"
    assert took < _MOST_S
    shared_world.server.posts._cards._forget_all()
    assert (await _tier(bo))[0] == "trending"
    own_postgres.start()
    await _settled(bo)

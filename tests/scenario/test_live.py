"""GET /v1/events: who is here hears that something is new, and never what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cast import PASSWORD, Person, World, ok, open_world
from tests.sse import Hearing, Said, hearing
from tintype.notifications import NotificationSettings
from tintype.notifications.service.live import PER_ACCOUNT


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await open_world(tmp_path, notifications=NotificationSettings(streams=20))
    yield world
    await world.close()


async def test_a_follower_hears_that_there_is_a_post_once_the_feed_has_it(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)

    async with hearing(bo) as stream:
        assert (stream.status, stream.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        assert await stream.next() == Said("notifications", {"unread": 0})
        post = await ada.post("new")

        assert await stream.until("feed") == Said("feed", {})
        assert [each["id"] for each in (await bo.get("/v1/feed"))["items"]] == [post]


async def test_authors_hear_of_their_own_posts_and_not_of_news_in_their_feed(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")

    async with hearing(ada) as stream:
        await stream.next()
        post = await ada.post("mine")
        await world.server.live.beat()
        heard = [await stream.next()]
        await ada.send("PATCH", f"/v1/posts/{post}", {"caption": "mine, edited"})
        heard.append(await stream.next())
        await bo.follow(ada)
        while (said := await stream.next()) != Said("notifications", {"unread": 1}):
            heard.append(said)

    # How often it changed on its way is its own affair.
    assert all(said == Said("post", {"id": post}) for said in heard)


async def test_nobody_hears_of_posts_that_the_feed_will_not_show(world: World) -> None:
    ada, bo, cy = await world.join("ada"), await world.join("bo"), await world.join("cy")
    await ada.follow(bo)
    await ada.send("POST", "/v1/mutes", {"account_id": bo.id})

    async with hearing(ada) as stream:
        await stream.next()
        await bo.post("muted")
        await world.server.live.beat()
        await cy.follow(ada)

        # News of the feed would have been said first: it came first.
        assert await stream.next() == Said("notifications", {"unread": 1})


async def test_a_like_is_told_with_the_number_of_unread_notifications(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    post = await ada.post("likeable")

    async with hearing(ada) as stream:
        assert await stream.next() == Said("notifications", {"unread": 0})
        await bo.send("PUT", f"/v1/posts/{post}/like")

        assert await stream.until("notifications") == Said("notifications", {"unread": 1})


async def test_a_stream_ends_with_its_session(world: World) -> None:
    ada = await world.join("ada")
    other = ok(
        await world.client.post("/v1/sessions", json={"login": "ada", "password": PASSWORD})
    )["token"]

    async with hearing(ada) as stream:
        await stream.next()
        listed = await ada.get("/v1/sessions")
        current = next(each["id"] for each in listed["items"] if each["current"])
        headers = {"Authorization": f"Bearer {other}"}
        ok(await world.client.delete(f"/v1/sessions/{current}", headers=headers))

        assert await stream.next() == Said("bye", {})
        assert await stream.next() is None

    async with hearing(ada) as stream:
        assert stream.status == 401


async def test_a_server_that_stops_ends_the_streams_and_begins_none(world: World) -> None:
    ada = await world.join("ada")

    async with hearing(ada) as stream:
        await stream.next()
        world.server.live.drain()
        assert await stream.next() is None

    async with hearing(ada) as stream:
        assert (stream.status, "retry-after" in stream.headers) == (503, True)


async def test_one_account_keeps_its_newest_streams_and_the_server_as_many_as_it_may(
    world: World,
) -> None:
    people = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    async with AsyncExitStack() as many:

        async def hear(person: Person) -> Hearing:
            stream = await many.enter_async_context(hearing(person))
            if stream.status == 200:
                await stream.next()
            return stream

        own = [await hear(people[0]) for _ in range(PER_ACCOUNT + 1)]
        assert await own[0].next() == Said("bye", {})

        for person in [people[1]] * PER_ACCOUNT + [people[2]] * (20 - 2 * PER_ACCOUNT):
            assert (await hear(person)).status == 200
        refused = await hear(people[2])

        assert refused.status == 503


async def test_whoever_hangs_up_is_forgotten(world: World) -> None:
    ada = await world.join("ada")

    async with hearing(ada) as stream:
        await stream.next()
        assert world.server.live.open_streams == 1

    assert world.server.live.open_streams == 0

"""What a feed stands on when better things are away or switched off, as its readers meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

import httpx
import pytest

from tests.cast import Person, World, ok
from tintype.accounts import Device, Newcomer
from tintype.database import DatabaseUnavailable, SqliteDatabase


class _Unplugged:
    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def __aenter__(self) -> NoReturn:
        raise DatabaseUnavailable

    async def __aexit__(self, *_: object) -> None:
        pass


@contextmanager
def _database_unplugged() -> Iterator[None]:
    """Nobody can read or write anything."""
    with (
        patch.object(SqliteDatabase, "read", _Unplugged),
        patch.object(SqliteDatabase, "write", _Unplugged),
    ):
        yield


def _empty_caches(world: World) -> None:
    """Forget posts, as a busy server does; whom people block stays known."""
    server = world.server
    server.posts._cards._forget_all()


async def _root(world: World) -> Person:
    signed = await world.server.accounts.sign_up(
        Newcomer(handle="root", email="root@example.com", password="correct horse battery"),
        device=Device(address="here", agent="test"),
        admin=True,
    )
    return Person(world, signed.account.id, "root", signed.token, world.client)


async def _switch(admin: Person, name: str, *, on: bool | None) -> httpx.Response:
    return await admin.call("PUT", f"/v1/admin/flags/{name}", json={"on": on})


async def _read(viewer: Person, **query: Any) -> tuple[str, list[str], str | None]:
    page = await viewer.get("/v1/feed", **query)
    return page["tier"], [post["id"] for post in page["items"]], page["next_cursor"]


async def _refused(viewer: Person, **query: Any) -> httpx.Response:
    answer = await viewer.call("GET", "/v1/feed", params=query)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    return answer


async def _answers(world: World) -> dict[str, float]:
    page = (await world.anyone("GET", "/metrics")).text
    lines = [line for line in page.splitlines() if line.startswith("tintype_feed_answers_total{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


class Town:
    """Ada posts for everybody and Bo for followers; Cy follows nobody."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def settle(self) -> Town:
        world = self.world
        self.ada, self.bo = await world.join("ada"), await world.join("bo")
        self.cy, self.root = await world.join("cy"), await _root(world)
        await self.bo.follow(self.ada)
        await self.bo.send("PATCH", "/v1/accounts/me", {"private": True})
        self.dawn, self.noon = await self.ada.post("dawn"), await self.ada.post("noon")
        self.secret = await self.bo.post("secret")
        await self.cy.send("PUT", f"/v1/posts/{self.dawn}/like")
        await world.settle()
        for person in (self.ada, self.bo, self.cy):
            await person.get("/v1/feed")
        world.server.posts.popular.forget()
        await world.server.posts.popular.refresh()
        return self


@pytest.fixture
async def town(world: World) -> Town:
    return await Town(world).settle()


async def test_without_the_database_what_is_at_hand_is_served_as_ever(town: Town) -> None:
    healthy = await _read(town.bo)

    with _database_unplugged():
        assert await _read(town.bo) == healthy
    assert healthy[0] == "chronological"


async def test_without_the_database_popular_public_posts_stand_in(town: Town) -> None:
    _empty_caches(town.world)

    with _database_unplugged():
        found = await _read(town.bo)

    assert found == ("trending", [town.dawn, town.noon], None)


async def test_without_timelines_and_database_popular_posts_come_by_their_likes(
    town: Town,
) -> None:
    await town.world.server.feed.timelines.close()
    _empty_caches(town.world)

    with _database_unplugged():
        found = await _read(town.bo)

    assert found == ("trending", [town.dawn, town.noon], None)


async def test_popular_posts_that_two_look_for_at_once_are_found_by_both(town: Town) -> None:
    popular = town.world.server.posts.popular

    popular.forget()
    await asyncio.gather(popular.refresh(), popular.refresh())

    assert [str(card.id) for card in popular.posts or ()] == [town.dawn, town.noon]


async def test_the_own_likes_show_on_popular_posts_as_far_as_they_are_held(town: Town) -> None:
    assert ok(await _switch(town.root, "feed-timelines", on=False))["on"] is False
    ok(await _switch(town.root, "feed-database", on=False))

    page = await town.cy.get("/v1/feed")

    liked = {post["id"]: post["viewer"]["liked"] for post in page["items"]}
    assert liked[town.noon] is False
    assert page["items"][0]["counts"]["likes"] == 1


@pytest.mark.parametrize("relation", ["blocks", "mutes"])
async def test_popular_posts_leave_out_whom_the_viewer_must_not_meet(
    town: Town, relation: str
) -> None:
    await town.cy.send("POST", f"/v1/{relation}", {"account_id": town.ada.id})
    await town.cy.get("/v1/feed")
    await town.world.server.feed.timelines.close()
    ok(await _switch(town.root, "feed-database", on=False))

    with _database_unplugged():
        assert await _read(town.cy) == ("trending", [], None)


async def test_popular_posts_leave_out_who_blocks_the_viewer(town: Town) -> None:
    await town.ada.send("POST", "/v1/blocks", {"account_id": town.cy.id})
    ok(await _switch(town.root, "feed-timelines", on=False))
    ok(await _switch(town.root, "feed-database", on=False))

    assert await _read(town.cy) == ("trending", [], None)
    assert await _read(town.bo) == ("trending", [town.dawn, town.noon], None)


async def test_nothing_is_shown_to_a_viewer_whose_blocks_are_not_at_hand(town: Town) -> None:
    town.world.server.graph._sets.clear()

    with _database_unplugged():
        answer = await _refused(town.cy)

    assert answer.json()["type"] == "/problems/feed-unavailable"


async def test_what_is_deleted_or_closed_leaves_the_popular_posts_at_once(town: Town) -> None:
    ok(await _switch(town.root, "feed-timelines", on=False))
    ok(await _switch(town.root, "feed-database", on=False))
    await town.ada.send("DELETE", f"/v1/posts/{town.dawn}")
    assert (await _read(town.cy))[1] == [town.noon]

    await town.ada.send("PATCH", "/v1/accounts/me", {"private": True})

    assert (await _read(town.cy))[1] == []


async def test_whoever_is_further_down_is_told_to_come_back(town: Town) -> None:
    cursor = (await _read(town.bo, limit=1))[2]
    ok(await _switch(town.root, "feed-timelines", on=False))
    ok(await _switch(town.root, "feed-database", on=False))

    await _refused(town.bo, cursor=cursor)


async def test_each_flag_takes_one_rung_away_and_gives_it_back(town: Town) -> None:
    own = (await _read(town.bo))[1]
    assert own == [town.secret, town.noon, town.dawn]

    ok(await _switch(town.root, "feed-timelines", on=False))
    assert await _read(town.bo) == ("database", own, None)
    ok(await _switch(town.root, "feed-database", on=False))
    assert (await _read(town.bo))[0] == "trending"
    ok(await _switch(town.root, "feed-trending", on=False))
    await _refused(town.bo)

    ok(await _switch(town.root, "feed-trending", on=None))
    assert (await _read(town.bo))[0] == "trending"
    ok(await _switch(town.root, "feed-database", on=None))
    assert await _read(town.bo) == ("database", own, None)
    ok(await _switch(town.root, "feed-timelines", on=None))
    assert await _read(town.bo) == ("chronological", own, None)


async def test_timelines_that_are_switched_on_again_are_built_anew(town: Town) -> None:
    timelines = town.world.server.feed.timelines
    ok(await _switch(town.root, "feed-timelines", on=False))
    await timelines.purge(int(town.bo.id), [int(town.noon)])

    ok(await _switch(town.root, "feed-timelines", on=True))

    assert await _read(town.bo) == ("chronological", [town.secret, town.noon, town.dawn], None)


async def test_timelines_that_do_not_answer_are_not_switched_on(town: Town) -> None:
    ok(await _switch(town.root, "feed-timelines", on=False))
    await town.world.server.feed.timelines.close()

    assert (await _switch(town.root, "feed-timelines", on=True)).status_code == 503
    assert (await _read(town.bo))[0] == "database"
    flags = {flag["name"]: flag for flag in (await town.root.get("/v1/admin/flags"))["items"]}
    assert flags["feed-timelines"]["on"] is False


async def test_ranking_is_refused_while_there_is_no_ranker(town: Town) -> None:
    refused = await _switch(town.root, "feed-ranked", on=True)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-ranker")
    assert ok(await _switch(town.root, "feed-ranked", on=False))["on"] is False


async def test_a_flag_that_nobody_declared_is_refused(town: Town) -> None:
    refused = await _switch(town.root, "feed-sideways", on=True)

    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/flag-not-found")
    assert (await town.root.call("PUT", "/v1/admin/flags/feed-ranked", json={})).status_code == 422
    words = {"on": "yes"}
    said = await town.root.call("PUT", "/v1/admin/flags/feed-ranked", json=words)
    assert said.status_code == 422


async def test_a_flag_says_who_changed_it_and_when(town: Town) -> None:
    before = {flag["name"]: flag for flag in (await town.root.get("/v1/admin/flags"))["items"]}
    assert set(before) == {"feed-database", "feed-ranked", "feed-timelines", "feed-trending"}
    assert not any(flag["set"] or flag["changed_at"] for flag in before.values())

    ok(await _switch(town.root, "feed-trending", on=False))
    cleared = ok(await _switch(town.root, "feed-trending", on=None))

    assert (cleared["on"], cleared["default"], cleared["set"]) == (True, True, False)
    assert cleared["changed_by"] == town.root.id
    assert cleared["changed_at"].endswith("Z")
    assert cleared["meaning"]


async def test_a_flag_is_read_without_the_database_and_not_changed(town: Town) -> None:
    ok(await _switch(town.root, "feed-timelines", on=False))

    with _database_unplugged():
        flags = {flag["name"]: flag for flag in (await town.root.get("/v1/admin/flags"))["items"]}
        refused = await _switch(town.root, "feed-timelines", on=True)

    assert flags["feed-timelines"]["on"] is False
    assert refused.status_code == 503


async def test_every_answer_is_counted_by_its_tier(town: Town) -> None:
    before = await _answers(town.world)
    await town.bo.get("/v1/feed")
    for flag in ("feed-timelines", "feed-database", "feed-trending"):
        ok(await _switch(town.root, flag, on=False))
        await town.bo.call("GET", "/v1/feed", params={"order": "chronological"})

    after = await _answers(town.world)

    changed = {tier: after[tier] - before[tier] for tier in after}
    assert changed == {"ranked": 0, "chronological": 1, "database": 1, "trending": 1, "none": 1}


async def test_a_new_process_obeys_the_flags_that_were_set_before(town: Town) -> None:
    ok(await _switch(town.root, "feed-timelines", on=False))
    flags = town.world.server.admin.flags
    flags._states.clear()

    await flags.refresh()

    assert not flags.is_on("feed-timelines")


async def test_the_list_of_popular_posts_is_made_while_the_server_runs(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    popular = world.server.posts.popular

    async with asyncio.timeout(20):
        while not popular.posts:  # noqa: ASYNC110 - made by a clock of its own
            await asyncio.sleep(0.1)

    assert [card.id for card in popular.posts] == [int(dawn)]

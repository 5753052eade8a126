"""The home feed, as people meet it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Person, World, open_world
from tintype.feed import FeedSettings
from tintype.feed.model import NEWEST
from tintype.feed.service.fan_out import Sizes


async def _feed(viewer: Person, limit: int = 20) -> list[str]:
    """Every post of somebody's feed, walked page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = await viewer.get("/v1/feed", **query)
        found += [post["id"] for post in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert page["items"], "an empty page that is not the end"


async def _post_at_once(author: Person) -> str:
    """Publish a photo that is ready already: nothing has been fanned out when this returns."""
    upload = await author.upload()
    await author.world.settle()
    new = await author.send("POST", "/v1/posts", {"slides": [{"upload_id": upload}]})
    assert new["post"]["state"] == "published"
    post: str = new["post"]["id"]
    return post


async def _status(viewer: Person, **query: Any) -> int:
    return (await viewer.call("GET", "/v1/feed", params=query)).status_code


@pytest.fixture
async def small_world(tmp_path: Path) -> AsyncIterator[World]:
    """A server where two followers make a celebrity, and may unmake one at any time."""
    opened = await open_world(
        tmp_path, feed=FeedSettings(celebrity_threshold=2, dwell_hours=0, budget_ms=30_000)
    )
    yield opened
    await opened.close()


async def test_a_feed_holds_the_own_posts_and_those_of_followees_newest_first(
    world: World,
) -> None:
    ada, bo, cy = await world.join("ada"), await world.join("bo"), await world.join("cy")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    noon = await bo.post("noon")
    await cy.post("nobody follows me")

    dusk = await ada.post("dusk")

    assert await _feed(bo) == [dusk, noon, dawn]
    assert await _feed(ada) == [dusk, dawn]


async def test_a_new_follow_brings_the_older_posts_at_once_and_for_good(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    assert await _feed(bo) == []

    await bo.follow(ada)

    assert await _feed(bo) == [dawn]
    await world.settle()
    assert await _feed(bo) == [dawn]


async def test_an_unfollow_hides_at_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    assert await _feed(bo) == [dawn]

    await bo.send("DELETE", f"/v1/follows/{ada.id}")

    assert await _feed(bo) == []
    await world.settle()
    await bo.follow(ada)
    assert await _feed(bo) == [dawn]


async def test_a_block_hides_both_from_each_other_at_once(world: World) -> None:
    ada, dee = await world.join("ada"), await world.join("dee")
    await ada.follow(dee)
    await dee.follow(ada)
    dawn, dusk = await ada.post("dawn"), await dee.post("dusk")
    assert await _feed(ada) == await _feed(dee) == [dusk, dawn]

    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    assert (await _feed(ada), await _feed(dee)) == ([dawn], [dusk])


async def test_a_mute_hides_until_it_is_lifted(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    await bo.send("POST", "/v1/mutes", {"account_id": ada.id})
    noon = await ada.post("noon")
    assert await _feed(bo) == []

    await bo.send("DELETE", f"/v1/mutes/{ada.id}")

    assert await _feed(bo) == [noon, dawn]


async def test_going_private_keeps_the_followers(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.follow(bo)
    dawn = await bo.post("dawn")

    await bo.send("PATCH", "/v1/accounts/me", {"private": True})

    noon = await bo.post("noon")
    assert await _feed(ada) == [noon, dawn]


async def test_a_deleted_post_is_gone_at_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn, noon = await ada.post("dawn"), await ada.post("noon")
    assert await _feed(bo) == [noon, dawn]

    await ada.send("DELETE", f"/v1/posts/{noon}")

    assert await _feed(bo) == [dawn]


async def test_the_own_post_is_there_while_fan_out_stands_still(world: World) -> None:
    ada = await world.join("ada")
    assert await _feed(ada) == []
    upload = await ada.upload()
    await world.settle()
    await world.server.background.stop()

    new = await ada.send("POST", "/v1/posts", {"slides": [{"upload_id": upload}]})

    assert await _feed(ada) == [new["post"]["id"]]


async def test_a_page_shows_marks_counts_and_edits_as_they_are_now(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    assert (await bo.get("/v1/feed"))["items"][0]["viewer"] == {"liked": False, "saved": False}

    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    await ada.send("PATCH", f"/v1/posts/{dawn}", {"caption": "dawn again"})
    await world.settle()

    [seen] = (await bo.get("/v1/feed"))["items"]
    [own] = (await ada.get("/v1/feed"))["items"]
    assert (seen["viewer"], own["viewer"]["liked"]) == ({"liked": True, "saved": False}, False)
    assert seen["counts"] == own["counts"] == {"likes": 1, "comments": 0}
    assert seen["caption"] == "dawn again"


async def test_the_short_way_and_the_long_way_give_the_same_page(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    for caption in ("dawn", "noon", "dusk"):
        await ada.post(caption)
    short = await bo.call("GET", "/v1/feed?limit=2")

    long = await bo.call("GET", "/v1/feed?limit=2&order=chronological")

    assert short.json() == long.json()
    assert short.json()["tier"] == "chronological"
    hardened = {"x-content-type-options", "referrer-policy", "cache-control", "content-type"}
    assert {name: short.headers[name] for name in hardened} == {
        name: long.headers[name] for name in hardened
    }
    assert short.headers["x-request-id"] != long.headers["x-request-id"]


async def test_a_session_cookie_reads_the_feed_too(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")

    answer = await world.anyone(
        "GET", "/v1/feed", headers={"Cookie": f"theme=dark; tintype_session={ada.token}"}
    )

    assert [post["id"] for post in answer.json()["items"]] == [dawn]


async def test_a_feed_is_for_those_who_are_signed_in(world: World) -> None:
    ada = await world.join("ada")
    assert await _status(ada) == 200

    await ada.send("DELETE", "/v1/sessions/current")

    assert await _status(ada) == 401
    assert (await world.anyone("GET", "/v1/feed")).status_code == 401


async def test_a_walk_while_others_post_meets_every_older_post_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    old = [await ada.post(f"old {number}") for number in range(5)]

    first = await bo.get("/v1/feed", limit=2)
    new = await ada.post("new")
    second = await bo.get("/v1/feed", limit=2, cursor=first["next_cursor"])
    await ada.send("DELETE", f"/v1/posts/{old[0]}")
    third = await bo.get("/v1/feed", limit=2, cursor=second["next_cursor"])

    walked = [post["id"] for page in (first, second, third) for post in page["items"]]
    assert walked == [old[4], old[3], old[2], old[1]]
    assert third["next_cursor"] is None
    assert (await _feed(bo))[0] == new


async def test_cursors_and_limits_that_make_no_sense_are_refused(world: World) -> None:
    ada = await world.join("ada")
    posts = [await ada.post(caption) for caption in ("dawn", "noon")]
    foreign = (await ada.get(f"/v1/accounts/{ada.id}/posts", limit=1))["next_cursor"]

    assert await _status(ada, cursor="nonsense") == 400
    assert await _status(ada, cursor=foreign) == 400
    assert await _status(ada, limit=0) == 422
    assert await _status(ada, limit="many") == 422
    assert await _status(ada, order="alphabetical") == 422
    assert len((await ada.get("/v1/feed", limit=10_000))["items"]) == len(posts)


async def test_without_timelines_the_database_serves_the_same_feed(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    for caption in ("dawn", "noon", "dusk"):
        await ada.post(caption)
    healthy = await bo.get("/v1/feed", limit=2)

    await world.server.feed.timelines.close()

    degraded = await bo.get("/v1/feed", limit=2)
    assert degraded.pop("tier") == "database"
    assert healthy.pop("tier") == "chronological"
    assert degraded == healthy
    assert len(await _feed(bo, limit=2)) == 3


async def test_a_feed_outlives_its_server(tmp_path: Path) -> None:
    before = await open_world(tmp_path)
    ada, bo = await before.join("ada"), await before.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    await before.close()

    after = await open_world(tmp_path)

    again = Person(after, bo.id, bo.handle, bo.token, after.client)
    assert await _feed(again) == [dawn]
    await after.close()


async def test_a_celebrity_is_merged_when_followers_read(small_world: World) -> None:
    cy, ada, bo = [await small_world.join(handle) for handle in ("cy", "ada", "bo")]
    await ada.follow(cy)
    early = await cy.post("one follower")
    await bo.follow(cy)
    await small_world.settle()
    assert await _feed(ada) == await _feed(bo) == [early]

    late = await cy.post("two followers")
    own = await ada.post("mine")

    assert await _feed(ada, limit=1) == [own, late, early]
    assert await _feed(bo) == await _feed(cy) == [late, early]


async def test_a_celebritys_post_is_visible_before_fan_out_ran(small_world: World) -> None:
    cy, ada, bo = [await small_world.join(handle) for handle in ("cy", "ada", "bo")]
    await ada.follow(cy)
    await bo.follow(cy)
    await small_world.settle()
    assert await _feed(ada) == []

    post = await _post_at_once(cy)

    assert await _feed(ada) == await _feed(bo) == [post]


async def test_a_celebrity_who_fades_is_pushed_again_and_nothing_is_lost(
    small_world: World,
) -> None:
    cy, ada, bo = [await small_world.join(handle) for handle in ("cy", "ada", "bo")]
    await ada.follow(cy)
    await bo.follow(cy)
    await small_world.settle()
    assert await _feed(ada) == []
    risen = await cy.post("two followers")

    await bo.send("DELETE", f"/v1/follows/{cy.id}")
    await small_world.settle()
    faded = await cy.post("one follower")

    assert await _feed(ada) == [faded, risen]
    assert await _feed(bo) == []


async def test_a_post_of_a_big_author_reaches_everybody_by_stored_tasks(world: World) -> None:
    home = world.server.feed.home
    small = home._ways._replace(sizes=Sizes(inline=1, chunk=1, span=1, edges=1))
    home._ways = home.carrier._ways = small
    cy = await world.join("cy")
    fans = [await world.join(name) for name in ("ada", "bo", "dee")]
    for fan in fans:
        assert await _feed(fan) == []  # their timelines are there
        await fan.send("POST", "/v1/follows", {"followed_id": cy.id})

    post = await _post_at_once(cy)
    await world.settle()

    for fan in fans:
        page = await home.sources.timelines.page(int(fan.id), NEWEST, 5)
        assert [str(id_) for id_ in page.ids] == [post]
    assert (await home.fan_out_figures()).waiting == {}

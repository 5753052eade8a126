"""Why a post is in a feed, as its readers are told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import Person, World
from tintype.database import Transaction
from tintype.feed.model import PostNoted
from tintype.posts import Delivery


class _PullAlways:
    """Everybody is widely followed."""

    async def class_for(self, tx: Transaction, *, post: int, author: int) -> Delivery:
        tx.notify(PostNoted(post=post, author=author, pulled=True))
        return "pull"


async def _reasons(viewer: Person, **query: Any) -> dict[str, str]:
    page = await viewer.get("/v1/feed", **query)
    return {post["id"]: post["why"] for post in page["items"]}


async def test_each_post_of_a_feed_says_why_it_is_there(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.follow(ada)
    await bo.follow(cy)
    dawn, noon = await ada.post("dawn"), await bo.post("noon")
    world.server.posts.deliver_by(_PullAlways())
    dusk, night = await cy.post("dusk"), await cy.post("night")
    for post in (dawn, noon, dusk):
        await bo.send("PUT", f"/v1/posts/{post}/like")

    reasons = await _reasons(bo)

    assert reasons == {dawn: "followed", noon: "own", dusk: "celebrity", night: "celebrity"}
    # Full pages at hand, and pages of the framework, say the same.
    assert await _reasons(bo, limit=4) == reasons
    assert await _reasons(bo, order="chronological") == reasons
    assert await _reasons(cy) == {dusk: "own", night: "own"}
    items = (await bo.get("/v1/feed", limit=4))["items"]
    assert [post["viewer"]["liked"] for post in items] == [False, True, True, True]


async def test_without_timelines_the_reasons_are_the_same(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    dawn = await ada.post("dawn")
    world.server.posts.deliver_by(_PullAlways())
    noon = await ada.post("noon")
    await bo.get("/v1/feed")
    whole = await bo.get("/v1/feed", limit=2)
    assert whole["tier"] == "chronological"

    world.server.feed.home.reading.allow(["database"])  # type: ignore[list-item] # its text will do

    page = await bo.get("/v1/feed", limit=2)
    assert page["tier"] == "database"
    assert {post["id"]: post["why"] for post in page["items"]} == {
        dawn: "followed",
        noon: "celebrity",
    }
    assert page["items"] == whole["items"]


@pytest.mark.parametrize("path", ["/v1/posts/{post}", "/v1/accounts/{ada}/posts", "/v1/saves"])
async def test_a_post_that_is_not_in_a_feed_gives_no_reason(world: World, path: str) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    await ada.send("PUT", f"/v1/posts/{dawn}/save")

    answer = await ada.get(path.format(post=dawn, ada=ada.id))

    [post] = answer.get("items", [answer])
    assert post["id"] == dawn
    assert post["viewer"] == {"liked": False, "saved": True}
    assert "why" not in post

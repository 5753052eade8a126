"""Questions about the feed that make no sense, or none any more, by both ways to it.

A plain query is answered ahead of the framework; one that names an order by the framework.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.cast import Person, World, ok
from tintype.kernel.cursor import encode
from tintype.kernel.ids import MAX_ID

SHORT: dict[str, str] = {}
LONG = {"order": "chronological"}
RANKED = {"order": "ranked"}


async def _ask(viewer: Person, way: dict[str, str], **query: Any) -> httpx.Response:
    return await viewer.call("GET", "/v1/feed", params=way | query)


def _ids(page: Any) -> list[str]:
    return [post["id"] for post in page["items"]]


@pytest.mark.parametrize("way", [SHORT, LONG, RANKED], ids=["short", "long", "ranked"])
async def test_every_question_gets_its_answer_or_its_problem(
    world: World, way: dict[str, str]
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    posts = [await ada.post(f"post {number}") for number in range(3)][::-1]
    whole = ok(await _ask(bo, way))
    assert (_ids(whole), whole["tier"]) == (posts, "chronological")

    foreign = (await bo.get(f"/v1/accounts/{ada.id}/posts", limit=1))["next_cursor"]
    good = ok(await _ask(bo, way, limit=1))["next_cursor"]
    for cursor in ("nonsense", foreign, good[:-1], good + "A", good.swapcase(), "%00", "9" * 4_000):
        refused = await _ask(bo, way, cursor=cursor)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (
            400,
            "unknown-cursor",
        ), cursor

    for limit in ("0", "-1", "many", "1.5", "", " ", "1e3"):
        refused = await _ask(bo, way, limit=limit)
        assert refused.status_code == 422, limit
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/limit"], limit
    assert ok(await _ask(bo, way, limit=10**9)) == whole

    # Cursors are places, not posts: one that nobody ever handed out goes on from there.
    assert _ids(ok(await _ask(bo, way, cursor=encode("feed", MAX_ID)))) == posts
    beyond = ok(await _ask(bo, way, cursor=encode("feed", 0)))
    assert (_ids(beyond), beyond["next_cursor"], beyond["caught_up"]) == ([], None, None)


@pytest.mark.parametrize("way", [SHORT, LONG], ids=["short", "long"])
async def test_a_walk_goes_on_from_a_post_that_was_deleted(
    world: World, way: dict[str, str]
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.follow(ada)
    posts = [await ada.post(f"post {number}") for number in range(4)][::-1]
    first = ok(await _ask(bo, way, limit=2))

    await ada.send("DELETE", f"/v1/posts/{posts[1]}")

    second = ok(await _ask(bo, way, limit=2, cursor=first["next_cursor"]))
    assert _ids(first) + _ids(second) == posts
    assert second["next_cursor"] is None


@pytest.mark.parametrize("way", [SHORT, LONG], ids=["short", "long"])
async def test_a_walk_shows_nothing_more_of_whoever_blocks_meanwhile(
    world: World, way: dict[str, str]
) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    for author in (ada, cy):
        await bo.follow(author)
    kept = await cy.post("kept")
    hidden = [await ada.post(f"post {number}") for number in range(3)][::-1]
    first = ok(await _ask(bo, way, limit=1))
    await bo.send("POST", "/v1/feed/seen", {"posts": [kept]})
    assert _ids(first) == hidden[:1]

    await ada.send("POST", "/v1/blocks", {"account_id": bo.id})

    second = ok(await _ask(bo, way, limit=1, cursor=first["next_cursor"]))
    assert (_ids(second), second["caught_up"]) == ([kept], kept)
    if second["next_cursor"] is not None:
        last = ok(await _ask(bo, way, limit=1, cursor=second["next_cursor"]))
        assert (_ids(last), last["next_cursor"]) == ([], None)


@pytest.mark.parametrize(
    ("name", "value"), [("order", "alphabetical"), ("order", ""), ("seen", "yes"), ("seen", "")]
)
async def test_an_unknown_choice_is_refused_by_its_name(
    world: World, name: str, value: str
) -> None:
    ada = await world.join("ada")

    refused = await ada.call("GET", f"/v1/feed?{name}={value}")

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"/{name}"]

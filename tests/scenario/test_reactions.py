from __future__ import annotations

import asyncio
from typing import Any

from tests.cast import Person, World


async def _ids(person: Person, path: str, **query: Any) -> list[str]:
    return [item["id"] for item in (await person.get(path, **query))["items"]]


async def test_a_like_shows_at_once_to_who_gave_it_and_soon_to_all(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")

    answer = await bo.send("PUT", f"/v1/posts/{dawn}/like")

    assert answer == {
        "viewer": {"liked": True, "saved": False},
        "counts": {"likes": 1, "comments": 0},
    }
    assert (await bo.get(f"/v1/posts/{dawn}"))["viewer"]["liked"] is True
    assert (await ada.get(f"/v1/posts/{dawn}"))["viewer"]["liked"] is False
    await world.settle()
    assert (await ada.get(f"/v1/posts/{dawn}"))["counts"]["likes"] == 1


async def test_likes_and_their_withdrawal_may_be_repeated(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    path = f"/v1/posts/{dawn}/like"

    await asyncio.gather(*(bo.send("PUT", path) for _ in range(5)))
    await ada.send("PUT", path)
    await world.settle()
    assert (await ada.get(f"/v1/posts/{dawn}"))["counts"]["likes"] == 2

    answers = [await bo.send("DELETE", path) for _ in range(2)]
    await world.settle()
    assert [answer["counts"]["likes"] for answer in answers] == [1, 1]
    assert (await ada.get(f"/v1/posts/{dawn}"))["counts"]["likes"] == 1


async def test_likers_are_listed_latest_first_without_hidden_people(world: World) -> None:
    ada, bo, cy, dee = [await world.join(handle) for handle in ("ada", "bo", "cy", "dee")]
    dawn = await cy.post("dawn")
    for person in (ada, bo, dee):
        await person.send("PUT", f"/v1/posts/{dawn}/like")
    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    path = f"/v1/posts/{dawn}/likes"
    assert await _ids(cy, path) == [dee.id, bo.id, ada.id]
    assert await _ids(ada, path) == [bo.id, ada.id]
    assert await _ids(dee, path) == [dee.id, bo.id]
    first = await ada.get(path, limit=1)
    rest = await ada.get(path, limit=1, cursor=first["next_cursor"])
    assert [each["items"][0]["id"] for each in (first, rest)] == [bo.id, ada.id]
    assert rest["next_cursor"] is None


async def test_saves_are_private_and_listed_latest_first(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn, noon, dusk = [await ada.post(caption) for caption in ("dawn", "noon", "dusk")]

    for post in (dusk, dawn, noon, dawn):
        await bo.send("PUT", f"/v1/posts/{post}/save")
    await bo.send("DELETE", f"/v1/posts/{noon}/save")
    await bo.send("DELETE", f"/v1/posts/{noon}/save")

    assert await _ids(bo, "/v1/saves") == [dawn, dusk]
    assert await _ids(ada, "/v1/saves") == []
    assert (await bo.get(f"/v1/posts/{dawn}"))["viewer"] == {"liked": False, "saved": True}


async def test_a_saved_post_that_became_hidden_is_left_out(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    await bo.send("PUT", f"/v1/posts/{dawn}/save")

    await ada.send("PATCH", "/v1/accounts/me", {"private": True})
    assert await _ids(bo, "/v1/saves") == []

    await bo.follow(ada)
    assert await _ids(bo, "/v1/saves") == [dawn]


async def test_nobody_reacts_to_what_they_can_not_see(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    await ada.send("POST", "/v1/blocks", {"account_id": bo.id})

    for method in ("PUT", "DELETE"):
        for what in ("like", "save"):
            refused = await bo.call(method, f"/v1/posts/{dawn}/{what}")
            assert (refused.status_code, refused.json()["type"]) == (
                404,
                "/problems/post-not-found",
            )
    anonymous = await world.anyone("PUT", f"/v1/posts/{dawn}/like")
    assert anonymous.status_code == 401


async def test_an_author_can_not_like_a_post_before_it_is_published(world: World) -> None:
    ada = await world.join("ada")
    media = {"content_type": "image/jpeg", "bytes": 1000}
    new = await ada.send("POST", "/v1/posts", {"slides": [{"media": media}]})

    refused = await ada.call("PUT", f"/v1/posts/{new['post']['id']}/like")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/post-unpublished")

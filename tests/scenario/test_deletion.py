"""Somebody leaves: what was theirs is gone to the last byte, what is others' stays exact."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from tests.cast import PASSWORD, Person, World, ok
from tests.pictures import small_photo
from tintype.database import metadata

CANARY = "zanzibarcanary"


async def _leave(person: Person) -> dict[str, Any]:
    body = {"password": PASSWORD}
    left: dict[str, Any] = ok(await person.call("DELETE", "/v1/accounts/me", json=body))
    return left


async def _gone(world: World, person: Person) -> None:
    """Wait until nothing of a person who left is kept: a step that failed is tried again later."""
    async with asyncio.timeout(60):
        while True:
            await world.settle()
            told = ok(await world.anyone("GET", f"/v1/deletions/{person.id}"))
            if told["state"] == "deleted":
                return
            await asyncio.sleep(0.1)


async def _rows(world: World) -> list[tuple[str, str]]:
    """Every row of every table, as the text that stands in it."""
    found = []
    async with world.server.database.read() as reader:
        for table in metadata.sorted_tables:
            for row in await reader.all(sa.select(table)):
                values = [
                    value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                    for value in row
                ]
                found.append((table.name, " ".join(values)))
    return found


async def _holding(world: World, text: str) -> list[tuple[str, str]]:
    return [(table, row) for table, row in await _rows(world) if text in row]


def _blobs(world: World) -> set[str]:
    folder = world.server.settings.data / "blobs" / "blobs"
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def _busy_life(world: World) -> tuple[Person, Person, str, set[str]]:
    """Ada leaves traces everywhere that an account can; bo's post and the blobs of before."""
    ada, bo = await world.join("ada" + CANARY), await world.join("bo")
    dusk = await bo.post("dusk")
    await world.settle()
    before = _blobs(world)
    await ada.send("PATCH", "/v1/accounts/me", {"display_name": CANARY, "bio": CANARY})
    await ada.send("PUT", "/v1/accounts/me/avatar", {"upload_id": await ada.upload()})
    dawn = await ada.post(f"dawn {CANARY} #tag{CANARY} @bo")
    comment = {"text": f"mine: {CANARY}"}
    key = {"Idempotency-Key": "a comment"}
    ok(await ada.call("POST", f"/v1/posts/{dusk}/comments", json=comment, headers=key))
    theirs = await bo.send("POST", f"/v1/posts/{dawn}/comments", {"text": "lovely"})
    await ada.send("PUT", f"/v1/posts/{dusk}/like")
    await ada.send("PUT", f"/v1/posts/{dusk}/save")
    await ada.send("POST", "/v1/feed/seen", {"posts": [dusk]})
    await ada.send("PUT", f"/v1/comments/{theirs['id']}/like")
    await ada.follow(bo)
    await bo.follow(ada)
    await ada.upload(small_photo(77))
    await world.settle()
    return ada, bo, dusk, before


async def test_everything_that_was_theirs_is_gone(world: World) -> None:
    ada, _, _, before = await _busy_life(world)
    assert len(_blobs(world)) > len(before)

    left = await _leave(ada)
    await _gone(world, ada)

    assert left == {"state": "deleting", "id": ada.id}
    assert ok(await world.anyone("GET", f"/v1/deletions/{ada.id}"))["state"] == "deleted"
    assert await _holding(world, CANARY) == []
    assert _blobs(world) == before


async def test_nothing_but_facts_of_the_past_names_the_account(world: World) -> None:
    ada, _, _, _ = await _busy_life(world)

    await _leave(ada)
    await _gone(world, ada)

    naming = {table for table, _ in await _holding(world, ada.id)}
    assert naming <= {"accounts", "event_log"}


async def test_the_counts_of_others_stay_exact(world: World) -> None:
    ada, bo, dusk, _ = await _busy_life(world)
    cy = await world.join("cy")
    await cy.send("PUT", f"/v1/posts/{dusk}/like")
    await cy.send("POST", f"/v1/posts/{dusk}/comments", {"text": "stays"})
    await cy.follow(bo)
    await world.settle()

    await _leave(ada)
    await _gone(world, ada)

    post = await bo.get(f"/v1/posts/{dusk}")
    me = await bo.get("/v1/accounts/me")
    comments = (await bo.get(f"/v1/posts/{dusk}/comments"))["items"]
    assert post["counts"] == {"likes": 1, "comments": 1}
    assert me["counts"] == {"posts": 1, "followers": 1, "following": 0}
    assert [comment["text"] for comment in comments] == ["stays"]


async def test_others_neither_see_nor_hear_of_the_account_any_more(world: World) -> None:
    ada, bo, dusk, _ = await _busy_life(world)

    await _leave(ada)
    at_once = (await bo.call("GET", f"/v1/accounts/{ada.id}")).status_code
    await _gone(world, ada)

    assert at_once == 404
    assert (await bo.call("GET", f"/v1/accounts/@ada{CANARY}")).status_code == 404
    assert [post["id"] for post in (await bo.get("/v1/feed"))["items"]] == [dusk]
    assert (await bo.get("/v1/notifications"))["items"] == []
    assert (await bo.get("/v1/search", q="ada"))["accounts"] == []


async def test_the_names_are_free_again(world: World) -> None:
    ada, _, _, _ = await _busy_life(world)
    await _leave(ada)
    await _gone(world, ada)

    again = await world.join("ada" + CANARY)

    assert again.id != ada.id
    assert (await again.get("/v1/accounts/me"))["counts"]["posts"] == 0

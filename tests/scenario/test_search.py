from __future__ import annotations

from typing import Any

from tests.cast import PASSWORD, Person, World, ok


async def _found(person: Person, q: str, **query: Any) -> list[str]:
    result = await person.get("/v1/search", q=q, **query)
    return [account["handle"] for account in result["accounts"]]


async def _tags(person: Person, q: str) -> list[str]:
    return sorted(tag["tag"] for tag in (await person.get("/v1/search", q=q))["tags"])


async def test_handles_are_found_before_names_and_short_handles_first(world: World) -> None:
    ada = await world.join("ada")
    await world.join("adalbert")
    bo = await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"display_name": "Bo Adams"})

    assert await _found(ada, "ada") == ["ada", "adalbert", "bo"]
    assert await _found(ada, " @ADA ") == ["ada", "adalbert", "bo"]
    assert await _found(ada, "adams") == ["bo"]
    assert await _found(ada, "zebra") == []
    assert await _found(ada, "  ") == []


async def test_a_found_account_says_how_the_viewer_stands_to_it(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.send("POST", "/v1/follows", {"followed_id": bo.id})

    mine = (await ada.get("/v1/search", q="bo"))["accounts"][0]
    anyones = ok(await world.anyone("GET", "/v1/search", params={"q": "bo"}))["accounts"][0]

    assert mine["relation"]["following"]
    assert anyones["relation"] is None


async def test_a_block_hides_both_sides_from_each_others_search(world: World) -> None:
    ada, dee, bo = [await world.join(handle) for handle in ("ada", "dee", "bo")]

    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    assert await _found(ada, "dee") == []
    assert await _found(dee, "ada") == []
    assert await _found(bo, "dee") == ["dee"]


async def test_a_private_account_is_found_and_a_leaving_one_is_not(world: World) -> None:
    ada, bo, eve = [await world.join(handle) for handle in ("ada", "bo", "eve")]
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await eve.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD})

    assert await _found(ada, "bo") == ["bo"]
    assert await _found(ada, "eve") == []


async def test_whom_the_viewer_may_not_see_leaves_room_for_others(world: World) -> None:
    ada = await world.join("ada")
    people = [await world.join(f"fan{number}") for number in range(6)]
    for hidden in people[:4]:
        await ada.send("POST", "/v1/blocks", {"account_id": hidden.id})

    assert await _found(ada, "fan", limit=2) == ["fan4", "fan5"]


async def test_a_type_or_a_sign_in_front_narrows_the_search(world: World) -> None:
    ada = await world.join("ada")

    assert await _found(ada, "ada", type="accounts") == ["ada"]
    assert await _found(ada, "ada", type="tags") == []
    assert await _found(ada, "#ada") == []


async def test_tags_are_found_by_their_beginning_where_the_viewer_sees_a_post(
    world: World,
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.post("over the bay #sunset")
    await bo.post("mine #sunrise")
    await world.settle()
    assert await _tags(ada, "#Sun") == ["sunrise", "sunset"]

    await bo.send("PATCH", "/v1/accounts/me", {"private": True})

    assert await _tags(ada, "sun") == ["sunset"]
    assert await _tags(bo, "sun") == ["sunrise", "sunset"]
    assert await _tags(ada, "@sun") == []


async def test_a_search_refuses_what_it_does_not_know(world: World) -> None:
    ada = await world.join("ada")

    for query in ({}, {"q": "x" * 101}, {"q": "a", "type": "posts"}, {"q": "a", "limit": 0}):
        refused = await ada.call("GET", "/v1/search", params=query)

        assert refused.status_code == 422


async def test_signs_of_the_pattern_language_are_plain_text(world: World) -> None:
    ada = await world.join("ada")

    assert await _found(ada, "%") == []
    assert await _found(ada, "_d") == []
    assert await _found(ada, "\\") == []

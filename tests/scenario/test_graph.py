from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cast import PASSWORD, Person, World
from tintype.database import counts
from tintype.database.tables import event_log
from tintype.graph import store

STRANGERS = {
    "following": False,
    "requested": False,
    "followed_by": False,
    "requested_by": False,
    "blocking": False,
    "muting": False,
}


async def _follow(one: Person, other: Person) -> Any:
    return await one.send("POST", "/v1/follows", {"followed_id": other.id})


async def _private(person: Person, private: bool = True) -> None:
    await person.send("PATCH", "/v1/accounts/me", {"private": private})


async def _names(person: Person, path: str, **query: Any) -> list[str]:
    page = await person.get(path, **query)
    return [account["handle"] for account in page["items"]]


async def _status(person: Person, path: str) -> tuple[int, str | None]:
    response = await person.call("GET", path)
    return response.status_code, response.json().get("type")


NOT_FOUND = (404, "/problems/account-not-found")
HIDDEN = (404, "/problems/list-hidden")


async def test_following_a_public_account_takes_effect_at_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")

    response = await ada.call("POST", "/v1/follows", json={"followed_id": bo.id})

    assert response.status_code == 201
    assert response.json()["state"] == "following"
    assert response.json()["account"]["relation"] == STRANGERS | {"following": True}
    assert (await bo.get("/v1/accounts/@ada"))["relation"] == STRANGERS | {"followed_by": True}
    await world.settle()
    assert (await ada.get("/v1/accounts/me"))["counts"]["following"] == 1
    assert (await ada.get(f"/v1/accounts/{bo.id}"))["counts"]["followers"] == 1


async def test_following_a_private_account_waits_until_it_is_granted(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _private(bo)

    asked = await ada.call("POST", "/v1/follows", json={"followed_id": bo.id})
    again = await ada.call("POST", "/v1/follows", json={"followed_id": bo.id})

    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    assert (again.status_code, again.json()["state"]) == (202, "requested")
    assert asked.json()["account"]["relation"] == STRANGERS | {"requested": True}
    assert await _names(bo, "/v1/follow-requests") == ["ada"]
    assert (await bo.get("/v1/accounts/@ada"))["relation"]["requested_by"]
    await bo.send("POST", f"/v1/follow-requests/{ada.id}/accept")
    await bo.send("POST", f"/v1/follow-requests/{ada.id}/accept")
    assert await _names(bo, "/v1/follow-requests") == []
    assert (await _follow(ada, bo))["state"] == "following"
    assert await _names(ada, f"/v1/accounts/{bo.id}/followers") == ["ada"]


async def test_a_declined_request_leaves_nothing_and_may_be_made_again(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _private(bo)
    await _follow(ada, bo)

    await bo.send("DELETE", f"/v1/follow-requests/{ada.id}")
    await bo.send("DELETE", f"/v1/follow-requests/{ada.id}")

    assert (await ada.get("/v1/accounts/@bo"))["relation"] == STRANGERS
    late = await bo.call("POST", f"/v1/follow-requests/{ada.id}/accept")
    assert late.json()["type"] == "/problems/follow-request-not-found"
    assert (await _follow(ada, bo))["state"] == "requested"


async def test_a_request_can_be_withdrawn_before_it_is_granted(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _private(bo)
    await _follow(ada, bo)

    await ada.send("DELETE", f"/v1/follows/{bo.id}")

    assert await _names(bo, "/v1/follow-requests") == []


async def test_becoming_public_lets_everybody_in_who_was_waiting(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await _private(bo)
    await _follow(ada, bo)
    await _follow(cy, bo)

    await _private(bo, private=False)
    await world.settle()

    assert await _names(bo, "/v1/follow-requests") == []
    assert sorted(await _names(bo, f"/v1/accounts/{bo.id}/followers")) == ["ada", "cy"]
    assert (await ada.get("/v1/accounts/@bo"))["counts"]["followers"] == 2


async def test_becoming_private_hides_the_lists_from_strangers_at_once(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await _follow(ada, bo)
    assert await _names(cy, f"/v1/accounts/{bo.id}/followers") == ["ada"]

    await _private(bo)

    for part in ("followers", "following", "mutuals"):
        assert await _status(cy, f"/v1/accounts/{bo.id}/{part}") == HIDDEN
        assert (await ada.call("GET", f"/v1/accounts/{bo.id}/{part}")).status_code == 200
        assert (await bo.call("GET", f"/v1/accounts/{bo.id}/{part}")).status_code == 200
    assert (await world.anyone("GET", f"/v1/accounts/{bo.id}/followers")).status_code == 404
    assert (await cy.get("/v1/accounts/@bo"))["private"]


async def test_anybody_may_read_the_profile_of_a_live_account(world: World) -> None:
    ada = await world.join("ada")

    by_id = await world.anyone("GET", f"/v1/accounts/{ada.id}")
    by_handle = await world.anyone("GET", "/v1/accounts/@ADA")
    unknown = await world.anyone("GET", "/v1/accounts/@zoe")
    nonsense = await world.anyone("GET", "/v1/accounts/zoe")

    assert by_id.json() == by_handle.json()
    assert by_id.json()["relation"] is None
    assert (unknown.status_code, nonsense.status_code) == (404, 404)
    assert (await ada.get("/v1/accounts/me"))["email"] == "ada@example.com"


async def test_nobody_follows_blocks_or_mutes_oneself(world: World) -> None:
    ada = await world.join("ada")

    for path, field in (
        ("follows", "followed_id"),
        ("blocks", "account_id"),
        ("mutes", "account_id"),
    ):
        refused = await ada.call("POST", f"/v1/{path}", json={field: ada.id})

        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == f"/{field}"


async def test_what_does_not_exist_can_not_be_followed_blocked_or_muted(world: World) -> None:
    ada = await world.join("ada")

    for path, field in (
        ("follows", "followed_id"),
        ("blocks", "account_id"),
        ("mutes", "account_id"),
    ):
        for id_ in ("123456789", "9" * 19):
            refused = await ada.call("POST", f"/v1/{path}", json={field: id_})

            assert refused.status_code == 404


async def test_taking_back_what_never_was_is_harmless(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")

    for part in ("follows", "followers", "follow-requests", "blocks", "mutes"):
        for id_ in (bo.id, "123456789"):
            assert (await ada.call("DELETE", f"/v1/{part}/{id_}")).status_code == 204


async def test_a_block_hides_both_from_each_other_and_ends_every_follow(world: World) -> None:
    ada, dee, bo = [await world.join(handle) for handle in ("ada", "dee", "bo")]
    await _follow(ada, dee)
    await _follow(dee, ada)
    await _follow(ada, bo)
    await _follow(dee, bo)

    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})
    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    for path in (dee.id, f"@{dee.handle}"):
        assert await _status(ada, f"/v1/accounts/{path}") == NOT_FOUND
    profile = await dee.get(f"/v1/accounts/{ada.id}")
    assert profile["relation"]["blocking"]
    for one, other in ((ada, dee), (dee, ada)):
        for path in (f"{other.id}/followers", f"{other.id}/mutuals", f"{other.id}/posts"):
            assert await _status(one, f"/v1/accounts/{path}") == NOT_FOUND
        refused = await one.call("POST", "/v1/follows", json={"followed_id": other.id})
        assert refused.status_code == 404
        assert (
            await one.call("POST", "/v1/mutes", json={"account_id": other.id})
        ).status_code == 404
        assert await _names(one, f"/v1/accounts/{one.id}/followers") == []
        assert await _names(one, f"/v1/accounts/{bo.id}/followers") == [one.handle]
    assert await _names(bo, f"/v1/accounts/{bo.id}/followers") == ["dee", "ada"]
    assert await _names(dee, "/v1/blocks") == ["ada"]
    await world.settle()
    assert (await ada.get("/v1/accounts/me"))["counts"] == {
        "posts": 0,
        "followers": 0,
        "following": 1,
    }


async def test_a_block_withdraws_the_requests_of_both_sides(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _private(ada)
    await _private(bo)
    await _follow(ada, bo)
    await _follow(bo, ada)

    await bo.send("POST", "/v1/blocks", {"account_id": ada.id})
    await bo.send("DELETE", f"/v1/blocks/{ada.id}")

    assert await _names(ada, "/v1/follow-requests") == []
    assert await _names(bo, "/v1/follow-requests") == []
    assert (await ada.get("/v1/accounts/@bo"))["relation"] == STRANGERS


async def test_blocks_in_both_directions_end_one_by_one(world: World) -> None:
    ada, dee = await world.join("ada"), await world.join("dee")
    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})
    await ada.send("POST", "/v1/blocks", {"account_id": dee.id})

    await dee.send("DELETE", f"/v1/blocks/{ada.id}")
    assert await _status(dee, "/v1/accounts/@ada") == NOT_FOUND

    await ada.send("DELETE", f"/v1/blocks/{dee.id}")
    assert (await dee.get("/v1/accounts/@ada"))["relation"] == STRANGERS


async def test_a_mute_is_known_to_the_muter_alone(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _follow(ada, bo)

    await ada.send("POST", "/v1/mutes", {"account_id": bo.id})

    assert await _names(ada, "/v1/mutes") == ["bo"]
    assert (await ada.get("/v1/accounts/@bo"))["relation"]["muting"]
    assert not (await bo.get("/v1/accounts/@ada"))["relation"]["muting"]
    sets = await world.server.graph.sets(int(ada.id))
    assert int(bo.id) in sets.sources - sets.shown
    await ada.send("DELETE", f"/v1/mutes/{bo.id}")
    assert int(bo.id) in (await world.server.graph.sets(int(ada.id))).shown


async def test_a_removed_follower_no_longer_follows(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await _private(bo)
    await _follow(ada, bo)
    await bo.send("POST", f"/v1/follow-requests/{ada.id}/accept")

    await bo.send("DELETE", f"/v1/followers/{ada.id}")

    assert await _status(ada, f"/v1/accounts/{bo.id}/followers") == HIDDEN


async def test_lists_page_newest_first_and_pass_over_whom_the_viewer_may_not_see(
    world: World,
) -> None:
    ada, cy = await world.join("ada"), await world.join("cy")
    fans = [await world.join(f"fan{number}") for number in range(9)]
    for fan in fans:
        await _follow(fan, cy)
    for hidden in (fans[8], fans[4], fans[0]):
        await ada.send("POST", "/v1/blocks", {"account_id": hidden.id})

    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await ada.get(f"/v1/accounts/{cy.id}/followers", **query)
        seen += [account["handle"] for account in page["items"]]
        pages += 1
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 2

    assert seen == ["fan7", "fan6", "fan5", "fan3", "fan2", "fan1"]
    assert pages == 3
    assert (await ada.call("GET", "/v1/blocks", params={"limit": 0})).status_code == 422


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await _follow(ada, bo)
    await _follow(ada, cy)
    page = await ada.get(f"/v1/accounts/{ada.id}/following", limit=1)

    for cursor in (page["next_cursor"], "nonsense"):
        path = f"/v1/accounts/{ada.id}/followers"
        refused = await ada.call("GET", path, params={"cursor": cursor})

        assert refused.status_code == 400
        assert refused.json()["type"] == "/problems/unknown-cursor"


async def test_mutuals_are_those_i_follow_who_follow_them(world: World) -> None:
    ada, bo, cy, dee, eve = [
        await world.join(handle) for handle in ("ada", "bo", "cy", "dee", "eve")
    ]
    for followee in (bo, dee, eve):
        await _follow(ada, followee)
    for follower in (bo, dee, ada):
        await _follow(follower, cy)

    assert await _names(ada, f"/v1/accounts/{cy.id}/mutuals") == ["dee", "bo"]
    assert await _names(ada, f"/v1/accounts/{cy.id}/mutuals", limit=1) == ["dee"]
    assert await _names(eve, f"/v1/accounts/{cy.id}/mutuals") == []
    assert (await world.anyone("GET", f"/v1/accounts/{cy.id}/mutuals")).status_code == 401


async def test_a_leaving_account_is_hidden_at_once_and_takes_its_edges_along(world: World) -> None:
    ada, bo, eve = [await world.join(handle) for handle in ("ada", "bo", "eve")]
    await _follow(ada, eve)
    await _follow(eve, ada)
    await _follow(eve, bo)
    await bo.send("POST", "/v1/blocks", {"account_id": eve.id})
    await ada.send("POST", "/v1/mutes", {"account_id": eve.id})
    assert int(eve.id) in (await world.server.graph.sets(int(ada.id))).sources

    left = await eve.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD})

    assert left.status_code == 202
    assert await _status(ada, f"/v1/accounts/{eve.id}") == NOT_FOUND
    assert int(eve.id) not in (await world.server.graph.sets(int(ada.id))).shown
    assert await _names(ada, f"/v1/accounts/{ada.id}/followers") == []
    await world.server.graph.erase_account(int(eve.id))
    await world.settle()
    assert (await ada.get("/v1/accounts/me"))["counts"] == {
        "posts": 0,
        "followers": 0,
        "following": 0,
    }
    for kind in (store.FOLLOWS, store.BLOCKS, store.MUTES, store.REQUESTS):
        for ends in kind:
            assert await _rows(world, ends) == 0


async def test_the_answer_to_a_retried_follow_is_the_first_answer(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    options = {"json": {"followed_id": bo.id}, "headers": {"Idempotency-Key": "once"}}

    first = await ada.call("POST", "/v1/follows", **options)
    await ada.send("DELETE", f"/v1/follows/{bo.id}")
    second = await ada.call("POST", "/v1/follows", **options)

    assert first.json() == second.json()
    assert not (await ada.get("/v1/accounts/@bo"))["relation"]["following"]
    muted = {"json": {"account_id": bo.id}, "headers": {"Idempotency-Key": "hush"}}
    assert (await ada.call("POST", "/v1/mutes", **muted)).status_code == 204
    assert (await ada.call("POST", "/v1/mutes", **muted)).status_code == 204


async def test_the_room_for_followees_is_limited_and_requests_take_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bo, cy, dee = [await world.join(handle) for handle in ("ada", "bo", "cy", "dee")]
    monkeypatch.setattr("tintype.graph.service.graph.MOST_FOLLOWEES", 2)
    await _private(cy)
    await _follow(ada, bo)
    await _follow(ada, cy)

    refused = await ada.call("POST", "/v1/follows", json={"followed_id": dee.id})

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/too-many-followees"
    assert (await _follow(ada, bo))["state"] == "following"
    await ada.send("DELETE", f"/v1/follows/{cy.id}")
    assert (await _follow(ada, dee))["state"] == "following"


async def test_every_fact_is_published_once_and_only_when_something_changed(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    for _ in range(2):
        await _follow(ada, bo)
        await ada.send("POST", "/v1/mutes", {"account_id": bo.id})
    for _ in range(2):
        await ada.send("DELETE", f"/v1/mutes/{bo.id}")
        await bo.send("POST", "/v1/blocks", {"account_id": ada.id})
    for _ in range(2):
        await bo.send("DELETE", f"/v1/blocks/{ada.id}")
    await _private(bo)
    for _ in range(2):
        await _follow(ada, bo)
    for _ in range(2):
        await bo.send("POST", f"/v1/follow-requests/{ada.id}/accept")

    await world.settle()

    async with world.server.database.read() as reader:
        rows = await reader.all(sa.select(event_log.c.kind))
    others = {"account_created", "account_changed", "privacy_changed"}
    assert sorted(row.kind for row in rows if row.kind not in others) == [
        "account_blocked",
        "account_followed",
        "account_followed",
        "account_muted",
        "account_unblocked",
        "account_unfollowed",
        "account_unmuted",
        "follow_request_accepted",
        "follow_requested",
    ]


async def test_a_storm_of_changes_leaves_counts_lists_and_held_sets_exact(world: World) -> None:
    people = [await world.join(f"p{number}") for number in range(6)]
    await _private(people[0])
    graph = world.server.graph

    async def rage(number: int) -> None:
        for step in range(40):
            actor = people[(number + step) % 6]
            other = people[(number * 5 + step * 7 + 1) % 6]
            if actor is other:
                continue
            one, two = int(actor.id), int(other.id)
            match (number + step * 3) % 7:
                case 0 | 1 | 2:
                    await actor.call("POST", "/v1/follows", json={"followed_id": other.id})
                case 3:
                    await graph.unfollow(two, actor=one)
                case 4:
                    await actor.call("POST", f"/v1/follow-requests/{other.id}/accept")
                case 5:
                    await graph.block(two, actor=one)
                    await graph.unblock(two, actor=one)
                case _:
                    await graph.remove_follower(two, actor=one)
            await graph.sets(one)

    await asyncio.gather(*(rage(number) for number in range(12)))
    await world.settle()

    async with world.server.database.read() as reader:
        for person in people:
            account = int(person.id)
            folded = await counts.read(reader, [account], ["followers", "following"])
            followees = await store.everyone(reader, store.FOLLOWING, account)
            assert folded[account] == {
                "followers": await store.count(reader, store.FOLLOWERS, account),
                "following": len(followees),
            }
            sets = await graph.sets(account)
            assert sets.sources == followees | {account}
            assert sets.hidden == frozenset()
    assert await _rows(world, store.FOLLOWING) == await _rows(world, store.FOLLOWERS) > 0


async def test_fan_out_reads_every_follower_exactly_once_in_chunks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cy = await world.join("cy")
    fans = [await world.join(f"fan{number}") for number in range(7)]
    for fan in fans:
        await _follow(fan, cy)
    monkeypatch.setattr("tintype.graph.service.graph.FAN_OUT_CHUNK", 3)

    chunks = []
    async for chunk in world.server.graph.followers(int(cy.id)):
        chunks.append(chunk)
        await world.server.graph.unfollow(int(cy.id), actor=chunk[-1])

    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert sorted(chain(*chunks)) == sorted(int(fan.id) for fan in fans)
    rest = [chunk async for chunk in world.server.graph.followers(int(cy.id), after=chunks[0][-1])]
    assert sorted(chain(*rest)) == sorted(chunks[1][:2])


async def test_ranges_of_the_hash_hold_every_follower_once(world: World) -> None:
    cy = await world.join("cy")
    fans = [await world.join(f"fan{number}") for number in range(7)]
    for fan in fans:
        await _follow(fan, cy)
    graph, author = world.server.graph, int(cy.id)

    found = []
    for first in range(0, 0x1_0000, 0x4000):
        after = 0
        while chunk := await graph.followers_in(
            author, first, first + 0x3FFF, after=after, limit=2
        ):
            found += chunk
            after = chunk[-1]

    assert sorted(found) == sorted(int(fan.id) for fan in fans)


async def test_who_follows_more_than_a_number_is_told_with_how_many(world: World) -> None:
    ada, bo, cy, dee = [await world.join(name) for name in ("ada", "bo", "cy", "dee")]
    for followee in (bo, cy, dee):
        await _follow(ada, followee)
    await _follow(bo, cy)
    await world.settle()

    crowded = await world.server.graph.crowded([int(ada.id), int(bo.id), int(cy.id)], 1)

    assert crowded == {int(ada.id): 3}


async def test_new_follows_are_told_before_they_are_acknowledged(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    heard: list[tuple[int, int]] = []
    world.server.graph.on_follow(lambda follower, followee: heard.append((follower, followee)))

    await _follow(ada, bo)
    await _follow(ada, bo)

    assert heard == [(int(ada.id), int(bo.id))]


async def _rows(world: World, ends: store.Ends) -> int:
    async with world.server.database.read() as reader:
        return int(await reader.scalar(sa.select(sa.func.count()).select_from(ends.table)))

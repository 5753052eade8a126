"""Who of those whom a viewer follows follows an account: on its profile, and as a list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import PASSWORD, Person, World
from tintype.graph import Mutuals
from tintype.graph.service import mutuals as service
from tintype.kernel.problem import Unavailable


async def _follow(one: Person, *others: Person) -> None:
    for other in others:
        await one.send("POST", "/v1/follows", {"followed_id": other.id})


async def _unfollow(one: Person, other: Person) -> None:
    await one.call("DELETE", f"/v1/follows/{other.id}")


async def _line(viewer: Person, account: Person) -> Any:
    """The line on the profile as (count, handles); the list must say the same."""
    line = (await viewer.get(f"/v1/accounts/{account.id}"))["mutuals"]
    listed = await viewer.call("GET", f"/v1/accounts/{account.id}/mutuals")
    if line is None:
        return None
    handles = [each["handle"] for each in listed.json()["items"]]
    assert [each["handle"] for each in line["accounts"]] == handles[: service.NAMED]
    assert line["count"] == min(len(handles), service.MOST_COUNTED)
    return line["count"], handles


async def _town(world: World) -> list[Person]:
    """Ada follows bo and dee and eve; they follow cy, and so does ada."""
    people = [await world.join(handle) for handle in ("ada", "bo", "cy", "dee", "eve")]
    ada, bo, cy, dee, eve = people
    await _follow(ada, bo, dee, eve, cy)
    for one in (bo, dee, eve):
        await _follow(one, cy)
    return people


async def test_a_profile_names_those_i_follow_who_follow_it_as_of_this_moment(
    world: World,
) -> None:
    ada, bo, cy, dee, eve = await _town(world)

    assert await _line(ada, cy) == (3, ["eve", "dee", "bo"])
    assert (await ada.get("/v1/accounts/@cy"))["mutuals"]["count"] == 3

    # What is kept from the first look is known to be out of date after each of these.
    await _unfollow(bo, cy)
    assert await _line(ada, cy) == (2, ["eve", "dee"])
    await _unfollow(ada, eve)
    assert await _line(ada, cy) == (1, ["dee"])
    await _follow(bo, cy)
    await _follow(ada, eve)
    assert await _line(ada, cy) == (3, ["eve", "dee", "bo"])
    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})
    assert await _line(ada, cy) == (2, ["eve", "bo"])
    await eve.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD})
    assert await _line(ada, cy) == (1, ["bo"])


async def test_the_line_is_for_viewers_who_may_see_the_list_and_are_somebody_else(
    world: World,
) -> None:
    ada, bo, cy, _, eve = await _town(world)
    stranger = await world.join("fay")

    assert (await cy.get(f"/v1/accounts/{cy.id}"))["mutuals"] is None
    assert (await world.anyone("GET", f"/v1/accounts/{cy.id}")).json()["mutuals"] is None
    assert await _line(stranger, cy) == (0, [])
    await _follow(stranger, bo)
    assert await _line(stranger, cy) == (1, ["bo"])

    await cy.send("PATCH", "/v1/accounts/me", {"private": True})
    assert await _line(stranger, cy) is None
    assert (await stranger.call("GET", f"/v1/accounts/{cy.id}/mutuals")).status_code == 404
    assert await _line(ada, cy) == (3, ["eve", "dee", "bo"])
    # A private account whom the viewer follows is no secret to the viewer.
    await eve.send("PATCH", "/v1/accounts/me", {"private": True})
    assert await _line(ada, cy) == (3, ["eve", "dee", "bo"])
    await ada.send("POST", "/v1/blocks", {"account_id": cy.id})
    assert await _line(ada, cy) is None


async def test_without_what_is_kept_near_the_database_answers_the_same(world: World) -> None:
    ada, bo, cy, *_ = await _town(world)
    near = world.server.engines.neighbours
    before = await _line(ada, cy)
    assert await near.common(int(cy.id), frozenset()) is not None

    await near.close()

    with pytest.raises(Unavailable):
        await near.common(int(cy.id), frozenset())
    assert await _line(ada, cy) == before
    await _unfollow(bo, cy)
    assert await _line(ada, cy) == (2, ["eve", "dee"])


async def test_many_followers_are_gathered_by_a_job_once_they_are_asked_for_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "READ_AT_ONCE", 2)
    ada, bo, cy, *_ = await _town(world)
    server = world.server
    mutuals = Mutuals(server.database, server.accounts, server.graph, server.engines.neighbours)

    for _ in range(service.ASKED_OFTEN - 1):
        seen = await mutuals.see_account(cy.id, int(ada.id))
        assert seen.mutuals is not None
        assert seen.mutuals.count == 3
    await mutuals.hand_over()
    await world.settle()
    assert await server.engines.neighbours.common(int(cy.id), frozenset()) is None

    for _ in range(service.ASKED_OFTEN):
        await mutuals.see_account(cy.id, int(ada.id))
    await mutuals.hand_over()
    await world.settle()

    found = await server.engines.neighbours.common(int(cy.id), frozenset({int(bo.id), 1}))
    assert found is not None
    assert found.accounts == {int(bo.id)}
    assert await _line(ada, cy) == (3, ["eve", "dee", "bo"])
    await mutuals.erase_account(int(cy.id))
    assert await server.engines.neighbours.common(int(cy.id), frozenset()) is None
    monkeypatch.setattr(service, "MOST_KEPT", 2)
    await mutuals.gather(int(cy.id))
    assert await server.engines.neighbours.common(int(cy.id), frozenset()) is None


async def test_a_line_counts_and_names_no_more_than_it_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _, cy, *_ = await _town(world)
    assert (service.MOST_COUNTED, service.NAMED) == (100, 3)
    monkeypatch.setattr(service, "MOST_COUNTED", 2)
    monkeypatch.setattr(service, "NAMED", 1)

    line = (await ada.get(f"/v1/accounts/{cy.id}"))["mutuals"]

    assert line["count"] == 2
    assert [each["handle"] for each in line["accounts"]] == ["eve"]
    assert line["accounts"][0].keys() == {"id", "handle", "display_name", "avatar"}

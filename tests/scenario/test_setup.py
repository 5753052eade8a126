from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.cast import PASSWORD, Person, World, ok, open_world
from tintype.accounts import AccountSettings


def _answers(token: str, handle: str = "ada", **more: Any) -> dict[str, Any]:
    body = {"token": token, "handle": handle, "email": f"{handle}@example.com"}
    return body | {"password": PASSWORD} | more


async def _token(world: World) -> str:
    token = await world.server.admin.setup.offered()
    assert token is not None
    return token


async def _set_up(world: World, **more: Any) -> Person:
    body = _answers(await _token(world), **more)
    done = ok(await world.client.post("/v1/admin/setup", json=body))
    return Person(world, done["account"]["id"], "ada", done["token"], world.client)


async def test_a_fresh_server_says_that_it_wants_to_be_set_up(world: World) -> None:
    before = ok(await world.anyone("GET", "/v1/instance"))

    await _set_up(world, name="Analog Club", registration="invite")

    after = ok(await world.anyone("GET", "/v1/instance"))
    assert (before["setup_required"], before["name"]) == (True, "Tintype")
    assert (after["setup_required"], after["name"]) == (False, "Analog Club")
    assert after["registration"] == "invite"
    assert after["limits"]["photo_bytes"] == 8 * 1024**2
    assert after["links"]["documentation"] == "http://tintype.test/docs"


async def test_the_first_admin_may_do_what_admins_do(world: World) -> None:
    ada = await _set_up(world)

    assert (await ada.get("/v1/accounts/me"))["admin"] is True
    changed = await ada.send("PATCH", "/v1/admin/instance", {"name": "Darkroom"})
    assert changed == {"name": "Darkroom", "registration": "open"}
    assert await ada.get("/v1/admin/instance") == changed


async def test_a_wrong_token_sets_nothing_up(world: World) -> None:
    refused = await world.anyone("POST", "/v1/admin/setup", json=_answers("guess"))

    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/setup-token-wrong"
    assert ok(await world.anyone("GET", "/v1/instance"))["setup_required"] is True


async def test_set_up_works_once_and_is_never_offered_again(world: World) -> None:
    token = await _token(world)
    ada = await _set_up(world)

    again = await world.anyone("POST", "/v1/admin/setup", json=_answers(token, "bo"))
    await ada.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD})
    later = await world.anyone("POST", "/v1/admin/setup", json=_answers(token, "cy"))

    assert again.status_code == later.status_code == 409
    assert again.json()["type"] == "/problems/setup-done"
    assert await world.server.admin.setup.offered() is None


async def test_of_many_who_set_up_at_once_exactly_one_becomes_admin(world: World) -> None:
    token = await _token(world)
    bodies = [_answers(token, f"admin_{number}") for number in range(6)]

    answers = await asyncio.gather(
        *(world.anyone("POST", "/v1/admin/setup", json=body) for body in bodies)
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_a_refused_handle_leaves_the_server_to_be_set_up(world: World) -> None:
    body = _answers(await _token(world), "no spaces", name="Half")

    refused = await world.anyone("POST", "/v1/admin/setup", json=body)

    instance = ok(await world.anyone("GET", "/v1/instance"))
    assert refused.status_code == 422
    assert (instance["setup_required"], instance["name"]) == (True, "Tintype")


async def test_a_retry_with_its_key_gets_the_same_session(world: World) -> None:
    body = _answers(await _token(world))
    headers = {"Idempotency-Key": "set-up"}

    first = await world.anyone("POST", "/v1/admin/setup", json=body, headers=headers)
    second = await world.anyone("POST", "/v1/admin/setup", json=body, headers=headers)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


async def test_a_restart_offers_the_same_token(tmp_path: Path) -> None:
    world = await open_world(tmp_path)
    before = await _token(world)
    await world.close()

    again = await open_world(tmp_path)

    assert await _token(again) == before
    await again.close()


async def test_nobody_but_an_admin_reaches_the_admin_routes(world: World) -> None:
    bo = await world.join("bo")

    for method, path in (
        ("GET", "/v1/admin/instance"),
        ("PATCH", "/v1/admin/instance"),
        ("POST", "/v1/admin/invites"),
    ):
        assert (await world.anyone(method, path, json={})).status_code == 401
        refused = await bo.call(method, path, json={})
        assert refused.status_code == 403
        assert refused.json()["type"] == "/problems/admins-only"


async def test_an_invite_lets_in_as_many_as_it_says(tmp_path: Path) -> None:
    world = await open_world(tmp_path, accounts=AccountSettings(registration="invite"))
    ada = await _set_up(world)
    code = (await ada.send("POST", "/v1/admin/invites", {"uses": 2}))["code"]

    answers = [
        await world.anyone(
            "POST",
            "/v1/accounts",
            json={"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
            | ({"invite": code} if handle != "stranger" else {}),
        )
        for handle in ("stranger", "bo", "cy", "late")
    ]

    assert [answer.status_code for answer in answers] == [403, 201, 201, 403]
    assert answers[-1].json()["type"] == "/problems/invite-refused"
    await world.close()

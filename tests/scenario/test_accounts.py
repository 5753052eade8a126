from __future__ import annotations

from pathlib import Path

from tests.cast import PASSWORD, World, ok, open_world
from tintype.accounts import AccountSettings


async def test_a_person_signs_up_and_reads_the_own_account(world: World) -> None:
    ada = await world.join("ada")

    me = await ada.get("/v1/accounts/me")

    assert me["handle"] == "ada"
    assert me["email"] == "ada@example.com"
    assert me["counts"] == {"posts": 0, "followers": 0, "following": 0}


async def test_sign_in_answers_the_same_for_a_wrong_password_and_an_unknown_login(
    world: World,
) -> None:
    await world.join("ada")

    wrong = await world.client.post("/v1/sessions", json={"login": "ada", "password": "x" * 9})
    unknown = await world.client.post("/v1/sessions", json={"login": "zoe", "password": "x" * 9})

    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json(), "instance": ""} == {**unknown.json(), "instance": ""}


async def test_a_person_signs_in_by_handle_and_by_email(world: World) -> None:
    await world.join("ada")

    for login in ("ada", "@Ada", "ADA@example.com"):
        body = {"login": login, "password": PASSWORD}
        signed = ok(await world.client.post("/v1/sessions", json=body))
        assert signed["account"]["handle"] == "ada"


async def test_signing_out_ends_the_token_at_once(world: World) -> None:
    ada = await world.join("ada")

    await ada.send("DELETE", "/v1/sessions/current")

    assert (await ada.call("GET", "/v1/accounts/me")).status_code == 401


async def test_a_password_change_ends_every_other_session(world: World) -> None:
    ada = await world.join("ada")
    body = {"login": "ada", "password": PASSWORD}
    other = ok(await world.client.post("/v1/sessions", json=body))["token"]

    change = {"current_password": PASSWORD, "new_password": "a new one, longer"}
    await ada.send("POST", "/v1/accounts/me/password", change)

    headers = {"Authorization": f"Bearer {other}"}
    assert (await world.client.get("/v1/accounts/me", headers=headers)).status_code == 401
    assert (await ada.get("/v1/accounts/me"))["handle"] == "ada"


async def test_a_session_of_somebody_else_is_not_found(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    session = (await ada.get("/v1/sessions"))["items"][0]["id"]

    refused = await bo.call("DELETE", f"/v1/sessions/{session}")

    assert refused.status_code == 404
    assert refused.json()["type"] == "/problems/session-not-found"


async def test_the_same_key_signs_up_once_and_answers_the_same(world: World) -> None:
    body = {"handle": "ada", "email": "ada@example.com", "password": PASSWORD}
    headers = {"Idempotency-Key": "one"}

    first = await world.client.post("/v1/accounts", json=body, headers=headers)
    second = await world.client.post("/v1/accounts", json=body, headers=headers)
    other = await world.client.post("/v1/accounts", json=body | {"handle": "bo"}, headers=headers)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert other.json()["type"] == "/problems/key-reused"


async def test_a_taken_handle_is_a_conflict(world: World) -> None:
    await world.join("ada")

    body = {"handle": "ADA", "email": "other@example.com", "password": PASSWORD}
    refused = await world.client.post("/v1/accounts", json=body)

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/handle-taken"


async def test_every_refused_field_is_pointed_at(world: World) -> None:
    for field, value in (
        ("handle", "no spaces here"),
        ("handle", "admin"),
        ("email", "nowhere"),
        ("password", "short"),
        ("display_name", "x" * 61),
    ):
        body = {"handle": "ada", "email": "a@example.com", "password": PASSWORD}

        refused = await world.client.post("/v1/accounts", json=body | {field: value})

        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["errors"][0]["pointer"] == f"/{field}"


async def test_an_unknown_field_is_refused_by_name(world: World) -> None:
    body = {"handle": "ada", "email": "a@example.com", "password": PASSWORD, "admin": True}

    refused = await world.client.post("/v1/accounts", json=body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/admin"


async def test_an_anonymous_caller_must_sign_in_before_the_body_is_read(world: World) -> None:
    refused = await world.client.patch("/v1/accounts/me", content=b"not json")

    assert refused.status_code == 401


async def test_a_closed_server_takes_nobody(tmp_path: Path) -> None:
    world = await open_world(tmp_path, accounts=AccountSettings(registration="closed"))

    body = {"handle": "ada", "email": "a@example.com", "password": PASSWORD}
    refused = await world.client.post("/v1/accounts", json=body)

    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/registration-closed"
    await world.close()


async def test_a_deleted_account_can_not_sign_in_again(world: World) -> None:
    ada = await world.join("ada")

    leaving = ok(await ada.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD}))

    assert leaving["state"] == "deleting"
    assert (await ada.call("GET", "/v1/accounts/me")).status_code == 401
    body = {"login": "ada", "password": PASSWORD}
    assert (await world.client.post("/v1/sessions", json=body)).status_code == 401


async def test_the_profile_changes_and_refuses_control_characters(world: World) -> None:
    ada = await world.join("ada")

    changed = await ada.send("PATCH", "/v1/accounts/me", {"bio": "two\nlines", "private": True})
    refused = await ada.call("PATCH", "/v1/accounts/me", json={"bio": "bell\x07"})

    assert (changed["bio"], changed["private"]) == ("two\nlines", True)
    assert refused.status_code == 422

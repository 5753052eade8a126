"""The operator's commands, each in a process of its own, beside a server that runs."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.cast import PASSWORD, World, ok
from tintype.database import Job
from tintype.media.model import Work

SECOND = "another one, longer"


async def _run(data: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        "env",
        f"TINTYPE_DATA={data}",
        f"TINTYPE_CONFIG={os.devnull}",
        sys.executable,
        "-m",
        "tintype",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def _signed_in(world: World, login: str, password: str) -> int:
    body = {"login": login, "password": password}
    return (await world.anyone("POST", "/v1/sessions", json=body)).status_code


async def test_an_admin_made_at_the_shell_signs_in_and_ends_the_set_up(world: World) -> None:
    data = world.server.settings.data
    arguments = ("admin", "create", "--handle", "ada", "--email", "ada@example.com")

    status, out, err = await _run(data, *arguments, stdin=PASSWORD + "\n")

    assert (status, err) == (0, "")
    assert "@ada is an admin" in out
    body = {"login": "ada", "password": PASSWORD}
    signed = ok(await world.anyone("POST", "/v1/sessions", json=body))
    assert signed["account"]["admin"] is True
    assert ok(await world.anyone("GET", "/v1/instance"))["setup_required"] is False


async def test_a_refused_command_says_why_and_changes_nothing(world: World) -> None:
    data = world.server.settings.data
    arguments = ("admin", "create", "--handle", "no spaces", "--email", "ada@example.com")

    status, out, err = await _run(data, *arguments, stdin=PASSWORD + "\n")

    assert (status, out) == (1, "")
    assert err.startswith("tintype: ")
    assert ok(await world.anyone("GET", "/v1/instance"))["setup_required"] is True


async def test_a_reset_password_ends_sessions_in_the_server_that_runs(world: World) -> None:
    ada = await world.join("ada")
    await ada.get("/v1/accounts/me")

    status, _, _ = await _run(
        world.server.settings.data, "admin", "password", "ada", stdin=SECOND + "\n"
    )
    await asyncio.sleep(1.5)
    await world.settle()

    assert status == 0
    assert (await ada.call("GET", "/v1/accounts/me")).status_code == 401
    assert await _signed_in(world, "ada", PASSWORD) == 401
    assert await _signed_in(world, "ada", SECOND) == 201


async def test_jobs_that_were_given_up_are_listed_and_tried_again(world: World) -> None:
    database, data = world.server.database, world.server.settings.data
    async with database.write() as tx:
        await tx.enqueue(Job(kind="media.unheard-of", shard=3, payload=Work(upload=1)))
    _, none, _ = await _run(data, "jobs", "list")
    _, queued, _ = await _run(data, "jobs", "list", "--state", "queued")
    status, retried, _ = await _run(data, "jobs", "retry", "--kind", "media.unheard-of")

    assert "Nothing." in none
    assert "media.unheard-of" in queued
    assert (status, retried) == (0, "0 jobs queued again.\n")


async def test_the_doctor_finds_a_healthy_server_healthy(world: World) -> None:
    data = world.server.settings.data

    status, out, _ = await _run(data, "doctor")

    lines = {line.split(":")[0]: line for line in out.splitlines()}
    assert status == 0, out
    assert "ok    pragmas" in lines
    assert "synchronous=2" in lines["ok    pragmas"]
    assert not [line for line in lines if line.startswith("fail")]


async def test_backup_and_restore_go_through_the_shell(world: World, tmp_path: Path) -> None:
    await world.join("ada")
    backup, restored = tmp_path / "backup", tmp_path / "restored"

    made, said, _ = await _run(world.server.settings.data, "backup", str(backup))
    back, _, _ = await _run(restored, "restore", str(backup))
    again, _, refusal = await _run(restored, "restore", str(backup))

    assert (made, back, again) == (0, 0, 1)
    assert str(backup) in said
    assert "not empty" in refusal


async def test_a_flag_that_is_set_at_the_shell_is_obeyed_by_the_server_that_runs(
    world: World,
) -> None:
    data, ada = world.server.settings.data, await world.join("ada")
    assert (await ada.get("/v1/feed"))["tier"] == "chronological"

    status, said, _ = await _run(data, "admin", "flags", "set", "feed-timelines", "off")
    await asyncio.sleep(2.5)

    assert (status, said) == (0, "feed-timelines is off.\n")
    assert (await ada.get("/v1/feed"))["tier"] == "database"
    _, listed, _ = await _run(data, "admin", "flags", "list")
    assert "feed-timelines: off (set, changed" in listed
    assert "feed-trending: on (default)" in listed
    cleared, _, _ = await _run(data, "admin", "flags", "clear", "feed-timelines")
    await asyncio.sleep(2.5)
    assert cleared == 0
    assert (await ada.get("/v1/feed"))["tier"] == "chronological"


async def test_flags_that_can_not_be_set_are_refused_at_the_shell(world: World) -> None:
    data = world.server.settings.data

    unknown, _, why = await _run(data, "admin", "flags", "set", "feed-sideways", "on")
    ranked, _, ranker = await _run(data, "admin", "flags", "set", "feed-ranked", "on")
    neither, _, _ = await _run(data, "admin", "flags", "set", "feed-ranked", "maybe")

    assert (unknown, ranked, neither) == (1, 1, 2)
    assert "feed-sideways" in why
    assert "ranker" in ranker

"""An embedded instance moves to PostgreSQL and a bucket, and people notice nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import httpx
import pytest

from tests.cast import PASSWORD, ok
from tests.scenario.moving.home import KEY, Home, Left, fingerprints, first_photo, person, seen
from tintype.adapters.s3.connection import Connection
from tintype.entry.moved import MOVED
from tintype.entry.settings import DATABASE
from tools.engines.process import free_port

pytestmark = pytest.mark.slow


async def test_people_find_everything_in_the_new_home(home: Home, left: Left) -> None:
    before = fingerprints(home.data)

    status, out, err = await home.move()

    assert status == 0, out + err
    assert "Both sides are equal." in out
    assert fingerprints(home.data) == before
    async with home.world() as world:
        await world.settle()
        bo, ada = person(world, left, "bo"), person(world, left, "ada")
        feed = await bo.get("/v1/feed")
        for post in feed["items"]:
            # Waited for as likes and a comment when the server was stopped.
            assert post["counts"]["likes"] == 1
        assert _stable(seen(feed)) == _stable(seen(left.feed))
        assert await _fetched(world.client, first_photo(feed)) == left.photo
        body = {"login": "ada", "password": PASSWORD}
        assert ok(await world.anyone("POST", "/v1/sessions", json=body))["account"]["id"] == ada.id
        sent = await ada.get(f"/v1/uploads/{left.sent}")
        assert sent["state"] == "ready", sent
        assert (await ada.get("/v1/accounts/me"))["avatar"]


async def test_events_that_waited_are_handled_exactly_once(home: Home, left: Left) -> None:
    status, out, err = await home.move()
    assert status == 0, out + err

    async with home.world() as world:
        await world.settle()
        dusk, comment, answer = left.comment
        ada, bo = person(world, left, "ada"), person(world, left, "bo")
        posts = (await ada.get(f"/v1/accounts/{ada.id}/posts"))["items"]
        told = (await ada.get("/v1/notifications"))["items"]
        again = await bo.call("POST", f"/v1/posts/{dusk}/comments", json=comment, headers=KEY)

    counts = {post["caption"]: post["counts"] for post in posts}
    assert counts["dawn"] == {"likes": 1, "comments": 0}
    assert counts["dusk"] == {"likes": 1, "comments": 1}
    assert sorted(each["kind"] for each in told) == ["comment", "follow", "like", "like"]
    assert ok(again) == answer


async def test_an_upload_in_parts_ends_with_a_reason_that_its_owner_sees(
    home: Home, left: Left
) -> None:
    status, out, err = await home.move()
    assert status == 0, out + err

    async with home.world() as world:
        ada = person(world, left, "ada")
        upload = await ada.get(f"/v1/uploads/{left.paused}")
        part = await ada.call("GET", f"/v1/uploads/{left.paused}/parts/2")
        post = await ada.get(f"/v1/posts/{left.waiting_post}")

    assert upload["state"] == "expired"
    assert "moved to another storage" in upload["reason"]
    assert part.status_code == 410
    assert post["state"] == "failed"
    assert "send it again" in post["reason"]


async def test_a_second_run_does_nothing(home: Home) -> None:
    assert (await home.move())[0] == 0
    objects, rows = home.objects(), await home.sql("SELECT * FROM accounts ORDER BY id")

    status, out, err = await home.move()

    assert status == 0, err
    assert "nothing was left to do" in out
    assert home.objects() == objects
    assert await home.sql("SELECT * FROM accounts ORDER BY id") == rows


async def test_a_dry_run_changes_nothing(home: Home) -> None:
    before = fingerprints(home.data)

    status, out, err = await home.move("--dry-run")

    assert status == 0, out + err
    assert "would be copied" in out
    assert "The move can be made." in out
    assert fingerprints(home.data) == before
    assert not (home.data / "moving").exists()
    assert home.objects() == {}
    tables = "SELECT * FROM pg_tables WHERE schemaname = 'public'"
    assert await home.sql(tables) == []


async def test_one_row_or_one_byte_that_differs_turns_verification_red(home: Home) -> None:
    assert (await home.move())[0] == 0
    assert (await home.move("--verify-only"))[0] == 0

    await home.sql("UPDATE accounts SET bio = bio || '!' WHERE handle = 'bo'")
    key = next(key for key in home.objects() if key.startswith("renditions/"))
    data = bytearray(home.object(key).read_bytes())
    data[len(data) // 2] ^= 1
    home.object(key).write_bytes(bytes(data))
    status, out, err = await home.move("--verify-only")

    assert status == 1, err
    bo = (await home.sql("SELECT shard, id FROM accounts WHERE handle = 'bo'"))[0]
    assert f"accounts: row {bo['shard']}, {bo['id']} has other values" in out
    assert f"{key}: has SHA-256" in out
    assert out.count("DIFFERS") == 2


async def test_missing_and_strange_rows_and_blobs_are_named(home: Home) -> None:
    assert (await home.move())[0] == 0
    await home.sql("DELETE FROM following")
    await home.sql("INSERT INTO probes (shard, name, at_ms) VALUES (0, 'strange', 1)")
    key = next(key for key in home.objects() if key.startswith("originals/"))
    with Connection(home.s3) as connection:
        bucket = {"Bucket": home.s3.bucket}
        connection.client.delete_object(**bucket, Key=key)
        connection.client.put_object(**bucket, Key="originals/000/1", Body=b"strange")

    status, out, _ = await home.move("--verify-only", "--verify", "sample")

    assert status == 1
    assert "is missing in PostgreSQL" in out
    assert "probes: row 0, strange is in PostgreSQL and not in the folder" in out
    assert f"{key}: is missing in the bucket" in out
    assert "originals/000/1: is in the bucket and not in the folder" in out


async def test_what_differs_at_the_end_is_copied_again_by_the_next_run(home: Home) -> None:
    assert (await home.move())[0] == 0
    # As if the difference had come up before the first verification.
    (home.data / MOVED).unlink()
    await home.sql("UPDATE store_moves SET value = replace(value, 'moved', 'copying')")
    await home.sql("UPDATE accounts SET bio = 'other'")
    key = next(key for key in home.objects() if key.startswith("renditions/"))
    home.object(key).write_bytes(bytes(home.object(key).stat().st_size))

    status, out, _ = await home.move()
    assert (status, (home.data / MOVED).exists()) == (1, False), out

    status, out, err = await home.move()
    assert status == 0, out + err
    assert (home.data / MOVED).exists()


async def test_the_old_folder_is_served_no_more_until_its_mark_is_gone(home: Home) -> None:
    assert (await home.move())[0] == 0
    embedded = _embedded(home)

    status, _, err = await home.run("admin", "invite", **embedded)
    assert status == 2
    assert "was moved to postgresql://" in err

    (home.data / MOVED).unlink()
    status, out, err = await home.run("admin", "invite", **embedded)
    assert status == 0, out + err


async def test_the_secret_is_kept_in_a_file_and_shown_only_when_asked_for(home: Home) -> None:
    secret = (home.data / "secret").read_text()

    _, out, err = await home.move()
    assert secret not in out + err
    kept = home.data / "moving" / "secret.env"
    assert kept.read_text() == f"TINTYPE_SECRET={secret}\n"
    assert kept.stat().st_mode & 0o077 == 0

    _, out, _ = await home.move("--show-secret")
    assert f"TINTYPE_SECRET={secret}" in out


async def test_a_home_that_somebody_lives_in_is_refused(home: Home) -> None:
    assert (await home.move())[0] == 0
    (home.data / MOVED).unlink()
    (home.data / "secret").unlink()
    embedded = _embedded(home)
    # The same rows under another secret: another instance.
    assert (await home.run("admin", "invite", **embedded))[0] == 0
    objects = home.objects()

    status, _, err = await home.move()

    assert status == 1
    assert "holds the data of another instance" in err
    assert home.objects() == objects


async def test_a_database_or_bucket_with_anything_in_it_is_refused(home: Home) -> None:
    with Connection(home.s3) as connection:
        connection.client.put_object(Bucket=home.s3.bucket, Key="holiday.jpg", Body=b"mine")

    status, _, err = await home.move()

    assert status == 1
    assert "holds other things (holiday.jpg)" in err
    assert list(home.objects()) == ["holiday.jpg"]


async def test_a_source_that_went_on_after_the_move_does_not_overwrite_the_new_home(
    home: Home,
) -> None:
    assert (await home.move())[0] == 0
    (home.data / MOVED).unlink()
    with closing(sqlite3.connect(home.data / DATABASE)) as connection, connection:
        connection.execute("UPDATE accounts SET bio = 'later'")

    status, _, err = await home.move()

    assert status == 1
    assert "is not overwritten" in err


async def test_a_running_server_and_unset_targets_are_refused_with_the_fix(home: Home) -> None:
    missing = await home.move(TINTYPE_DATABASE__URL="")
    nowhere = await home.move("--from", str(home.data / "blobs"))
    other = await home.move(TINTYPE_SECRET="A" * 43 + "=")
    embedded = _embedded(home) | {"TINTYPE_BIND": f"127.0.0.1:{free_port()}"}
    away = await home.move(TINTYPE_DATABASE__URL=home.url + "_nowhere")
    locked = await home.move(TINTYPE_S3__SECRET_KEY="not the right one")
    process = await home.start("serve", **embedded)
    assert process.stderr is not None
    async with asyncio.timeout(120):
        while b"No admin yet" not in await process.stderr.readline():
            continue
    running = await home.move()
    process.kill()
    await process.communicate()

    refused = [missing, nowhere, other, running, away, locked]
    assert [status for status, _, _ in refused] == [1] * len(refused)
    assert "Check database.url" in away[2]
    assert "Check the section s3" in locked[2]
    assert "TINTYPE_DATABASE__URL" in missing[2]
    assert "is not the data folder of an embedded instance" in nowhere[2]
    assert "TINTYPE_SECRET" in other[2]
    assert "Stop it first" in running[2]


async def test_values_that_postgresql_would_refuse_are_told_beforehand(home: Home) -> None:
    with closing(sqlite3.connect(home.data / DATABASE)) as connection, connection:
        connection.execute("UPDATE accounts SET bio = 'a' || char(0) || 'b' WHERE handle = 'bo'")

    status, out, _ = await home.move("--dry-run")

    assert status == 1
    assert "1 values of accounts.bio" in out


def _embedded(home: Home) -> dict[str, str]:
    """What takes the new home out of a command's environment again."""
    return {name: "" for name in home.environ if "DATABASE" in name or "S3" in name}


def _stable(feed: object) -> object:
    """Without what changes on its own: the counts that were waited for, and avatars made since."""
    if isinstance(feed, dict):
        return {name: _stable(value) for name, value in feed.items() if name != "counts"}
    return [_stable(each) for each in feed] if isinstance(feed, list) else feed


async def _fetched(client: httpx.AsyncClient, url: str) -> bytes:
    answer = await client.get(url)
    if answer.is_redirect:
        async with httpx.AsyncClient() as outside:
            answer = await outside.get(answer.headers["location"])
    assert answer.status_code == 200
    return answer.content

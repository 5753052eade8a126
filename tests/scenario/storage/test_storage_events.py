"""Uploads that the bucket reports, and what happens when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.cast import ok
from tests.engines_s3 import fresh_bucket, settings_of
from tests.media_rig import photo
from tests.scenario.storage.town import TOKEN, Citizen, Town, base_url, open_town
from tintype.adapters.s3.connection import Connection
from tools.engines.process import free_port
from tools.engines.s3 import S3Server


def _message(*keys: str) -> dict[str, Any]:
    name = "s3:ObjectCreated:CompleteMultipartUpload"
    return {"Records": [{"eventName": name, "s3": {"object": {"key": key}}} for key in keys]}


async def _sent(person: Citizen) -> str:
    """An upload whose parts are all there, which nobody has completed."""
    data = photo(seed=int(person.id) % 1000)
    upload = await person.begin(data)
    ok(await person.send(upload, data))
    return upload


@pytest.fixture
async def reported(s3_server: S3Server, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bucket reports to it, by a server of its own that calls the town."""
    town_port, token = free_port(), SecretStr(TOKEN)
    webhook = f"{base_url(town_port)}/v1/storage/events/{TOKEN}"
    server = S3Server(tmp_path / "reporting", webhook=webhook)
    settings = settings_of(server, "reported", events_token=token.get_secret_value())
    async with open_town(tmp_path, settings, port=town_port) as town:
        await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(lambda: _create(town))
            yield town
        finally:
            server.kill()


def _create(town: Town) -> None:
    with Connection(town.settings) as connection:
        connection.client.create_bucket(Bucket=town.settings.bucket)


async def test_the_buckets_report_completes_an_upload(reported: Town) -> None:
    ada = await reported.join("ada")
    upload = await _sent(ada)

    await ada.complete_at_the_bucket(upload)

    async with asyncio.timeout(10):
        while (await ada.state(upload))["state"] != "ready":  # noqa: ASYNC110 - the state lies in the store
            await asyncio.sleep(0.05)
    posts = [path for method, path, _ in reported.counted.bodies if path.startswith("/v1/storage")]
    assert set(posts) == {f"/v1/storage/events/{TOKEN}"}


async def test_a_report_that_is_lost_is_made_up_for_by_the_sweeper(town: Town) -> None:
    ada = await town.join("ada")
    completed, sent = await _sent(ada), await _sent(await town.join("bo"))
    await ada.complete_at_the_bucket(completed)
    sweeper = town.server.media.sweeper

    await sweeper.sweep()
    early = (await ada.state(completed))["state"]
    town.clock.ahead = timedelta(seconds=30)
    await sweeper.sweep()
    await town.settle()

    async with town.server.database.read() as reader:
        states = await town.server.media.media.states(reader, [int(completed), int(sent)])
    assert early == "uploading"
    assert {each.state for each in states.values()} == {"ready"}


@pytest.fixture
async def listening(s3_server: S3Server, tmp_path: Path) -> AsyncIterator[Town]:
    """A town that takes reports, and a bucket that sends none."""
    async with open_town(tmp_path, fresh_bucket(s3_server, events_token=TOKEN)) as town:
        yield town


async def test_reports_may_be_doubled_early_late_and_of_strangers(listening: Town) -> None:
    ada = await listening.join("ada")
    early, whole = await ada.begin(photo()), await _sent(ada)
    await ada.complete_at_the_bucket(whole)
    [key] = await listening.keys("originals/")
    path = f"/v1/storage/events/{TOKEN}"
    messages = [
        _message(key, key),
        _message(key),
        _message(f"originals/000/{early}", key.replace(whole, early)),
        _message("originals/000/999", "originals/fff/1", "renditions/000/1/a.jpg", "", "..", "ä"),
        {"Bucket": "Test-Bucket", "Event": "s3:TestEvent", "Service": "S3"},
        ["nonsense"],
    ]

    answers = [await listening.client.post(path, json=message) for message in messages]
    answers.append(await listening.client.post(path, content=b"\xff"))
    await listening.settle()

    assert {answer.status_code for answer in answers} == {200}
    assert (await ada.state(whole))["state"] == "ready"
    assert (await ada.state(early))["state"] == "uploading"


async def test_only_who_has_the_token_may_report(listening: Town) -> None:
    ada = await listening.join("ada")
    upload = await _sent(ada)
    await ada.complete_at_the_bucket(upload)
    [key] = await listening.keys("originals/")
    post = listening.client.post
    path = "/v1/storage/events"

    refused = [
        await post(path, json=_message(key)),
        await post(f"{path}/wrong", json=_message(key)),
        await post(f"{path}/{TOKEN}x", json=_message(key)),
        await post(path, json=_message(key), headers={"Authorization": "Bearer wrong"}),
        await post(path, json=_message(key), headers={"Authorization": f"Bearer {ada.token}"}),
    ]
    before = (await ada.state(upload))["state"]
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    taken = await post(path, json=_message(key), headers=bearer)

    assert {answer.status_code for answer in refused} == {403}
    assert refused[0].json()["type"].endswith("/problems/storage-token-wrong")
    assert (before, taken.status_code) == ("uploading", 200)
    assert (await ada.state(upload))["state"] in {"processing", "ready"}


async def test_without_a_token_nobody_may_report(town: Town) -> None:
    answer = await town.client.post(f"/v1/storage/events/{TOKEN}", json=_message("a"))

    assert answer.status_code == 404


async def test_a_report_during_an_outage_is_refused_so_that_it_comes_again(
    listening: Town, s3_server: S3Server
) -> None:
    ada = await listening.join("ada")
    upload = await _sent(ada)
    await ada.complete_at_the_bucket(upload)
    [key] = await listening.keys("originals/")
    path = f"/v1/storage/events/{TOKEN}"

    s3_server.kill()
    away = await listening.client.post(path, json=_message(key))
    s3_server.start()
    back = await listening.client.post(path, json=_message(key))

    assert (away.status_code, back.status_code) == (503, 200)

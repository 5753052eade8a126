"""Media in a bucket: what people send and see never passes through the server."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cast import ok
from tests.media_rig import photo
from tests.scenario.storage.town import Town
from tools.engines.s3 import S3Server

MIB = 1024 * 1024


async def test_a_photo_is_sent_published_and_seen_past_the_server(town: Town) -> None:
    ada, bo = await town.join("ada"), await town.join("bo")
    data = photo(2400, 1800)

    post = await ada.post(data)
    seen = ok(await bo.call("GET", f"/v1/posts/{post['id']}"))
    renditions = seen["slides"][0]["renditions"]
    way = [await town.client.get(each["url"]) for each in renditions]
    files = [await town.client.get(each.headers["location"]) for each in way]

    assert {answer.status_code for answer in way} == {302}
    assert {answer.headers["location"].startswith(town.settings.origin) for answer in way} == {True}
    assert [file.headers["content-type"] for file in files] == [
        f"image/{each['format']}" for each in renditions
    ]
    assert sum(len(file.content) for file in files) > 100_000
    assert (town.counted.bytes("/media/"), town.counted.bytes("/parts/")) == (0, 0)
    assert town.counted.bytes() < len(data) / 4
    assert max(size for _, _, size in town.counted.bodies) < 10_000


async def test_ways_to_public_files_are_kept_shorter_than_they_are_good(town: Town) -> None:
    ada = await town.join("ada")
    url = (await ada.post(photo()))["slides"][0]["renditions"][0]["url"]

    way = await town.client.get(url)
    again = await town.client.get(url)
    head = await town.client.head(url)
    same = await town.client.get(url, headers={"If-None-Match": head.headers["etag"]})

    assert way.headers["cache-control"] == "public, max-age=25, s-maxage=25"
    assert _seconds(way.headers["location"]) == 60
    assert again.headers["location"] == way.headers["location"]
    assert way.headers["referrer-policy"] == "no-referrer"
    assert (head.status_code, head.content, same.status_code) == (200, b"", 304)


async def test_guarded_files_take_the_same_leave_and_end_within_the_minute(town: Town) -> None:
    ada, bo, cy = [await town.join(name) for name in ("ada", "bo", "cy")]
    ok(await bo.call("PATCH", "/v1/accounts/me", json={"private": True}))
    ok(await ada.call("POST", "/v1/follows", json={"followed_id": bo.id}))
    ok(await bo.call("POST", f"/v1/follow-requests/{ada.id}/accept"))
    post = await bo.post(photo())
    shown = ok(await ada.call("GET", f"/v1/posts/{post['id']}"))
    url = shown["slides"][0]["renditions"][0]["url"]

    way = await town.client.get(url)
    bare = await town.client.get(re.sub(r"/g/[^/]+/", "/", url))
    passed_on = await cy.call("GET", url)
    file = await town.client.get(way.headers["location"])
    ok(await bo.call("POST", "/v1/blocks", json={"account_id": ada.id}))
    blocked = await town.client.get(url)

    assert (way.status_code, file.status_code) == (302, 200)
    assert way.headers["cache-control"] == "private, max-age=25"
    assert _seconds(way.headers["location"]) == 60
    assert (bare.status_code, passed_on.status_code, blocked.status_code) == (404, 404, 404)


async def test_a_deleted_photo_is_gone_from_the_bucket_too(town: Town) -> None:
    ada = await town.join("ada")
    post = await ada.post(photo())
    way = await town.client.get(post["slides"][0]["renditions"][0]["url"])
    before = await town.keys()

    ok(await ada.call("DELETE", f"/v1/posts/{post['id']}"))
    await town.settle()

    assert len(before) > 3
    assert await town.keys() == []
    assert (await town.client.get(way.headers["location"])).status_code == 404


async def test_a_page_lets_the_client_send_to_and_load_from_the_bucket(town: Town) -> None:
    page = await town.client.get("/", headers={"Accept": "text/html"})

    policy = page.headers.get("content-security-policy")
    if policy is None:
        pytest.skip("the web client is not built")
    for source in ("img-src", "media-src", "connect-src"):
        [said] = [each for each in policy.split("; ") if each.startswith(source)]
        assert said.endswith(f" {town.settings.origin}")


@pytest.mark.slow
async def test_an_upload_outlives_the_death_of_the_storage(town: Town, s3_server: S3Server) -> None:
    ada = await town.join("ada")
    film = bytes(16 * MIB) + photo()
    asked = {"content_type": "video/mp4", "bytes": len(film)}
    upload = ok(await ada.call("POST", "/v1/uploads", json=asked))["id"]
    ok(await ada.send(upload, film[: 16 * MIB], 1))

    s3_server.kill()
    down = [
        await ada.call("GET", f"/v1/uploads/{upload}"),
        await ada.call("POST", f"/v1/uploads/{upload}/complete"),
        await ada.call("POST", "/v1/uploads", json=asked),
    ]
    alive = await ada.call("GET", "/v1/feed")
    ready = await town.client.get("/readyz")
    s3_server.start()
    await asyncio.sleep(1.1)
    well = await town.client.get("/readyz")
    resumed = await ada.state(upload)
    ok(await ada.send(upload, film[16 * MIB :], 2))
    completed = await ada.call("POST", f"/v1/uploads/{upload}/complete")
    await town.settle()

    assert {answer.status_code for answer in down} == {503}
    assert all("retry-after" in answer.headers for answer in down)
    assert (alive.status_code, ready.status_code) == (200, 200)
    assert [each["name"] for each in ready.json()["degraded"]] == ["bucket"]
    assert well.json()["degraded"] == []
    assert [part["number"] for part in resumed["parts"]] == [1]
    # It arrived whole and was decoded, which is when it turned out to be no film.
    assert (completed.status_code, (await ada.state(upload))["state"]) == (202, "failed")
    assert town.counted.bytes("/parts/") == 0


async def test_processing_waits_for_a_storage_that_is_away(town: Town, s3_server: S3Server) -> None:
    ada = await town.join("ada")
    data = photo()
    upload = await ada.begin(data)
    ok(await ada.send(upload, data))
    ok(await ada.call("POST", f"/v1/uploads/{upload}/complete"))
    s3_server.kill()
    await asyncio.sleep(0.5)
    s3_server.start()

    async with asyncio.timeout(60):
        while (await ada.state(upload))["state"] != "ready":
            town.clock.ahead += timedelta(seconds=5)
            await asyncio.sleep(0.2)


async def test_orphans_in_the_bucket_are_aborted(town: Town) -> None:
    ada = await town.join("ada")
    known = await ada.begin(photo())
    blobs, sweeper = town.server.media.storage.blobs, town.server.media.sweeper
    await blobs.create_upload("originals/000/123", size=5, content_type="image/jpeg")

    early = await sweeper.abort_orphans()
    town.clock.ahead = timedelta(hours=50)
    late = await sweeper.abort_orphans()
    left = [upload.key async for upload in blobs.uploads()]
    await sweeper.sweep()
    await sweeper.sweep()

    assert (early, late) == (0, 1)
    assert [key.rpartition("/")[2] for key in left] == [known]
    assert [upload async for upload in blobs.uploads()] == []


def _seconds(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])

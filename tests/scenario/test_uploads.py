"""Uploads through HTTP, with real bytes on a real disk."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import subprocess
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import BASE, ok
from tests.media_rig import (
    NOTES,
    Rig,
    Uploader,
    manual_clock,
    open_rig,
    photo,
    photo_with_notes,
)
from tintype.kernel.clock import ManualClock
from tintype.media import MediaSettings

MIB = 1024**2


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ada(rig: Rig) -> Uploader:
    return await rig.join("ada")


@pytest.fixture
def clock() -> ManualClock:
    return manual_clock()


async def test_a_photo_becomes_a_slide(rig: Rig, ada: Uploader) -> None:
    upload = await ada.upload(photo(1600, 1200))

    completed = await ada.complete(upload)
    await rig.settle()

    assert completed.status_code == 202
    slide = (await ada.read(upload))["slide"]
    assert (slide["kind"], slide["width"], slide["height"]) == ("photo", 1600, 1200)
    assert slide["thumbhash"]
    widths = {(each["format"], each["width"]) for each in slide["renditions"]}
    rungs = (150, 240, 480, 640, 750, 1080, 1440)
    assert widths == {(form, width) for form in ("jpeg", "webp") for width in rungs}
    for rendition in slide["renditions"]:
        assert (await rig.fetch(rendition["url"])).status_code == 200


@pytest.mark.slow
async def test_a_video_of_several_parts_is_resumed_after_a_break(
    rig: Rig, ada: Uploader, tmp_path: Path
) -> None:
    from tintype.codecs.scenes import paint_video

    paint_video(1, 1.0, 320, 240, tmp_path / "film.mp4")
    # A box of padding at the end, as cameras leave them: a real film of two parts and a bit.
    padding = 33 * MIB
    film = (tmp_path / "film.mp4").read_bytes() + struct.pack(">I4s", padding, b"free")
    film += bytes(padding - 8)
    begun = await ada.begin("video/mp4", len(film))
    size = begun["part_size"]
    pieces = [film[at : at + size] for at in range(0, len(film), size)]
    assert (await ada.send(begun["id"], 3, pieces[2])).status_code == 200
    assert (await ada.send(begun["id"], 1, pieces[0])).status_code == 200

    early = await ada.complete(begun["id"])
    resumed = await ada.read(begun["id"])
    sent = await ada.send(begun["id"], 2, pieces[1])
    completed = await ada.complete(begun["id"])
    await rig.settle()

    assert (early.status_code, early.json()["missing"]) == (409, [2])
    assert [part["number"] for part in resumed["parts"]] == [1, 3]
    assert [part["bytes"] for part in resumed["parts"]] == [size, len(pieces[2])]
    assert (sent.status_code, completed.status_code) == (200, 202)
    slide = (await ada.read(begun["id"]))["slide"]
    assert (slide["kind"], slide["width"], slide["height"]) == ("video", 320, 240)
    assert slide["duration"] == pytest.approx(1.0, abs=0.2)
    for url in (slide["poster"], slide["mp4"]):
        assert (await rig.fetch(url)).status_code == 200


async def test_a_part_sent_twice_counts_once_and_the_later_one_stays(
    rig: Rig, ada: Uploader
) -> None:
    data = photo()
    begun = await ada.begin("image/jpeg", len(data))

    await ada.send(begun["id"], 1, bytes(len(data)))
    await ada.send(begun["id"], 1, data)

    assert len((await ada.read(begun["id"]))["parts"]) == 1
    ok(await ada.complete(begun["id"]))
    await rig.settle()
    assert (await ada.read(begun["id"]))["state"] == "ready"


async def test_a_part_of_another_length_is_refused(rig: Rig, ada: Uploader) -> None:
    data = photo()
    begun = await ada.begin("image/jpeg", len(data))
    signed = await ada.sign(begun["id"], 1)

    answers = [
        await rig.client.put(signed["url"], content=data + b"x"),
        await rig.client.put(signed["url"], content=data[:-1]),
        await rig.client.put(signed["url"].replace(f"={len(data)}", "=5"), content=b"12345"),
    ]

    assert [answer.status_code for answer in answers] == [413, 400, 403]
    assert all("problem+json" in answer.headers["content-type"] for answer in answers)
    assert (await ada.read(begun["id"]))["parts"] == []


async def test_a_part_address_is_absolute_and_ends_after_an_hour(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with open_rig(tmp_path, clock=clock) as rig:
        ada = await rig.join("ada")
        data = photo()
        begun = await ada.begin("image/jpeg", len(data))
        signed = await ada.sign(begun["id"], 1)

        clock.advance(3601)
        late = await rig.client.put(signed["url"], content=data)
        again = await ada.send(begun["id"], 1, data)

    assert signed["url"].startswith(BASE)
    assert (signed["method"], signed["expires_at"]) == ("PUT", "2026-05-01T01:00:00.000Z")
    assert late.status_code == 403
    assert late.json()["type"] == "/problems/part-url-refused"
    assert again.status_code == 200


async def test_somebody_elses_upload_does_not_exist(rig: Rig, ada: Uploader) -> None:
    upload = await ada.upload(photo())
    bo = await rig.join("bo")

    answers = [
        await bo.call("GET", f"/v1/uploads/{upload}"),
        await bo.call("GET", f"/v1/uploads/{upload}/parts/1"),
        await bo.complete(upload),
        await bo.call("DELETE", f"/v1/uploads/{upload}"),
        await bo.call("PUT", "/v1/accounts/me/avatar", json={"upload_id": upload}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await ada.read(upload))["state"] == "uploading"
    assert (await rig.client.get(f"/v1/uploads/{upload}")).status_code == 401


@pytest.mark.parametrize(
    ("content_type", "size", "status", "slug"),
    [
        ("image/jpeg", 0, 422, "upload-empty"),
        ("image/jpeg", -1, 422, "upload-empty"),
        ("image/jpeg", 8 * MIB + 1, 413, "upload-too-large"),
        ("video/mp4", 4 * 1024 * MIB + 1, 413, "upload-too-large"),
        ("image/svg+xml", 10, 415, "content-type-refused"),
        ("text/html", 10, 415, "content-type-refused"),
    ],
)
async def test_what_can_not_be_accepted_is_refused_before_a_byte_is_sent(
    ada: Uploader, content_type: str, size: int, status: int, slug: str
) -> None:
    body = {"content_type": content_type, "bytes": size}

    answer = await ada.call("POST", "/v1/uploads", json=body)

    assert answer.status_code == status
    assert answer.json()["type"] == f"/problems/{slug}"


async def test_the_largest_sizes_are_accepted(ada: Uploader) -> None:
    assert (await ada.begin("image/jpeg", 8 * MIB))["part_count"] == 1
    assert (await ada.begin("video/mp4", 4 * 1024 * MIB))["part_count"] == 256


async def test_the_limits_are_told_beforehand(rig: Rig, ada: Uploader) -> None:
    anonymous = ok(await rig.client.get("/v1/limits"))
    own = ok(await ada.call("GET", "/v1/limits"))

    assert (anonymous["photo_bytes"], anonymous["video_bytes"]) == (8 * MIB, 4 * 1024 * MIB)
    assert "image/heic" in anonymous["photo_types"]
    assert anonymous["quota"] is None
    assert own["quota"] == {"used": 0, "limit": 50 * 1024**3}


async def test_an_account_over_its_quota_can_not_begin_another_upload(tmp_path: Path) -> None:
    async with open_rig(tmp_path, settings=MediaSettings(quota_bytes=1000)) as rig:
        ada, bo = await rig.join("ada"), await rig.join("bo")
        first = await ada.begin("image/jpeg", 900)

        body = {"content_type": "image/jpeg", "bytes": 101}
        refused = await ada.call("POST", "/v1/uploads", json=body)
        others = await bo.call("POST", "/v1/uploads", json=body)
        ok(await ada.call("DELETE", f"/v1/uploads/{first['id']}"))
        afterwards = await ada.call("POST", "/v1/uploads", json=body)

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/quota-exceeded")
    assert (refused.json()["used"], refused.json()["limit"]) == (900, 1000)
    assert (others.status_code, afterwards.status_code) == (201, 201)


async def test_only_so_many_uploads_are_open_at_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, settings=MediaSettings(open_uploads=2)) as rig:
        ada = await rig.join("ada")
        await ada.begin("image/jpeg", 1)
        await ada.begin("image/jpeg", 1)

        refused = await ada.call(
            "POST", "/v1/uploads", json={"content_type": "image/jpeg", "bytes": 1}
        )

    assert refused.json()["type"] == "/problems/too-many-uploads"


async def test_the_same_key_begins_one_upload(rig: Rig, ada: Uploader) -> None:
    body = {"content_type": "image/jpeg", "bytes": 10}
    key = {"Idempotency-Key": "once"}

    first = await ada.call("POST", "/v1/uploads", json=body, headers=key)
    second = await ada.call("POST", "/v1/uploads", json=body, headers=key)

    assert first.json() == second.json()


async def test_completing_twice_is_completing_once(rig: Rig, ada: Uploader) -> None:
    upload = await ada.upload(photo())

    first, second = await ada.complete(upload), await ada.complete(upload)
    await rig.settle()
    third = await ada.complete(upload)

    assert [each.status_code for each in (first, second, third)] == [202, 202, 200]
    assert third.json()["state"] == "ready"
    assert third.json()["slide"]["renditions"]


async def test_a_completed_upload_takes_no_more_parts(rig: Rig, ada: Uploader) -> None:
    data = photo()
    upload = await ada.upload(data)
    signed = await ada.sign(upload, 1)
    ok(await ada.complete(upload))
    await rig.settle()

    late = await rig.client.put(signed["url"], content=data)
    more = await ada.call("GET", f"/v1/uploads/{upload}/parts/1")

    assert (late.status_code, more.status_code) == (410, 409)


def _png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "data", "content_type"),
    [
        ("text behind a photo's extension", b"just some words, no picture at all", "image/jpeg"),
        ("a page behind a photo's extension", b"<html><script>1</script></html>", "image/png"),
        ("a photo sent as a video", photo(), "video/mp4"),
        ("a truncated photo", photo(1200, 900)[:-4000], "image/jpeg"),
        ("a photo that ends in its header", photo()[:40], "image/jpeg"),
        ("a bomb", _png_that_claims(30_000, 30_000), "image/png"),
        ("random bytes", bytes(range(256)) * 40, "image/webp"),
    ],
)
async def test_a_file_that_is_no_photo_fails_with_a_sentence(
    rig: Rig, ada: Uploader, name: str, data: bytes, content_type: str
) -> None:
    upload = await ada.ready(data, content_type)

    assert upload["state"] == "failed", name
    assert upload["reason"].endswith(".")
    assert upload["slide"] is None
    retried = await ada.complete(upload["id"])
    assert (retried.status_code, retried.json()["state"]) == (200, "failed")


async def test_a_photo_behind_a_wrong_photo_type_is_taken_for_what_it_is(ada: Uploader) -> None:
    upload = await ada.ready(photo(kind=".png"), "image/jpeg")

    assert upload["state"] == "ready"


async def test_the_sweeper_finishes_what_the_client_left(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with open_rig(tmp_path, clock=clock) as rig:
        ada = await rig.join("ada")
        whole = await ada.upload(photo())
        partial = (await ada.begin("image/jpeg", 100))["id"]

        clock.advance(61)
        await rig.media.sweeper.sweep()
        await rig.settle()

        assert (await ada.read(whole))["state"] == "ready"
        assert (await ada.read(partial))["state"] == "uploading"


async def test_an_upload_that_is_not_finished_in_time_is_thrown_away(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with open_rig(tmp_path, clock=clock) as rig:
        ada = await rig.join("ada")
        begun = await ada.begin("image/jpeg", 100)
        signed = await ada.sign(begun["id"], 1)
        finished = await ada.ready(photo())
        used = await ada.ready(photo(seed=2))
        await ada.share(used["id"])

        clock.advance(48 * 3600 + 1)
        await rig.media.sweeper.sweep()
        await rig.settle()

        expired = await ada.read(begun["id"])
        assert (expired["state"], expired["parts"]) == ("expired", [])
        assert "48 hours" in expired["reason"]
        assert (await ada.complete(begun["id"])).status_code == 410
        assert (await rig.client.put(signed["url"], content=bytes(100))).status_code == 403
        gone = await ada.call("GET", f"/v1/uploads/{finished['id']}")
        assert gone.status_code == 404
        assert all(used["id"] in name for name in rig.files())
        assert rig.files()

        clock.advance(7 * 24 * 3600 + 1)
        await rig.media.sweeper.sweep()
        assert (await ada.call("GET", f"/v1/uploads/{begun['id']}")).status_code == 404


async def test_a_processing_upload_without_a_job_is_queued_again(
    tmp_path: Path, clock: ManualClock
) -> None:
    import sqlalchemy as sa

    from tintype.database.tables import jobs

    async with open_rig(tmp_path, clock=clock) as rig:
        ada = await rig.join("ada")
        upload = await ada.upload(photo())
        await rig.background.stop()
        ok(await ada.complete(upload))
        async with rig.database.write() as tx:
            await tx.execute(sa.delete(jobs))
        rig.background.start()

        clock.advance(601)
        await rig.media.sweeper.sweep()
        await rig.settle()

        assert (await ada.read(upload))["state"] == "ready"


async def test_processing_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path) as rig:
        ada = await rig.join("ada")
        upload = await ada.upload(photo(4000, 3000))
        ok(await ada.complete(upload))
        await asyncio.sleep(0.1)
    async with open_rig(tmp_path) as again:
        ada = dataclasses.replace(ada, rig=again)
        await again.settle()

        slide = (await ada.read(upload))["slide"]
        urls = [rendition["url"] for rendition in slide["renditions"]]
        assert len(again.files()) == len(urls) + 1
        assert [(await again.fetch(url)).status_code for url in urls] == [200] * len(urls)


async def test_nothing_that_the_camera_noted_leaves_the_server(rig: Rig, ada: Uploader) -> None:
    data = photo_with_notes(1200, 900)
    assert all(note in data for note in NOTES)

    upload = await ada.ready(data)

    for rendition in upload["slide"]["renditions"]:
        served = (await rig.fetch(rendition["url"])).content
        assert not any(note in served for note in (*NOTES, b"Exif", b"http://ns.adobe.com"))


async def test_storage_that_no_upload_knows_is_given_back(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with open_rig(tmp_path, clock=clock) as rig:
        ada = await rig.join("ada")
        known = await ada.begin("image/jpeg", 100)
        await rig.media.storage.blobs.create_upload(
            "originals/000/123", size=5, content_type="image/jpeg"
        )
        clock.advance(50 * 3600)

        aborted = await rig.media.sweeper.abort_orphans()

        assert aborted == 1
        assert [name for name in rig.files() if "uploads/" in name]
        assert (await ada.read(known["id"]))["state"] == "uploading"


async def test_a_dropped_upload_is_gone_to_the_last_byte(rig: Rig, ada: Uploader) -> None:
    half = await ada.upload(photo())
    whole = await ada.ready(photo(seed=2))
    failed = await ada.ready(b"no photo")

    for upload in (half, whole["id"], failed["id"]):
        ok(await ada.call("DELETE", f"/v1/uploads/{upload}"))
        assert (await ada.call("GET", f"/v1/uploads/{upload}")).status_code == 404
    await rig.settle()

    assert rig.files() == []
    assert (await ada.call("DELETE", f"/v1/uploads/{half}")).status_code == 204
    assert (await rig.fetch(whole["slide"]["renditions"][0]["url"])).status_code == 404
    assert ok(await ada.call("GET", "/v1/limits"))["quota"]["used"] == 0


async def test_an_upload_in_use_can_not_be_dropped(rig: Rig, ada: Uploader) -> None:
    upload = await ada.ready(photo())
    await ada.share(upload["id"])

    refused = await ada.call("DELETE", f"/v1/uploads/{upload['id']}")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/upload-in-use")


async def test_the_quota_counts_original_and_renditions(rig: Rig, ada: Uploader) -> None:
    upload = await ada.ready(photo())

    used = ok(await ada.call("GET", "/v1/limits"))["quota"]["used"]

    on_disk = sum((rig.folder / "blobs" / name).stat().st_size for name in rig.files())
    assert used == on_disk > upload["bytes"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose blobs lie on a file system of two megabytes."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(blobs)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield tmp_path
    subprocess.run(["umount", "-l", str(blobs)], check=True)


async def test_on_a_full_disk_uploads_are_told_so_and_reads_go_on(small_disk: Path) -> None:
    async with open_rig(small_disk) as rig:
        ada = await rig.join("ada")
        shown = await ada.ready(photo())
        begun = await ada.begin("image/jpeg", 1_200_000)
        filler = rig.folder / "blobs" / "filler"
        filler.write_bytes(bytes(1_200_000))

        part = await ada.send(begun["id"], 1, bytes(1_200_000))
        another: Any = await ada.call(
            "POST", "/v1/uploads", json={"content_type": "image/jpeg", "bytes": 1_500_000}
        )
        read = await rig.fetch(shown["slide"]["renditions"][0]["url"])

        assert (part.status_code, another.status_code) == (507, 507)
        assert another.json()["type"] == "/problems/no-room-for-upload"
        assert read.status_code == 200
        assert (await ada.read(begun["id"]))["parts"] == []
        filler.unlink()
        assert (await ada.send(begun["id"], 1, bytes(1_200_000))).status_code == 200


async def test_an_unplugged_disk_is_answered_and_survived(rig: Rig, ada: Uploader) -> None:
    data = photo()
    waiting = await ada.upload(data)
    shown = (await ada.ready(photo(seed=2)))["slide"]["renditions"][0]["url"]
    begun = await ada.begin("image/jpeg", len(data))
    signed = await ada.sign(begun["id"], 1)
    away = rig.folder / "away"
    (rig.folder / "blobs").rename(away)

    during = [
        await ada.call("POST", "/v1/uploads", json={"content_type": "image/jpeg", "bytes": 10}),
        await rig.client.put(signed["url"], content=data),
        await ada.complete(waiting),
        await rig.fetch(shown),
    ]
    away.rename(rig.folder / "blobs")
    after = await rig.client.put(signed["url"], content=data)
    ok(await ada.complete(waiting))
    await rig.settle()

    assert [answer.status_code for answer in during] == [503] * 4
    assert all("retry-after" in answer.headers for answer in during)
    assert after.status_code == 200
    assert (await ada.read(waiting))["state"] == "ready"
    assert (await rig.fetch(shown)).status_code == 200

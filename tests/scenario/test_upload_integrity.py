"""What was stored is what was sent, what another device finds, and words for what is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import ok
from tests.media_rig import Rig, Uploader, digest, open_rig, photo
from tintype.media import store
from tintype.media.model import PART_BYTES

HEAD = 4096


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ada(rig: Rig) -> Uploader:
    return await rig.join("ada")


async def begin(person: Uploader, data: bytes, **more: Any) -> Any:
    body = {"content_type": "image/jpeg", "bytes": len(data), **more}
    return ok(await person.call("POST", "/v1/uploads", json=body))


def flip(path: Path, at: int = 100) -> None:
    """Change one bit of a file, as an old disk does."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


async def test_a_flipped_bit_on_the_disk_is_found_and_told(rig: Rig, ada: Uploader) -> None:
    data = photo()
    upload = (await begin(ada, data, sha256=digest(data)))["id"]
    ok(await ada.send(upload, 1, data))
    [part] = [name for name in rig.files() if not name.endswith("about.json")]
    flip(rig.folder / "blobs" / part)

    ok(await ada.complete(upload))
    await rig.settle()

    seen = await ada.read(upload)
    assert (seen["state"], seen["reason_code"], seen["retryable"]) == ("failed", "damaged", True)
    assert "damaged" in seen["reason"]
    assert seen["slide"] is None


async def test_the_hash_of_what_arrived_is_told(rig: Rig, ada: Uploader) -> None:
    data = photo()

    upload = await ada.ready(data)

    assert upload["sha256"] == digest(data)


async def test_a_hash_of_hashes_declared_at_the_end_is_checked(rig: Rig, ada: Uploader) -> None:
    data = photo(seed=3)
    right = hashlib.sha256(hashlib.sha256(data).digest()).hexdigest()
    states = {}
    for name, said in (("right", right), ("wrong", digest(b"else"))):
        upload = await ada.upload(data)
        path = f"/v1/uploads/{upload}/complete"
        ok(await ada.call("POST", path, json={"parts_sha256": said}))
        await rig.settle()
        states[name] = (await ada.read(upload))["state"]

    assert states == {"right": "ready", "wrong": "failed"}


async def test_a_part_that_is_not_the_one_that_was_sent_is_named(rig: Rig, ada: Uploader) -> None:
    data = photo()
    begun = await begin(ada, data)
    etag = (await ada.send(begun["id"], 1, data)).headers["etag"]
    path = f"/v1/uploads/{begun['id']}/complete"

    other = await ada.call("POST", path, json={"parts": [{"number": 1, "etag": "0" * 32}]})
    same = await ada.call("POST", path, json={"parts": [{"number": 1, "etag": etag}]})

    assert (other.status_code, other.json()["parts"]) == (409, [1])
    assert other.json()["type"] == "/problems/upload-damaged"
    assert same.status_code == 202


async def test_completing_at_the_same_moment_processes_once(rig: Rig, ada: Uploader) -> None:
    upload = await ada.upload(photo())

    answers = await asyncio.gather(*(ada.complete(upload) for _ in range(5)))
    await rig.settle()

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert (await ada.read(upload))["state"] == "ready"


async def test_another_device_finds_what_is_unfinished(rig: Rig, ada: Uploader) -> None:
    bo = await rig.join("bo")
    data = photo()
    first = await begin(ada, data, filename="C:\\Photos\\dawn.jpg")
    second = await begin(ada, data, filename="noon\u202e.jpg")
    await begin(bo, data)
    ready = await ada.ready(data)

    page = ok(await ada.call("GET", "/v1/uploads?limit=1"))
    rest = ok(await ada.call("GET", f"/v1/uploads?limit=1&cursor={page['next_cursor']}"))
    done = ok(await ada.call("GET", "/v1/uploads?state=ready"))

    [newest], [oldest] = page["items"], rest["items"]
    assert (newest["id"], newest["filename"]) == (second["id"], "noon.jpg")
    assert (oldest["id"], oldest["filename"]) == (first["id"], "dawn.jpg")
    assert (oldest["bytes"], oldest["post_id"]) == (len(data), None)
    assert rest["next_cursor"] is None
    assert [each["id"] for each in done["items"]] == [ready["id"]]
    assert (await rig.client.get("/v1/uploads")).status_code == 401


@pytest.mark.parametrize(
    ("filename", "data", "status", "words"),
    [
        ("notes.jpg", b"%PDF-1.7\n", 415, "notes.jpg is a PDF document"),
        ("all.jpg", b"PK\x03\x04" + bytes(60), 415, "all.jpg is a ZIP archive"),
        ("run.jpg", b"MZ\x90\0" + bytes(60), 415, "run.jpg is a Windows program"),
        (
            "bomb.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30",
            422,
            "bomb.png is 30000 × 30000 pixels",
        ),
    ],
)
async def test_the_head_of_a_file_is_enough_to_refuse_it_by_name(
    ada: Uploader, filename: str, data: bytes, status: int, words: str
) -> None:
    body = {
        "content_type": "image/jpeg",
        "bytes": 5000,
        "filename": filename,
        "head": base64.b64encode(data).decode(),
    }

    answer = await ada.call("POST", "/v1/uploads", json=body)

    assert answer.status_code == status
    assert answer.json()["detail"].startswith(words)


async def test_a_head_decides_what_a_file_is_and_not_its_name(ada: Uploader) -> None:
    data = photo(kind=".png")
    head = base64.b64encode(data[:HEAD]).decode()

    begun = await begin(ada, data, content_type="video/mp4", filename="film.mp4", head=head)
    wrong = await ada.call(
        "POST", "/v1/uploads", json={"content_type": "image/png", "bytes": 5, "head": "…"}
    )

    assert (await ada.read(begun["id"]))["content_type"] == "image/png"
    assert wrong.status_code == 422


async def test_a_refusal_names_the_file_and_the_limit(ada: Uploader) -> None:
    body = {"content_type": "image/jpeg", "bytes": 9 * 1024**2, "filename": "dawn.jpg"}

    large = await ada.call("POST", "/v1/uploads", json=body)
    empty = await ada.call("POST", "/v1/uploads", json=body | {"bytes": 0})

    assert large.json()["detail"] == "dawn.jpg has 9 MB; a photo may have up to 8 MB."
    assert empty.json()["detail"] == "dawn.jpg is empty."


async def test_parts_arrive_in_any_order_and_their_lengths_are_exact(
    rig: Rig, ada: Uploader
) -> None:
    size = PART_BYTES + 10
    begun = await ada.begin("video/mp4", size)

    last = await ada.send(begun["id"], 2, bytes(10))
    beyond = await ada.call("GET", f"/v1/uploads/{begun['id']}/parts/3")
    zeroth = await ada.call("GET", f"/v1/uploads/{begun['id']}/parts/0")
    early = await ada.complete(begun["id"])

    assert (last.status_code, beyond.status_code, zeroth.status_code) == (200, 404, 404)
    assert (early.status_code, early.json()["missing"]) == (409, [1])


async def test_what_can_never_work_is_not_retryable(rig: Rig, ada: Uploader) -> None:
    upload = await ada.ready(b"just some words, no picture at all")

    assert (upload["state"], upload["retryable"]) == ("failed", False)
    assert "a text" in upload["reason"]


async def test_the_limits_tell_everything_that_is_enforced(rig: Rig) -> None:
    limits = ok(await rig.client.get("/v1/limits"))

    assert (limits["pixels"], limits["video_seconds"]) == (50_000_000, 3600)
    assert (limits["upload_seconds"], limits["part_address_seconds"]) == (48 * 3600, 3600)
    assert (limits["handle"], limits["password_least"], limits["head_bytes"]) == (30, 8, HEAD)


async def test_a_file_that_the_server_gave_up_on_is_processed_again(
    rig: Rig, ada: Uploader
) -> None:
    upload = await ada.upload(photo())
    async with rig.database.write() as tx:
        changed = {"state": "failed", "reason_code": "gave-up", "reason": "Try again."}
        assert await store.change(tx, int(upload), changed)
    failed = await ada.read(upload)

    again = await ada.complete(upload)
    await rig.settle()

    assert (failed["state"], failed["retryable"], again.status_code) == ("failed", True, 202)
    assert (await ada.read(upload))["state"] == "ready"


async def test_a_companion_s_upload_has_the_parts_that_uppy_makes(rig: Rig, ada: Uploader) -> None:
    path = "/v1/companion/s3/multipart"
    size = 12 * 1024**2
    asked: dict[str, Any] = {"filename": "a.mp4", "type": "video/mp4", "metadata": {"size": size}}

    begun = ok(await ada.call("POST", path, json=asked))
    told = asked | {"metadata": {"size": str(size), "part_size": size}}
    whole = ok(await ada.call("POST", path, json=told))
    silent = await ada.call("POST", path, json=asked | {"metadata": {}})
    small = await ada.call("POST", path, json=asked | {"metadata": {"size": size, "part_size": 1}})
    form = await ada.call("GET", "/v1/companion/s3/params?filename=a.jpg&type=image/jpeg")
    other = await ada.call("GET", f"{path}/{begun['uploadId']}/1?key={whole['key']}")

    upload = await ada.read(begun["uploadId"])
    assert (upload["part_size"], upload["part_count"]) == (5 * 1024**2, 3)
    assert (await ada.read(whole["key"]))["part_count"] == 1
    assert (silent.status_code, small.status_code) == (422, 422)
    assert silent.json()["errors"][0]["pointer"] == "/metadata/size"
    assert (form.status_code, form.json()["type"]) == (409, "/problems/form-upload-refused")
    assert other.status_code == 404
    ok(await ada.call("DELETE", f"{path}/{begun['uploadId']}?key={begun['key']}"))
    assert (await ada.call("GET", f"{path}/{begun['uploadId']}")).status_code == 404

"""A bucket whose disk changes a bit, and what the server says about it."""

from __future__ import annotations

from pathlib import Path

from tests.cast import ok
from tests.media_rig import digest, photo
from tests.scenario.storage.town import Town
from tools.engines.s3 import S3Server


def flip(path: Path, at: int = 100) -> None:
    """Change one bit of a file, as an old disk does."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


async def test_a_flipped_bit_in_the_bucket_is_found_and_told(
    town: Town, s3_server: S3Server
) -> None:
    ada = await town.join("ada")
    data = photo()
    asked = {"content_type": "image/jpeg", "bytes": len(data), "sha256": digest(data)}
    upload = ok(await ada.call("POST", "/v1/uploads", json=asked))["id"]
    ok(await ada.send(upload, data))
    folder = s3_server.objects / town.settings.bucket
    [part] = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    ]
    flip(part)

    ok(await ada.call("POST", f"/v1/uploads/{upload}/complete"))
    await town.settle()

    seen = await ada.state(upload)
    assert (seen["state"], seen["reason_code"], seen["retryable"]) == ("failed", "damaged", True)
    assert town.counted.bytes("/parts/") == 0


async def test_what_arrived_whole_in_the_bucket_is_told_by_its_hash(town: Town) -> None:
    ada = await town.join("ada")
    data = photo(seed=2)

    upload = await ada.upload(data)
    await town.settle()

    seen = await ada.state(upload)
    assert (seen["state"], seen["sha256"]) == ("ready", digest(data))
    assert seen["parts"] == []


async def test_the_client_s_etags_are_compared_with_the_bucket_s(town: Town) -> None:
    ada = await town.join("ada")
    data = photo(seed=3)
    upload = await ada.begin(data)
    etag = (await ada.send(upload, data)).headers["etag"]
    path = f"/v1/uploads/{upload}/complete"

    other = await ada.call("POST", path, json={"parts": [{"number": 1, "etag": "0" * 32}]})
    same = await ada.call("POST", path, json={"parts": [{"number": 1, "etag": etag}]})

    assert (other.status_code, other.json()["parts"], same.status_code) == (409, [1], 202)

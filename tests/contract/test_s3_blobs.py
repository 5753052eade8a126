from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.stub import Stubber
from pydantic import SecretStr

from tests.contract.blobs import PART, TEXT, BlobsContract, Outage, Put, send_part
from tests.engines_s3 import fresh_bucket, settings_of
from tintype.adapters.s3 import S3Settings, files
from tintype.adapters.s3.blobs import S3Blobs
from tintype.adapters.s3.signing import Presigner
from tintype.kernel.clock import ManualClock
from tintype.ports.blobs import SignedPart
from tintype.ports.errors import NoSuchUpload, TimedOut, Unavailable
from tools.engines.s3 import S3Server
from tools.engines.toxiproxy import Toxiproxy

MIB = 1024 * 1024


class Killed:
    """The server dies, and is started again over the same folder."""

    def __init__(self, server: S3Server) -> None:
        self._server = server

    async def pull(self) -> None:
        self._server.kill()

    async def plug(self) -> None:
        self._server.start()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as opened:
        yield opened


@pytest.fixture
def put(client: httpx.AsyncClient) -> Put:
    async def send(
        signed: SignedPart, data: bytes, *, method: str | None = None, url: str | None = None
    ) -> httpx.Response:
        headers = signed.headers | {"Content-Length": str(len(data))}
        return await client.request(
            method or signed.method, url or signed.url, content=data, headers=headers
        )

    return send


@pytest.fixture
async def bucket(s3_settings: S3Settings) -> AsyncIterator[S3Blobs]:
    store = S3Blobs(s3_settings)
    yield store
    store.close()


class TestS3Blobs(BlobsContract):
    @pytest.fixture
    def blobs(self, bucket: S3Blobs) -> S3Blobs:
        return bucket

    @pytest.fixture
    def put(self, put: Put) -> Put:
        return put

    @pytest.fixture
    def outage(self, s3_server: S3Server) -> Iterator[Outage]:
        yield Killed(s3_server)
        if not s3_server.running:
            s3_server.start()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


# --- addresses


@pytest.mark.parametrize("token", [None, "lent/by+the=machine"])
@pytest.mark.parametrize("path_style", [True, False])
def test_an_address_is_signed_as_botocore_signs_it(token: str | None, path_style: bool) -> None:
    settings = S3Settings(
        bucket="photos",
        region="eu-central-1",
        public_endpoint="https://media.example:443",
        path_style=path_style,
    )
    keys = ReadOnlyCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token)
    query = {"partNumber": "7", "uploadId": "a+b/c=~_-. d"}

    url = Presigner(settings).sign(
        "PUT",
        "originals/00f/1",
        credentials=keys,
        at_s=1_770_000_000,
        seconds=3600,
        query=query,
        headers={"content-length": "5"},
    )

    place = url.partition("?")[0] + "?" + urlencode(query, quote_via=quote, safe="")
    request = AWSRequest("PUT", place, headers={"Content-Length": "5"})
    theirs: Any = S3SigV4QueryAuth(keys, "s3", "eu-central-1", expires=3600)
    request.context["timestamp"] = "20260202T024000Z"
    theirs._modify_request_before_signing(request)
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    theirs._inject_signature_to_request(request, theirs.signature(text, request))
    assert parse_qs(urlsplit(url).query) == parse_qs(urlsplit(str(request.url)).query)
    host = "media.example/photos" if path_style else "photos.media.example"
    assert url.startswith(f"https://{host}/originals/00f/1?")


async def test_a_part_address_ends_after_an_hour(
    s3_settings: S3Settings, put: Put, clock: ManualClock
) -> None:
    blobs = S3Blobs(s3_settings, clock=clock)
    upload = await blobs.create_upload("up", size=3, content_type=TEXT)
    good = await blobs.sign_part("up", upload, number=1, size=3)
    clock.advance(-3605)
    over = await blobs.sign_part("up", upload, number=1, size=3)

    assert (await put(good, b"abc")).status_code == 200
    assert 400 <= (await put(over, b"xyz")).status_code < 500
    assert good.expires_at_ms - over.expires_at_ms == 3_605_000
    blobs.close()


async def test_another_secret_signs_nothing_that_the_server_takes(
    s3_settings: S3Settings, bucket: S3Blobs, put: Put
) -> None:
    wrong = s3_settings.model_copy(update={"secret_key": SecretStr("not the secret")})
    stranger = S3Blobs(wrong)
    upload = await bucket.create_upload("up", size=3, content_type=TEXT)

    answer = await put(await stranger.sign_part("up", upload, number=1, size=3), b"abc")

    assert answer.status_code == 403
    with pytest.raises(Unavailable):
        await stranger.head("up")
    stranger.close()


async def test_anybody_reads_by_a_signed_address_until_it_ends(
    s3_settings: S3Settings, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    blobs = S3Blobs(s3_settings, clock=clock)
    await blobs.write("photo", b"0123456789", content_type="image/webp")
    url = await blobs.sign_read("photo", seconds=60)
    clock.advance(-120)
    over = await blobs.sign_read("photo", seconds=60)
    assert url is not None
    assert over is not None

    whole = await client.get(url)
    middle = await client.get(url, headers={"Range": "bytes=2-4"})
    refused = [
        await client.get(over),
        await client.get(url.partition("?")[0]),
        await client.get(url.replace("/photo?", "/other?")),
        await client.put(url, content=b"mine"),
        await client.delete(url),
    ]

    assert whole.content == b"0123456789"
    assert whole.headers["content-type"] == "image/webp"
    assert whole.headers["cache-control"] == "private, max-age=600"
    assert whole.headers["content-disposition"] == "inline"
    assert (middle.status_code, middle.content) == (206, b"234")
    assert all(answer.status_code in {400, 403} for answer in refused)
    blobs.close()


async def test_the_same_address_is_met_again_for_half_of_its_time() -> None:
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    settings = S3Settings(bucket="photos", access_key="a", secret_key=SecretStr("b"))
    blobs = S3Blobs(settings, clock=clock)

    first = await blobs.sign_read("photo", seconds=600)
    clock.advance(299)
    same = await blobs.sign_read("photo", seconds=600)
    clock.advance(1)
    other = await blobs.sign_read("photo", seconds=600)

    assert first == same != other
    blobs.close()


# --- servers differ, answers get lost


async def test_completion_whose_answer_was_lost_is_seen_by_the_blob_itself(
    bucket: S3Blobs, put: Put
) -> None:
    upload = await bucket.create_upload("up", size=3, content_type=TEXT)
    await send_part(bucket, put, "up", upload, b"abc")
    parts = await bucket.parts("up", upload)
    done = await bucket.complete("up", upload, parts)

    with Stubber(bucket.connection.patient) as forgetful:
        # Garage forgets an upload with its completion; versitygw answers 200 once more.
        for _ in range(2):
            forgetful.add_client_error("complete_multipart_upload", "NoSuchUpload")
        again = await bucket.complete("up", upload, parts)
        await bucket.write("up", b"xyz", content_type=TEXT)
        with pytest.raises(NoSuchUpload):
            await bucket.complete("up", upload, parts)

    assert again == done


async def test_a_completion_that_changed_nothing_is_no_success(bucket: S3Blobs, put: Put) -> None:
    upload = await bucket.create_upload("up", size=3, content_type=TEXT)
    await send_part(bucket, put, "up", upload, b"abc")
    parts = await bucket.parts("up", upload)
    await bucket.abort("up", upload)
    await bucket.write("up", b"something else", content_type=TEXT)

    # versitygw says 200 to this, because there is a blob under the key.
    with pytest.raises(NoSuchUpload):
        await bucket.complete("up", upload, parts)


async def test_a_bucket_that_is_gone_has_lost_nothing(s3_server: S3Server) -> None:
    blobs = S3Blobs(settings_of(s3_server, "no-such-bucket"))

    for call in (blobs.head("a"), blobs.read("a"), blobs.delete("a"), blobs.parts("a", "b" * 36)):
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable):
        await anext(blobs.under("a/"))
    blobs.close()


async def test_listings_go_on_over_many_pages(bucket: S3Blobs, put: Put) -> None:
    for number in range(5):
        await bucket.write(f"p/{number}", b"x", content_type=TEXT)
    client = bucket.connection.client
    paginate = client.get_paginator

    def short(operation: str) -> Any:
        pages = paginate(operation)
        whole = pages.paginate
        pages.paginate = lambda **asked: whole(**asked, PaginationConfig={"PageSize": 2})
        return pages

    client.get_paginator = short

    assert [blob.key async for blob in bucket.under("p/")] == [f"p/{number}" for number in range(5)]


async def test_a_large_file_goes_in_parts_and_comes_whole(
    bucket: S3Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_AT_ONCE", 6 * MIB)
    monkeypatch.setattr(files, "_PART", PART)
    data = os.urandom(2 * PART + 17)
    (tmp_path / "mine").write_bytes(data)

    stored = await bucket.store("film", tmp_path / "mine", content_type="video/mp4")
    await bucket.fetch("film", tmp_path / "fetched")

    assert (stored.bytes, stored.etag[-2:]) == (len(data), "-3")
    assert (tmp_path / "fetched").read_bytes() == data
    assert [upload async for upload in bucket.uploads()] == []


# --- a bad line


async def test_a_storage_that_takes_and_never_answers_is_timed_out(s3_server: S3Server) -> None:
    settings = fresh_bucket(s3_server)
    blobs = S3Blobs(settings)
    hasty = S3Blobs(settings.model_copy(update={"seconds": 0.3, "patience": 0.3}))
    await blobs.write("a", b"kept", content_type=TEXT)
    s3_server.pause()
    try:
        for call in (
            lambda: hasty.head("a"),
            lambda: hasty.read("a"),
            lambda: hasty.write("b", b"", content_type=TEXT),
        ):
            with pytest.raises(TimedOut):
                await call()
    finally:
        s3_server.resume()

    assert await blobs.read("a") == b"kept"
    hasty.close()
    blobs.close()


async def test_a_line_that_is_cut_within_a_blob_is_unavailable_and_leaves_no_file(
    s3_server: S3Server, toxiproxy: Toxiproxy, tmp_path: Path
) -> None:
    link = toxiproxy.link("bucket", s3_server.port)
    settings = fresh_bucket(s3_server, seconds=5)
    far = S3Blobs(settings.model_copy(update={"endpoint": f"http://127.0.0.1:{link.port}"}))
    await far.write("film", os.urandom(8 * MIB), content_type=TEXT)
    link.narrow(2000)

    fetching = asyncio.create_task(far.fetch("film", tmp_path / "fetched"))
    pieces = far.stream("film")
    await anext(pieces)
    link.cut()

    with pytest.raises(Unavailable):
        await fetching
    with pytest.raises(Unavailable):
        [piece async for piece in pieces]
    assert not (tmp_path / "fetched").exists()
    link.mend()
    assert (await far.head("film")).bytes == 8 * MIB
    far.close()

"""What every Blobs promises. Subclass it and give it the three fixtures at its top."""

from __future__ import annotations

import abc
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from tintype.ports.blobs import Blobs, SignedPart, StoredPart
from tintype.ports.errors import BlobNotFound, Corrupt, NoSuchUpload, Unavailable

PART = 5 * 1024 * 1024  # the smallest part that S3 takes before the last one
TEXT = "text/plain"

Put = Callable[..., Awaitable[httpx.Response]]


class Outage(Protocol):
    """Takes the storage away from a running adapter, and gives it back."""

    async def pull(self) -> None: ...
    async def plug(self) -> None: ...


class BlobsContract(abc.ABC):
    @pytest.fixture
    @abc.abstractmethod
    def blobs(self) -> Blobs | AsyncIterator[Blobs]: ...

    @pytest.fixture
    @abc.abstractmethod
    def put(self) -> Put:
        """``await put(signed, data, **changes)``: sends a part as a client would."""

    @pytest.fixture
    @abc.abstractmethod
    def outage(self) -> Outage: ...

    # --- whole blobs

    async def test_a_blob_reads_back_as_it_was_written(self, blobs: Blobs) -> None:
        data = os.urandom(1000)

        written = await blobs.write("a/b-1/c_2.bin", data, content_type=TEXT)

        assert written == await blobs.head("a/b-1/c_2.bin")
        assert (written.key, written.bytes) == ("a/b-1/c_2.bin", 1000)
        assert await blobs.read("a/b-1/c_2.bin") == data

    async def test_an_empty_blob_is_a_blob(self, blobs: Blobs) -> None:
        await blobs.write("empty", b"", content_type=TEXT)

        assert (await blobs.head("empty")).bytes == 0
        assert await blobs.read("empty") == b""
        assert [piece async for piece in blobs.stream("empty")] == []

    async def test_writing_again_replaces_and_changes_the_etag(self, blobs: Blobs) -> None:
        first = await blobs.write("a", b"one", content_type=TEXT)

        second = await blobs.write("a", b"two", content_type=TEXT)

        assert await blobs.read("a") == b"two"
        assert first.etag != second.etag

    async def test_a_missing_key_raises_blob_not_found(self, blobs: Blobs, tmp_path: Path) -> None:
        for call in (
            blobs.head("none"),
            blobs.read("none"),
            blobs.fetch("none", tmp_path / "fetched"),
        ):
            with pytest.raises(BlobNotFound):
                await call
        with pytest.raises(BlobNotFound):
            await anext(blobs.stream("none"))
        assert not (tmp_path / "fetched").exists()

    async def test_a_prefix_is_not_a_blob(self, blobs: Blobs) -> None:
        await blobs.write("folder/blob", b"x", content_type=TEXT)

        with pytest.raises(BlobNotFound):
            await blobs.head("folder")
        with pytest.raises(BlobNotFound):
            await blobs.read("folder/blob/deeper")
        await blobs.delete("folder")
        assert await blobs.read("folder/blob") == b"x"

    async def test_ranges_are_cut_exactly(self, blobs: Blobs) -> None:
        data = os.urandom(700_000)
        await blobs.write("a", data, content_type=TEXT)

        assert await blobs.read("a", start=10, length=20) == data[10:30]
        assert await blobs.read("a", start=699_990, length=100) == data[-10:]
        assert await blobs.read("a", start=800_000) == b""
        assert await blobs.read("a", start=5, length=0) == b""

    async def test_a_stream_gives_the_same_bytes_in_small_pieces(self, blobs: Blobs) -> None:
        data = os.urandom(700_000)
        await blobs.write("a", data, content_type=TEXT)

        pieces = [piece async for piece in blobs.stream("a", start=3, length=600_000)]

        assert b"".join(pieces) == data[3:600_003]
        assert max(map(len, pieces)) <= 256 * 1024

    async def test_a_stream_outlives_the_deletion_of_its_blob(self, blobs: Blobs) -> None:
        data = os.urandom(700_000)
        await blobs.write("a", data, content_type=TEXT)

        stream = blobs.stream("a")
        pieces = [await anext(stream)]
        await blobs.delete("a")
        pieces += [piece async for piece in stream]

        assert b"".join(pieces) == data

    async def test_a_file_is_stored_and_fetched_whole(self, blobs: Blobs, tmp_path: Path) -> None:
        data = os.urandom(300_000)
        (tmp_path / "mine").write_bytes(data)

        stored = await blobs.store("videos/1", tmp_path / "mine", content_type=TEXT)
        (tmp_path / "mine").write_bytes(b"changed afterwards")
        await blobs.fetch("videos/1", tmp_path / "fetched")

        assert stored.bytes == 300_000
        assert (tmp_path / "fetched").read_bytes() == data

    async def test_a_fetched_file_outlives_its_blob(self, blobs: Blobs, tmp_path: Path) -> None:
        await blobs.write("a", b"kept", content_type=TEXT)
        await blobs.fetch("a", tmp_path / "fetched")

        await blobs.write("a", b"replaced", content_type=TEXT)
        await blobs.delete("a")

        assert (tmp_path / "fetched").read_bytes() == b"kept"

    async def test_deleting_is_final_and_repeatable(self, blobs: Blobs) -> None:
        await blobs.write("a/b/c", b"x", content_type=TEXT)

        await blobs.delete("a/b/c")
        await blobs.delete("a/b/c")

        with pytest.raises(BlobNotFound):
            await blobs.head("a/b/c")
        await blobs.write("a/b", b"a prefix is free again", content_type=TEXT)

    async def test_a_prefix_lists_its_blobs_and_no_others(self, blobs: Blobs) -> None:
        for key in ("p/1", "p/2/3", "pp/4", "q"):
            await blobs.write(key, key.encode(), content_type=TEXT)

        found = [blob async for blob in blobs.under("p/")]

        assert sorted(blob.key for blob in found) == ["p/1", "p/2/3"]
        assert all(blob.bytes == len(blob.key) for blob in found)
        assert [blob async for blob in blobs.under("nothing/")] == []

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "A", "a b", "ä", "a\0", "a" * 501]
    )
    async def test_a_key_outside_the_alphabet_is_refused(self, blobs: Blobs, key: str) -> None:
        with pytest.raises(ValueError, match="not a blob key"):
            await blobs.write(key, b"x", content_type=TEXT)
        with pytest.raises(ValueError, match="not a blob key"):
            await blobs.read(key)
        with pytest.raises(ValueError, match="not a blob key"):
            await blobs.delete(key)

    # --- uploads in parts

    async def test_parts_sent_out_of_order_become_the_blob(self, blobs: Blobs, put: Put) -> None:
        data = os.urandom(2 * PART + 1000)
        upload = await blobs.create_upload("up/1", size=len(data), content_type=TEXT)

        for number in (3, 1, 2):
            answer = await _send(blobs, put, "up/1", upload, number, data)
            assert answer.status_code == 200
        parts = await blobs.parts("up/1", upload)
        blob = await blobs.complete("up/1", upload, parts)

        assert [(part.number, part.bytes) for part in parts] == [(1, PART), (2, PART), (3, 1000)]
        assert blob.bytes == len(data)
        assert _digest(await blobs.read("up/1")) == _digest(data)

    async def test_the_etag_of_a_part_is_answered_and_listed(self, blobs: Blobs, put: Put) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)

        answer = await _send(blobs, put, "up/1", upload, 1, b"abc")

        [part] = await blobs.parts("up/1", upload)
        assert answer.headers["etag"].strip('"') == part.etag

    async def test_nothing_is_seen_before_completion(self, blobs: Blobs, put: Put) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", upload, 1, b"abc")

        with pytest.raises(BlobNotFound):
            await blobs.head("up/1")
        assert [blob async for blob in blobs.under("up/")] == []

    async def test_a_part_sent_again_replaces_the_first(self, blobs: Blobs, put: Put) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", upload, 1, b"abc")

        await _send(blobs, put, "up/1", upload, 1, b"xyz!")

        parts = await blobs.parts("up/1", upload)
        assert [(part.number, part.bytes) for part in parts] == [(1, 4)]
        await blobs.complete("up/1", upload, parts)
        assert await blobs.read("up/1") == b"xyz!"

    async def test_completing_twice_answers_the_same(self, blobs: Blobs, put: Put) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", upload, 1, b"abc")
        parts = await blobs.parts("up/1", upload)

        first = await blobs.complete("up/1", upload, parts)

        assert await blobs.complete("up/1", upload, parts) == first

    async def test_completing_with_a_part_that_differs_is_corrupt_and_keeps_the_upload(
        self, blobs: Blobs, put: Put
    ) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", upload, 1, b"abc")
        [part] = await blobs.parts("up/1", upload)

        for wrong in (
            StoredPart(number=1, bytes=3, etag=part.etag[::-1]),
            StoredPart(number=2, bytes=3, etag=part.etag),
        ):
            with pytest.raises(Corrupt):
                await blobs.complete("up/1", upload, [wrong])

        assert await blobs.parts("up/1", upload) == [part]

    async def test_a_finished_or_aborted_upload_is_unknown(self, blobs: Blobs, put: Put) -> None:
        done = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", done, 1, b"abc")
        parts = await blobs.parts("up/1", done)
        await blobs.complete("up/1", done, parts)
        aborted = await blobs.create_upload("up/2", size=3, content_type=TEXT)

        await blobs.abort("up/2", aborted)
        await blobs.abort("up/2", aborted)

        for key, upload in (("up/1", done), ("up/2", aborted), ("up/3", "0" * 32)):
            with pytest.raises(NoSuchUpload):
                await blobs.parts(key, upload)
        with pytest.raises(NoSuchUpload):
            await blobs.complete("up/2", aborted, parts)
        assert [upload async for upload in blobs.uploads()] == []
        assert 400 <= (await _send(blobs, put, "up/2", aborted, 1, b"abc")).status_code < 500

    async def test_an_upload_belongs_to_its_key(self, blobs: Blobs) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)

        with pytest.raises(NoSuchUpload):
            await blobs.parts("up/2", upload)

    async def test_open_uploads_are_listed(self, blobs: Blobs) -> None:
        one = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        two = await blobs.create_upload("up/1", size=3, content_type=TEXT)

        found = [upload async for upload in blobs.uploads()]

        assert {(upload.key, upload.upload) for upload in found} == {("up/1", one), ("up/1", two)}
        assert all(upload.begun_at_ms > 1_700_000_000_000 for upload in found)

    async def test_a_part_url_permits_exactly_what_was_signed(self, blobs: Blobs, put: Put) -> None:
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        other = await blobs.create_upload("up/2", size=3, content_type=TEXT)
        signed = await blobs.sign_part("up/1", upload, number=1, size=3)

        refused = [
            await put(signed, b"abcd"),
            await put(signed, b"ab"),
            await put(signed, b"abc", method="POST"),
            await put(signed, b"abc", url=signed.url.replace(upload, other)),
            await put(signed, b"abc", url=signed.url[:-1] + "g"),
        ]

        assert signed.method == "PUT"
        assert all(400 <= answer.status_code < 500 for answer in refused)
        assert await blobs.parts("up/1", upload) == []
        assert await blobs.parts("up/2", other) == []
        assert (await put(signed, b"abc")).status_code == 200

    async def test_an_address_to_read_by_gives_the_blob_where_there_are_any(
        self, blobs: Blobs
    ) -> None:
        await blobs.write("photos/1", b"0123456789", content_type=TEXT)

        url = await blobs.sign_read("photos/1", seconds=60)

        assert await blobs.sign_read("photos/1", seconds=60) == url
        if url is not None:
            async with httpx.AsyncClient() as anybody:
                whole = await anybody.get(url)
                piece = await anybody.get(url, headers={"Range": "bytes=2-4"})
            assert (whole.content, piece.content) == (b"0123456789", b"234")
            assert whole.headers["content-type"] == TEXT

    # --- poured, and kept in classes

    @pytest.mark.parametrize("size", [0, 1, 700_000, 20 * 1024 * 1024 + 1])
    async def test_pieces_that_are_poured_become_the_blob(self, blobs: Blobs, size: int) -> None:
        data = os.urandom(size)

        stored = await blobs.pour("p/1", _pieces(data), size=size, content_type=TEXT)

        assert stored == await blobs.head("p/1")
        assert stored.bytes == size
        assert _digest(await blobs.read("p/1")) == _digest(data)
        assert [upload async for upload in blobs.uploads()] == []

    @pytest.mark.parametrize("size", [10, 20 * 1024 * 1024])
    @pytest.mark.parametrize("wrong", [-1, 1])
    async def test_another_number_of_bytes_than_announced_is_corrupt_and_stores_nothing(
        self, blobs: Blobs, size: int, wrong: int
    ) -> None:
        await blobs.write("p/1", b"before", content_type=TEXT)

        with pytest.raises(Corrupt):
            await blobs.pour("p/1", _pieces(bytes(size)), size=size + wrong, content_type=TEXT)

        assert await blobs.read("p/1") == b"before"
        assert [upload async for upload in blobs.uploads()] == []

    async def test_a_source_that_fails_stores_nothing_and_is_heard(self, blobs: Blobs) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield bytes(17 * 1024 * 1024)
            raise Unavailable("the other side")

        with pytest.raises(Unavailable, match="the other side"):
            await blobs.pour("p/1", failing(), size=18 * 1024 * 1024, content_type=TEXT)

        assert [blob async for blob in blobs.under("p/")] == []
        assert [upload async for upload in blobs.uploads()] == []

    async def test_what_is_read_at_once_is_awake_and_need_not_be_woken(self, blobs: Blobs) -> None:
        await blobs.write("a", b"x", content_type=TEXT)

        await blobs.wake("a", days=1, speed="standard")

        standing = await blobs.standing("a")
        assert (standing.awake, standing.waking) == (True, False)
        for call in (
            blobs.standing("none"),
            blobs.wake("none", days=1, speed="standard"),
        ):
            with pytest.raises(BlobNotFound):
                await call

    async def test_a_class_that_is_not_there_is_refused_and_changes_nothing(
        self, blobs: Blobs
    ) -> None:
        await blobs.write("a", b"x", content_type=TEXT)

        with pytest.raises((ValueError, Unavailable)):
            await blobs.regrade("a", "NO_SUCH_CLASS")

        assert await blobs.read("a") == b"x"

    async def test_open_uploads_are_found_by_the_beginning_of_their_key(self, blobs: Blobs) -> None:
        one = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await blobs.create_upload("other/2", size=3, content_type=TEXT)

        assert [each.upload async for each in blobs.uploads("up/")] == [one]

    # --- outage

    async def test_an_outage_is_unavailable_and_nothing_else(
        self, blobs: Blobs, put: Put, outage: Outage, tmp_path: Path
    ) -> None:
        await blobs.write("a", b"kept", content_type=TEXT)
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await _send(blobs, put, "up/1", upload, 1, b"abc")
        parts = await blobs.parts("up/1", upload)

        await outage.pull()

        for call in (
            blobs.head("a"),
            blobs.read("a"),
            blobs.fetch("a", tmp_path / "fetched"),
            blobs.write("b", b"new", content_type=TEXT),
            blobs.delete("a"),
            blobs.create_upload("up/2", size=3, content_type=TEXT),
            blobs.parts("up/1", upload),
            blobs.complete("up/1", upload, parts),
            blobs.abort("up/1", upload),
            blobs.pour("p", _pieces(b"new"), size=3, content_type=TEXT),
            blobs.standing("a"),
            blobs.wake("a", days=1, speed="standard"),
        ):
            with pytest.raises(Unavailable):
                await call
        for listing in (blobs.stream("a"), blobs.under("up/"), blobs.uploads()):
            with pytest.raises(Unavailable):
                await anext(listing)

    async def test_after_an_outage_everything_carries_on(
        self, blobs: Blobs, put: Put, outage: Outage
    ) -> None:
        await blobs.write("a", b"kept", content_type=TEXT)
        upload = await blobs.create_upload("up/1", size=3, content_type=TEXT)
        await outage.pull()
        with pytest.raises(Unavailable):
            await blobs.read("a")

        await outage.plug()

        assert await blobs.read("a") == b"kept"
        assert (await _send(blobs, put, "up/1", upload, 1, b"abc")).status_code == 200
        await blobs.complete("up/1", upload, await blobs.parts("up/1", upload))
        assert await blobs.read("up/1") == b"abc"


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 256 * 1024):
        yield data[start : start + 256 * 1024]


async def send_part(blobs: Blobs, put: Put, key: str, upload: str, data: bytes) -> SignedPart:
    """Sign and send the only part of a small upload; returns what was signed."""
    signed = await blobs.sign_part(key, upload, number=1, size=len(data))
    assert (await put(signed, data)).status_code == 200
    return signed


async def _send(
    blobs: Blobs, put: Put, key: str, upload: str, number: int, data: bytes
) -> httpx.Response:
    piece = data[(number - 1) * PART : number * PART]
    return await put(await blobs.sign_part(key, upload, number=number, size=len(piece)), piece)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

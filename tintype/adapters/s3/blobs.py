"""A bucket as a blob store."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tintype.adapters.s3 import classes, files, pouring
from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.errors import NOT_FOUND, code_of, translated
from tintype.adapters.s3.settings import S3Settings
from tintype.adapters.s3.signing import Presigner
from tintype.kernel.clock import Clock, SystemClock
from tintype.ports.blobs import (
    PART_URL_SECONDS,
    Blob,
    OpenUpload,
    SignedPart,
    Speed,
    Standing,
    StoredPart,
    checked_key,
)
from tintype.ports.errors import BlobNotFound, Corrupt, NoSuchUpload

_PIECE = 256 * 1024
# Whoever was let read it may keep it as long as the longest address to it is good.
_KEEPING = "private, max-age=600"


class S3Blobs:
    """``Blobs`` in a bucket of its own, under the keys as they are.

    Servers differ, and nothing here rests on what only some of them do: neither conditional
    writes, tags and events, nor on what completing a second time answers.
    """

    def __init__(self, settings: S3Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.connection = Connection(settings)
        self._clock = clock or SystemClock()
        self._presigner = Presigner(settings)
        self._bucket = settings.bucket

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self.connection.close()

    async def create_upload(self, key: str, *, size: int, content_type: str) -> str:
        del size  # a bucket has no bound that it would tell
        place, about = self._place(key), _about(content_type)

        def work() -> str:
            with translated(key):
                name: str = self.connection.client.create_multipart_upload(**place, **about)[
                    "UploadId"
                ]
                return name

        return await self.connection.run(work)

    async def sign_part(self, key: str, upload: str, *, number: int, size: int) -> SignedPart:
        now_s = self._clock.now_ms() // 1000
        url = self._presigner.sign(
            "PUT",
            checked_key(key),
            credentials=await self.connection.credentials(),
            at_s=now_s,
            seconds=PART_URL_SECONDS,
            query={"partNumber": str(number), "uploadId": upload},
            headers={"content-length": str(size)},
        )
        return SignedPart(
            url=url,
            method="PUT",
            headers={"Content-Length": str(size)},
            expires_at_ms=(now_s + PART_URL_SECONDS) * 1000,
        )

    async def sign_read(self, key: str, *, seconds: int) -> str:
        # On a grid of half the time, so that caches meet the same address again.
        grid = max(1, seconds // 2)
        return self._presigner.sign(
            "GET",
            checked_key(key),
            credentials=await self.connection.credentials(),
            at_s=self._clock.now_ms() // 1000 // grid * grid,
            seconds=seconds,
            query={},
            headers={},
        )

    async def parts(self, key: str, upload: str) -> list[StoredPart]:
        place = self._place(key)

        def work() -> list[StoredPart]:
            with translated(key):
                pages = self.connection.client.get_paginator("list_parts")
                return [
                    StoredPart(number=part["PartNumber"], bytes=part["Size"], etag=_etag(part))
                    for page in pages.paginate(**place, UploadId=upload)
                    for part in page.get("Parts", [])
                ]

        return await self.connection.run(work)

    async def complete(self, key: str, upload: str, parts: Sequence[StoredPart]) -> Blob:
        place = self._place(key)
        named = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]

        def work() -> Blob:
            if not named:
                raise Corrupt(f"{key}: an upload of no parts")
            try:
                with translated(key):
                    self.connection.patient.complete_multipart_upload(
                        **place, UploadId=upload, MultipartUpload={"Parts": named}
                    )
            except NoSuchUpload as error:
                # An earlier call may have done it and its answer been lost.
                if not self._holds(key, parts):
                    raise NoSuchUpload(key) from error
            done = self._head(key)
            if done.bytes != sum(part.bytes for part in parts):
                raise NoSuchUpload(f"{key}: it was completed with something else")
            return done

        return await self.connection.run(work, patient=True)

    async def abort(self, key: str, upload: str) -> None:
        place = self._place(key)

        def work() -> None:
            with contextlib.suppress(NoSuchUpload), translated(key):
                self.connection.client.abort_multipart_upload(**place, UploadId=upload)

        await self.connection.run(work)

    async def uploads(self, prefix: str = "") -> AsyncIterator[OpenUpload]:
        asked = {"Prefix": prefix} if prefix else {}
        async for page in self._pages("list_multipart_uploads", **asked):
            for upload in page.get("Uploads", []):
                begun_ms = int(upload["Initiated"].timestamp() * 1000)
                yield OpenUpload(key=upload["Key"], upload=upload["UploadId"], begun_at_ms=begun_ms)

    async def head(self, key: str) -> Blob:
        checked_key(key)
        return await self.connection.run(lambda: self._head(key))

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        place = self._place(key)

        def work() -> bytes:
            with self._open(place, start, length) as body:
                data: bytes = body.read() if body is not None else b""
                return data

        return await self.connection.run(work)

    async def stream(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        place = self._place(key)
        stack = contextlib.ExitStack()
        run = self.connection.run

        def read(body: Any) -> bytes:
            with translated(key):
                data: bytes = body.read(_PIECE)
                return data

        try:
            body = await run(lambda: stack.enter_context(self._open(place, start, length)))
            while body is not None and (piece := await run(lambda: read(body))):
                yield piece
        finally:
            stack.close()

    async def write(self, key: str, data: bytes, *, content_type: str) -> Blob:
        place, about = self._place(key), _about(content_type)

        def work() -> Blob:
            with translated(key):
                self.connection.client.put_object(**place, **about, Body=data)
            return self._head(key)

        return await self.connection.run(work)

    async def store(self, key: str, path: Path, *, content_type: str) -> Blob:
        place, about = self._place(key), _about(content_type)

        def work() -> Blob:
            files.send(self.connection, path, place, about)
            return self._head(key)

        return await self.connection.run(work, patient=True)

    async def pour(
        self, key: str, pieces: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> Blob:
        basin = pouring.Basin(self.connection, self._place(key), _about(content_type))
        await pouring.pour(basin, pieces, size)
        return await self.head(key)

    async def standing(self, key: str) -> Standing:
        place = self._place(key)
        return await self.connection.run(lambda: classes.standing(self.connection.client, place))

    async def wake(self, key: str, *, days: int, speed: Speed) -> None:
        place = self._place(key)
        client = self.connection.client
        await self.connection.run(lambda: classes.wake(client, place, days, speed))

    async def regrade(self, key: str, grade: str) -> None:
        place = self._place(key)
        client = self.connection.patient
        await self.connection.run(lambda: classes.regrade(client, place, grade), patient=True)

    async def fetch(self, key: str, path: Path) -> None:
        place = self._place(key)
        await self.connection.run(
            lambda: files.receive(self.connection.client, path, place), patient=True
        )

    async def delete(self, key: str) -> None:
        place = self._place(key)
        await self.connection.run(lambda: self._delete(place))

    async def under(self, prefix: str) -> AsyncIterator[Blob]:
        checked_key(prefix.removesuffix("/"))
        async for page in self._pages("list_objects_v2", Prefix=prefix):
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):
                    yield _blob(found["Key"], found["Size"], found)

    async def room(self) -> int | None:
        return None

    async def _pages(self, operation: str, **asked: str) -> AsyncIterator[Any]:
        """The pages of a listing, each asked for when it is wanted."""
        pages: Iterator[Any] = iter(
            self.connection.client.get_paginator(operation).paginate(Bucket=self._bucket, **asked)
        )

        def turn() -> Any:
            with translated():
                return next(pages, None)

        while (page := await self.connection.run(turn)) is not None:
            yield page

    @contextlib.contextmanager
    def _open(self, place: dict[str, str], start: int, length: int | None) -> Iterator[Any]:
        """The body of a blob or of a piece of it; ``None`` where the piece is empty."""
        if length == 0:
            self._head(place["Key"])
            yield None
            return
        asked = dict(place)
        if start or length is not None:
            asked["Range"] = f"bytes={start}-" + ("" if length is None else str(start + length - 1))
        with translated(place["Key"]):
            try:
                body = self.connection.client.get_object(**asked)["Body"]
            except ClientError as error:
                if code_of(error) not in {"InvalidRange", "416"}:
                    raise
                body = None
        if body is None:
            yield None
            return
        with contextlib.closing(body), translated(place["Key"]):
            yield body

    def _head(self, key: str) -> Blob:
        client = self.connection.client
        with translated(key):
            try:
                found = client.head_object(**self._place(key))
            except ClientError as error:
                # Alone it does not say whether the blob is missing or the whole bucket.
                if code_of(error) in NOT_FOUND:
                    self._look_for_bucket()
                raise
        return _blob(key, found["ContentLength"], found)

    def _look_for_bucket(self) -> None:
        self.connection.client.list_objects_v2(Bucket=self._bucket, MaxKeys=1)

    def _delete(self, place: dict[str, str]) -> None:
        with translated(place["Key"]):
            self.connection.client.delete_object(**place)

    def _holds(self, key: str, parts: Sequence[StoredPart]) -> bool:
        """Whether the blob is these parts put together, by its size and its ETag."""
        try:
            found = self._head(key)
            joined = b"".join(bytes.fromhex(part.etag) for part in parts)
        except (BlobNotFound, ValueError):
            return False
        etag = hashlib.md5(joined, usedforsecurity=False).hexdigest() + f"-{len(parts)}"
        return found.bytes == sum(part.bytes for part in parts) and found.etag == etag

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": checked_key(key)}


def _about(content_type: str) -> dict[str, str]:
    """The headers that a blob is served with, for as long as it exists."""
    return {"ContentType": content_type, "CacheControl": _KEEPING, "ContentDisposition": "inline"}


def _blob(key: str, size: int, found: dict[str, Any]) -> Blob:
    stored_ms = int(found["LastModified"].timestamp()) * 1000
    return Blob(key=key, bytes=size, etag=_etag(found), stored_ms=stored_ms)


def _etag(found: dict[str, Any]) -> str:
    etag: str = found["ETag"]
    return etag.strip('"')

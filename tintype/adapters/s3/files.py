"""Local files to the bucket and back; these take as long as the bytes take."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO, Any

from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.errors import translated, translated_files

_AT_ONCE = 256 * 1024 * 1024
_PART = 64 * 1024 * 1024
_PIECE = 1024 * 1024


class _Section:
    """Some bytes of an open file as a file of its own, so that nothing is held in memory."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at


def send(connection: Connection, path: Path, place: dict[str, Any], about: dict[str, str]) -> None:
    """Store a local file; one of more than 256 MiB goes in parts, and is seen whole or not at all.

    ``place`` names bucket and key, ``about`` the headers that are kept with the blob.
    """
    client = connection.client
    with translated_files(), path.open("rb") as file, translated(place["Key"]):
        size = path.stat().st_size
        if size <= _AT_ONCE:
            client.put_object(**place, **about, Body=file)
            return
        upload = client.create_multipart_upload(**place, **about)["UploadId"]
        named = place | {"UploadId": upload}
        try:
            parts = [
                {"PartNumber": number, "ETag": _send_part(client, file, named, number, size)}
                for number in range(1, -(-size // _PART) + 1)
            ]
            connection.patient.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        except BaseException:
            with contextlib.suppress(Exception):
                client.abort_multipart_upload(**named)
            raise


def receive(client: Any, path: Path, place: dict[str, Any]) -> None:
    """Fetch a blob into a file that does not exist yet; a failure leaves none."""
    with translated(place["Key"]), translated_files():
        body = client.get_object(**place)["Body"]
        with contextlib.closing(body), path.open("xb") as file:
            try:
                while data := body.read(_PIECE):
                    file.write(data)
            except BaseException:
                path.unlink(missing_ok=True)
                raise


def _send_part(client: Any, file: IO[bytes], place: dict[str, Any], number: int, size: int) -> str:
    start = (number - 1) * _PART
    section = _Section(file, start, min(_PART, size - start))
    answer = client.upload_part(**place, PartNumber=number, Body=section)
    etag: str = answer["ETag"]
    return etag

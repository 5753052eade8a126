"""Uploads in parts: one folder an upload, one file a part."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from tintype.adapters.disk import files
from tintype.adapters.disk.desk import Desk
from tintype.adapters.disk.signing import is_upload
from tintype.ports.blobs import OpenUpload, StoredPart
from tintype.ports.errors import Corrupt, NoSuchUpload

_ABOUT = "about.json"


class _About(msgspec.Struct, frozen=True):
    key: str
    begun_at_ms: int


class PartStore:
    """The folder ``uploads/`` of a blob folder. Blocking; call it from a thread."""

    def __init__(self, root: Path, desk: Desk) -> None:
        self._root = root
        self._uploads = root / "uploads"
        self._desk = desk

    def begin(self, key: str, now_ms: int) -> str:
        upload = secrets.token_hex(16)
        folder = self._desk.new()
        folder.mkdir(mode=0o750)
        (folder / _ABOUT).write_bytes(msgspec.json.encode(_About(key=key, begun_at_ms=now_ms)))
        files.flush(folder / _ABOUT)
        files.publish(folder, self._uploads / upload, self._root)
        return upload

    def folder(self, upload: str, key: str | None = None) -> Path:
        """The upload's folder.

        Raises:
            NoSuchUpload: unknown, or begun for another key.
        """
        if not is_upload(upload):
            raise NoSuchUpload(upload)
        folder = self._uploads / upload
        with files.translated(self._root, NoSuchUpload(upload)):
            about = msgspec.json.decode((folder / _ABOUT).read_bytes(), type=_About)
        if key is not None and about.key != key:
            raise NoSuchUpload(upload)
        return folder

    def parts(self, upload: str, key: str | None = None) -> dict[StoredPart, Path]:
        """The stored parts by number; of a part that was sent twice, the later one."""
        newest: dict[int, Path] = {}
        folder = self.folder(upload, key)
        with files.translated(self._root, NoSuchUpload(upload)):
            for path in sorted(folder.iterdir()):
                if path.name != _ABOUT:
                    newest[int(path.name.split("-")[0])] = path
            return {_part_of(path.name): path for _, path in sorted(newest.items())}

    def all(self) -> list[OpenUpload]:
        found: list[OpenUpload] = []
        with files.translated(self._root):
            for folder in self._uploads.iterdir():
                try:
                    about = msgspec.json.decode((folder / _ABOUT).read_bytes(), type=_About)
                except FileNotFoundError:
                    continue  # completed or aborted since the folder was listed
                found.append(
                    OpenUpload(key=about.key, upload=folder.name, begun_at_ms=about.begun_at_ms)
                )
        return found

    def assemble(self, upload: str, key: str, wanted: Sequence[StoredPart]) -> Path:
        """A flushed temporary file that holds the wanted parts in order.

        Raises:
            Corrupt: a wanted part is not stored.
        """
        stored = self.parts(upload, key)
        lacking = [part.number for part in wanted if part not in stored]
        if lacking or not wanted:
            raise Corrupt(f"parts {lacking} are not stored as named")
        temporary = self._desk.new()
        try:
            if len(wanted) == 1:
                files.link_or_copy(stored[wanted[0]], temporary)
            else:
                with temporary.open("xb") as file:
                    for part in wanted:
                        files.append(stored[part], file.fileno())
        except BaseException:
            files.discard(temporary)
            raise
        return temporary

    def forget(self, upload: str) -> None:
        """Remove the upload: its name at once, its bytes after."""
        if not is_upload(upload):
            return
        grave = self._desk.new()
        try:
            (self._uploads / upload).rename(grave)
        except FileNotFoundError:
            if not (self._root / files.MARKER).exists():
                raise
            return
        files.flush(self._uploads)
        files.discard(grave)


class PartSink:
    """Receives one part; it exists from ``commit`` on, and never if that is not reached."""

    def __init__(self, temporary: Path, file: IO[bytes]) -> None:
        self.bytes = 0
        self._temporary = temporary
        self._file = file
        self._hash = hashlib.md5(
            usedforsecurity=False
        )  # as buckets do, so that clients can compare

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self.bytes += len(data)

    def commit(self, folder: Path, number: int, now_ns: int) -> StoredPart:
        """Keep the part in place of any earlier one; durable on return."""
        etag = self._hash.hexdigest()
        self._file.close()
        earlier = [path for path in folder.iterdir() if path.name.startswith(f"{number:05d}-")]
        # Names sort by arrival: whoever lists between the two steps already gets the new part.
        latest = max((int(path.name.split("-")[1]) for path in earlier), default=0)
        final = folder / f"{number:05d}-{max(now_ns, latest + 1):020d}-{self.bytes}-{etag}"
        files.flush(self._temporary)
        self._temporary.rename(final)
        files.flush(folder)
        for path in earlier:
            path.unlink(missing_ok=True)
        return StoredPart(number=number, bytes=self.bytes, etag=etag)

    def close(self) -> None:
        """Throw away what was not committed."""
        self._file.close()
        files.discard(self._temporary)


def _part_of(name: str) -> StoredPart:
    number, _, size, etag = name.split("-")
    return StoredPart(number=int(number), bytes=int(size), etag=etag)

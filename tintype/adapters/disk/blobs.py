"""A folder on a local disk as a blob store."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tintype.adapters.disk import files
from tintype.adapters.disk.desk import Desk
from tintype.adapters.disk.intake import PartIntake
from tintype.adapters.disk.parts import PartStore
from tintype.adapters.disk.pouring import Basin, pour
from tintype.adapters.disk.signing import PartClaim, PartSigner
from tintype.adapters.disk.threads import DiskThreads
from tintype.kernel.clock import Clock, SystemClock
from tintype.ports.blobs import (
    Blob,
    OpenUpload,
    SignedPart,
    Speed,
    Standing,
    StoredPart,
    checked_key,
)
from tintype.ports.errors import BlobNotFound, NoSuchUpload, OutOfSpace

_PIECE = 256 * 1024


class DiskSettings(BaseModel):
    """How much of the local disk the media may take, and of the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    free_floor: int = 512 * 1024 * 1024
    """Bytes of the volume that stay free: uploads stop before the database runs out of room."""
    threads: int = 8
    """File operations at the same time; a disk that hangs holds up no more than these."""
    seconds: float = 30
    """How long a file operation may take before the storage counts as not answering."""
    cold_path: Path | None = None
    """A folder on a slower disk for originals that went cold. `tintype storage setup` makes it
    ready. Unset: they stay where they are."""


class DiskBlobs:
    """``Blobs`` in a folder: ``blobs/<key>``, ``uploads/<upload>/<part>``, ``tmp/``.

    Part URLs are answered by ``part_routes`` in any process that serves the same folder and was
    given the same secret. Local disks only: the promises rest on rename and fsync. The folder is
    made ready at start, and only then; with ``mounted``, it must have been made ready before, so
    that a volume which is not mounted is never written beside.
    """

    def __init__(
        self,
        root: Path,
        *,
        secret: bytes,
        clock: Clock | None = None,
        settings: DiskSettings | None = None,
        mounted: bool = False,
    ) -> None:
        self._settings = settings = settings or DiskSettings()
        self._root = root.absolute()
        self._blobs = self._root / "blobs"
        self._desk = Desk(self._root / "tmp")
        self._clock = clock or SystemClock()
        self._signer = PartSigner(secret, self._clock)
        self._parts = PartStore(self._root, self._desk)
        self._threads = DiskThreads(settings.threads, settings.seconds)
        self.intake = PartIntake(
            self._root, self._desk, self._parts, self._threads, self._check_room
        )
        if not mounted or (self._root / files.MARKER).exists():
            with files.translated(self._root):
                self._prepare()

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self._threads.close()
        self._desk.close()

    async def sweep(self) -> int:
        """Remove what processes left that died while they wrote; returns how much of it."""

        def work() -> int:
            with files.translated(self._root):
                return self._desk.sweep()

        return await self._threads.run(work)

    async def create_upload(self, key: str, *, size: int, content_type: str) -> str:
        del content_type  # a file has none; what is served carries our own
        checked_key(key)

        def work() -> str:
            self._check_room(size)
            with files.translated(self._root):
                return self._parts.begin(key, self._clock.now_ms())

        return await self._threads.run(work)

    async def sign_part(self, key: str, upload: str, *, number: int, size: int) -> SignedPart:
        checked_key(key)
        return self._signer.sign(PartClaim(upload=upload, number=number, bytes=size))

    async def sign_read(self, key: str, *, seconds: int) -> str | None:
        del seconds  # files are handed out by whoever streams them
        checked_key(key)
        return None

    def permits(self, claim: PartClaim, *, expires: int, signature: str) -> bool:
        """Whether a part URL was signed here, for exactly this, less than an hour ago."""
        return self._signer.permits(claim, expires=expires, signature=signature)

    async def parts(self, key: str, upload: str) -> list[StoredPart]:
        checked_key(key)
        return list(await self._threads.run(lambda: self._parts.parts(upload, key)))

    async def complete(self, key: str, upload: str, parts: Sequence[StoredPart]) -> Blob:
        path = self._path(key)

        def work() -> Blob:
            try:
                temporary = self._parts.assemble(upload, key, parts)
            except NoSuchUpload:
                done = self._head(key) if path.is_file() else None
                if done is None or done.bytes != sum(part.bytes for part in parts):
                    raise
                return done
            with files.translated(self._root), contextlib.ExitStack() as leftovers:
                leftovers.callback(files.discard, temporary)
                files.publish(temporary, path, self._blobs)
                self._parts.forget(upload)
            return self._head(key)

        return await self._threads.run(work, patient=True)

    async def abort(self, key: str, upload: str) -> None:
        checked_key(key)

        def work() -> None:
            with files.translated(self._root):
                self._parts.forget(upload)

        await self._threads.run(work)

    async def uploads(self, prefix: str = "") -> AsyncIterator[OpenUpload]:
        for upload in await self._threads.run(self._parts.all):
            if upload.key.startswith(prefix):
                yield upload

    async def head(self, key: str) -> Blob:
        checked_key(key)
        return await self._threads.run(lambda: self._head(key))

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        path = self._path(key)

        def work() -> bytes:
            with files.translated(self._root, BlobNotFound(key)), path.open("rb") as file:
                file.seek(start)
                return file.read(-1 if length is None else length)

        return await self._threads.run(work)

    async def stream(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        path = self._path(key)

        def piece_size(at: int) -> int:
            return _PIECE if length is None else min(_PIECE, start + length - at)

        def begin() -> tuple[int, bytes]:
            with files.translated(self._root, BlobNotFound(key)):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    return descriptor, os.pread(descriptor, piece_size(start), start)
                except OSError:
                    os.close(descriptor)
                    raise

        descriptor, piece = await self._threads.run(begin)
        try:
            at = start
            while piece:
                yield piece
                at += len(piece)
                size = piece_size(at)
                piece = await self._read_piece(descriptor, size, at) if size else b""
        finally:
            os.close(descriptor)

    async def write(self, key: str, data: bytes, *, content_type: str) -> Blob:
        del content_type
        return await self._place(key, lambda: len(data), lambda file: file.write_bytes(data))

    async def store(self, key: str, path: Path, *, content_type: str) -> Blob:
        del content_type

        def copy(temporary: Path) -> None:
            with temporary.open("xb") as file:
                files.append(path, file.fileno())

        return await self._place(key, lambda: path.stat().st_size, copy)

    async def pour(
        self, key: str, pieces: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> Blob:
        del content_type
        path = self._path(key)

        def begin() -> Basin:
            self._check_room(size)
            return Basin(self._root, self._desk)

        basin = await self._threads.run(begin)
        await pour(self._threads, basin, pieces, (path, self._blobs), size)
        return await self.head(key)

    async def standing(self, key: str) -> Standing:
        await self.head(key)
        return Standing()

    async def wake(self, key: str, *, days: int, speed: Speed) -> None:
        del days, speed  # files do not sleep
        await self.head(key)

    async def regrade(self, key: str, grade: str) -> None:
        checked_key(key)
        message = f"a folder has no classes of storage, and so no {grade}"
        raise ValueError(message)

    async def fetch(self, key: str, path: Path) -> None:
        source = self._path(key)

        def work() -> None:
            with files.translated(self._root, BlobNotFound(key)):
                try:
                    files.link_or_copy(source, path)
                except FileExistsError:
                    raise
                except OSError:
                    files.discard(path)
                    raise

        await self._threads.run(work, patient=True)

    async def delete(self, key: str) -> None:
        path = self._path(key)

        def work() -> None:
            with files.translated(self._root):
                if not (self._root / files.MARKER).exists():
                    raise FileNotFoundError(self._root)
                with contextlib.suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
                    path.unlink()
                    files.flush(path.parent)
                files.prune(path.parent, self._blobs)

        await self._threads.run(work)

    async def under(self, prefix: str) -> AsyncIterator[Blob]:
        folder = self._path(prefix.removesuffix("/"))

        def work() -> list[Blob]:
            with files.translated(self._root):
                if not (self._root / files.MARKER).exists():
                    raise FileNotFoundError(self._root)
                return [
                    _blob(str(path.relative_to(self._blobs)), path)
                    for path in sorted(folder.rglob("*"))
                    if path.is_file()
                ]

        for blob in await self._threads.run(work):
            yield blob

    async def room(self) -> int | None:
        def work() -> int:
            with files.translated(self._root):
                return self._room()

        return await self._threads.run(work)

    async def _place(
        self, key: str, size: Callable[[], int], fill: Callable[[Path], object]
    ) -> Blob:
        path = self._path(key)

        def work() -> Blob:
            self._check_room(size())
            with files.translated(self._root):
                temporary = self._desk.new()
                try:
                    fill(temporary)
                    files.publish(temporary, path, self._blobs)
                finally:
                    files.discard(temporary)
            return self._head(key)

        return await self._threads.run(work, patient=True)

    async def _read_piece(self, descriptor: int, size: int, start: int) -> bytes:
        def work() -> bytes:
            with files.translated(self._root):
                return os.pread(descriptor, size, start)

        return await self._threads.run(work)

    def _prepare(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in (self._blobs, self._root / "uploads", self._root / "tmp"):
            folder.mkdir(exist_ok=True)
        (self._root / files.MARKER).touch()
        files.flush(self._root)
        self._desk.sweep()

    def _head(self, key: str) -> Blob:
        with files.translated(self._root, BlobNotFound(key)):
            return _blob(key, self._blobs / key)

    def _path(self, key: str) -> Path:
        return self._blobs / checked_key(key)

    def _room(self) -> int:
        return max(0, shutil.disk_usage(self._root).free - self._settings.free_floor)

    def _check_room(self, size: int) -> None:
        with files.translated(self._root):
            room = self._room()
        if size > room:
            raise OutOfSpace(f"{size} bytes do not fit into {room}")


def _blob(key: str, path: Path) -> Blob:
    status = path.stat()
    if not path.is_file():
        raise FileNotFoundError(path)
    return Blob(
        key=key,
        bytes=status.st_size,
        etag=f"{status.st_size:x}-{status.st_mtime_ns:x}",
        stored_ms=status.st_mtime_ns // 1_000_000_000 * 1000,
    )

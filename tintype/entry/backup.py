"""Backups of the data folder: a consistent database, every file, and a manifest that proves both.

<target>/manifest.json      written last: without it there is no backup
         tintype.sqlite     the database as it was at one moment
         secret, media/…    every other file of the data folder
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import msgspec

from tintype import __version__
from tintype.entry.folder import LOCK, RESTORING
from tintype.entry.settings import DATABASE
from tintype.kernel.clock import Clock, to_rfc3339

MANIFEST = "manifest.json"
_FORMAT = 1
_PIECE = 1 << 20
# Work in progress and copies: nothing that a restored server would miss.
_LEFT_OUT = frozenset({"backups", "scratch", "tmp"})

Progress = Callable[[str, int], None]
"""Told of each file that is done, with its bytes."""


class BackupRefused(Exception):  # noqa: N818 - it reads as what it says
    """The backup can not be made or used; the message says why, and nothing was changed."""


class File(msgspec.Struct, frozen=True):
    """One file of the backup, under its path in the data folder."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds; ``digest`` is the SHA-256 of the list of files."""

    format: int
    version: str
    made_at: str
    files: list[File]
    digest: str

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def back_up(data: Path, target: Path, clock: Clock, progress: Progress) -> Manifest:
    """Copy a data folder while a server may be working in it.

    The database comes first: media are stored before anything refers to them, so that every file
    that the copy refers to is there, except those that were deleted meanwhile.

    Raises:
        BackupRefused: there is no database, or the target is not empty.
    """
    if not (data / DATABASE).is_file():
        raise BackupRefused(f"{data} holds no {DATABASE}: there is nothing to back up.")
    if target.exists() and any(target.iterdir()):
        raise BackupRefused(f"{target} is not empty. Name a folder that does not exist yet.")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    _snapshot(data / DATABASE, target / DATABASE)
    files = [_fingerprint(target, DATABASE)]
    progress(DATABASE, files[0].bytes)
    for name in _names(data, leave_out=target):
        try:
            files.append(_copy(data, target, name))
        except FileNotFoundError:
            continue  # deleted since the listing
        progress(name, files[-1].bytes)
    manifest = Manifest(_FORMAT, __version__, to_rfc3339(clock.now_ms()), files, _digest(files))
    os.sync()
    _write_last(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def verify(source: Path, progress: Progress) -> Manifest:
    """The manifest of a backup whose every byte is as it was written.

    Raises:
        BackupRefused: something is missing, was changed, or does not belong there.
    """
    manifest = _read_manifest(source)
    for file in manifest.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise BackupRefused(f"{file.path} leads out of the backup.")
        try:
            found = _fingerprint(source, file.path)
        except OSError as error:
            raise BackupRefused(f"{file.path} is damaged: {error.strerror}.") from error
        if found != file:
            raise BackupRefused(f"{file.path} is damaged: it is not what the manifest says.")
        progress(file.path, file.bytes)
    return manifest


def restore(source: Path, data: Path, progress: Progress) -> Manifest:
    """Fill an empty data folder from a backup that was verified whole before the first write.

    A server refuses to start on a folder whose restore was interrupted.

    Raises:
        BackupRefused: the backup is damaged, or the folder is not empty.
    """
    if data.exists() and any(data.iterdir()):
        raise BackupRefused(f"{data} is not empty. Restore into a folder that does not exist yet.")
    manifest = verify(source, progress)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    marker = data / RESTORING
    marker.touch()
    os.sync()
    for file in manifest.files:
        if _copy(source, data, file.path) != file:
            raise BackupRefused(f"{file.path} changed while it was restored. Empty {data}.")
    os.sync()
    marker.unlink()
    os.sync()
    return manifest


def _snapshot(database: Path, copy: Path) -> None:
    """The database at one moment, without the pages that deleted rows left behind."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o600)
    with closing(sqlite3.connect(copy)) as connection:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BackupRefused(f"The database is damaged: {verdict}.")


def _names(data: Path, *, leave_out: Path) -> Iterator[str]:
    """Every file to copy, as a path below the data folder, in order."""
    unwanted = leave_out.resolve()
    for folder, folders, files in os.walk(data):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _LEFT_OUT and (here / name).resolve() != unwanted
        )
        for name in sorted(files):
            inner = (here / name).relative_to(data).as_posix()
            if not inner.startswith((DATABASE, ".writable")) and inner != LOCK:
                yield inner


def _copy(source: Path, target: Path, name: str) -> File:
    found, kept = source / name, target / name
    sha256, size = hashlib.sha256(), 0
    with found.open("rb") as reading:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            while piece := reading.read(_PIECE):
                sha256.update(piece)
                size += len(piece)
                writing.write(piece)
    return File(name, size, sha256.hexdigest())


def _fingerprint(folder: Path, name: str) -> File:
    with (folder / name).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return File(name, file.tell(), sha256)


def _digest(files: list[File]) -> str:
    return hashlib.sha256(msgspec.json.encode(files)).hexdigest()


def _read_manifest(source: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        message = f"{source} holds no {MANIFEST}: it is no backup, or one that was interrupted."
        raise BackupRefused(message) from error
    except msgspec.MsgspecError as error:
        raise BackupRefused(f"{MANIFEST} is damaged: {error}.") from error
    if manifest.format != _FORMAT:
        raise BackupRefused(f"Version {manifest.version} made this backup; use it to restore.")
    if manifest.digest != _digest(manifest.files):
        raise BackupRefused(f"{MANIFEST} is damaged: its list of files was changed.")
    if DATABASE not in {file.path for file in manifest.files}:
        raise BackupRefused(f"{MANIFEST} is damaged: it names no {DATABASE}.")
    return manifest


def _write_last(path: Path, content: bytes) -> None:
    arriving = path.with_name(path.name + ".arriving")
    with arriving.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    arriving.rename(path)
    os.sync()

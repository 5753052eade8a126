"""Files that survive a power cut: written aside, flushed, renamed, and the folder flushed too."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tintype.ports.errors import OutOfSpace, Unavailable

MARKER = ".tintype-blobs"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES}
_COPY_STEP = 64 * 1024 * 1024


@contextlib.contextmanager
def translated(root: Path, missing: Exception | None = None) -> Iterator[None]:
    """Turn the system's errors into the port's.

    A file that is not there raises ``missing``, but only while the store's folder is: a volume
    that was unplugged has lost nothing, it does not answer.
    """
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        if missing is not None and (root / MARKER).exists():
            raise missing from error
        raise Unavailable(f"the blob folder is gone or was changed: {error}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise OutOfSpace(str(error)) from error
        raise Unavailable(f"the blob folder does not answer: {error}") from error


def flush(path: Path) -> None:
    """Flush a file's or a folder's own content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path, root: Path) -> None:
    """Create the folders between ``root`` and ``folder`` durably; never ``root`` itself.

    Raises:
        FileNotFoundError: ``root`` is not there (an unplugged volume must not be written beside).
    """
    missing: list[Path] = []
    while folder != root and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o750)
        flush(path.parent)


def publish(temporary: Path, final: Path, root: Path) -> None:
    """Give a finished file its name, in one step, so that it stays there after a power cut."""
    flush(temporary)
    # A folder may be removed as empty between the two steps by a delete next door.
    for last_try in (False, True):
        make_folders(final.parent, root)
        try:
            temporary.rename(final)
        except FileNotFoundError:
            if last_try:
                raise
        else:
            break
    flush(final.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the same bytes where the file system can, else a copy."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with target.open("xb") as into:
            append(source, into.fileno())


def append(source: Path, into: int) -> None:
    """Append a file to an open one inside the kernel, sharing blocks where it can."""
    with source.open("rb") as file:
        left = os.fstat(file.fileno()).st_size
        while left:
            try:
                done = os.copy_file_range(file.fileno(), into, min(left, _COPY_STEP))
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
                    raise
                done = os.sendfile(into, file.fileno(), None, min(left, _COPY_STEP))
            if not done:
                raise OSError(errno.EIO, "the file became shorter while it was copied", source)
            left -= done


def discard(path: Path) -> None:
    """Remove a file or folder if it is there; for leftovers whose fate decides nothing."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def prune(folder: Path, top: Path) -> None:
    """Remove folders that became empty, from ``folder`` up to but without ``top``."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent

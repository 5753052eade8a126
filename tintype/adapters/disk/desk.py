"""Where files lie that are not whole yet: one folder a process, gone with the process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
import time
from pathlib import Path

from tintype.adapters.disk import files

_LOCK = ".held"
# A folder without its lock is being made just now, unless it is older than this.
_LEFTOVER_S = 24 * 3600


class Desk:
    """This process's own folder below ``shared``, made when it is first needed.

    The process holds a lock on it for as long as it lives, so that another one can tell what was
    left behind. ``shared`` itself is never made: without it the volume is not there.
    """

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self.folder = shared / secrets.token_hex(8)
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def new(self) -> Path:
        """A name for a file or folder that does not exist yet.

        Raises:
            FileNotFoundError: ``shared`` is not there.
        """
        with self._lock:
            if self._descriptor is None or not self.folder.exists():
                self._take()
        return self.folder / secrets.token_hex(16)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._descriptor is not None:
            files.discard(self.folder)
            os.close(self._descriptor)
            self._descriptor = None

    def sweep(self) -> int:
        """Remove what processes left that are dead; returns how many files or folders."""
        removed = 0
        for path in self._shared.iterdir():
            if path != self.folder and _is_left(path):
                files.discard(path)
                removed += 1
        return removed

    def _take(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self.folder.mkdir(mode=0o750, exist_ok=True)
        # Locked under another name first: whoever sees the lock file sees it held.
        arriving = self.folder / f"{_LOCK}-{secrets.token_hex(4)}"
        descriptor = os.open(arriving, os.O_RDWR | os.O_CREAT, 0o640)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        arriving.rename(self.folder / _LOCK)
        self._descriptor = descriptor


def _is_left(path: Path) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
        if not (path / _LOCK).exists():
            return age > _LEFTOVER_S
        descriptor = os.open(path / _LOCK, os.O_RDWR)
    except OSError:
        return False  # removed since it was listed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return True

"""The data folder: made when missing, used by one server at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tintype.config import ConfigError

LOCK = "lock"
RESTORING = ".restoring"
"""Stands in a data folder while a backup is restored into it: no server starts on half of one."""


def make(folder: Path) -> None:
    """See to it that the folder exists and can be written, for its owner only.

    Raises:
        ConfigError: it can not, or a restore into it was interrupted.
    """
    if (folder / RESTORING).exists():
        message = f"data (TINTYPE_DATA): a restore into {folder} was interrupted. Empty the "
        raise ConfigError(message + "folder and restore again.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A name of its own: several processes may start on one folder at the same time.
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = f"data (TINTYPE_DATA): {folder} can not be written: {error.strerror}."
        raise ConfigError(message) from error


class FolderLock:
    """Held while a server runs; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._descriptor: int | None = None

    def take(self) -> None:
        """Become the one server of this folder.

        Raises:
            ConfigError: another one is running.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            message = (
                f"data (TINTYPE_DATA): another Tintype is serving {self._path.parent}. Stop it, or "
                "give this one a folder of its own."
            )
            raise ConfigError(message) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next server in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

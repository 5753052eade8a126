"""The server's own secret: made once, readable by its owner only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from tintype.config import ConfigError

_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """One root secret, and a separate key for each purpose."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    @classmethod
    def of(cls, given: SecretStr | None, folder: Path) -> Secret:
        """The secret that several processes were given, or else that of this data folder.

        Raises:
            ConfigError: it is not 32 bytes in base64, others may read the file, or it is damaged.
        """
        if given is None:
            return cls.in_folder(folder)
        try:
            root = base64.b64decode(given.get_secret_value(), validate=True)
        except ValueError:
            root = b""
        if len(root) != _BYTES:
            message = "secret (TINTYPE_SECRET): write 32 random bytes in base64, as printed by: "
            raise ConfigError(message + "head -c 32 /dev/urandom | base64")
        return cls(root)

    @classmethod
    def in_folder(cls, folder: Path) -> Secret:
        """The secret of this data folder, made when there is none.

        Raises:
            ConfigError: others may read the file, or it is damaged.
        """
        path = folder / "secret"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(_read(path))
        with os.fdopen(descriptor, "wb") as file:
            root = secrets.token_bytes(_BYTES)
            file.write(base64.b64encode(root))
            file.flush()
            os.fsync(file.fileno())
        return cls(root)

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose; the same for ever, unlike those of any other purpose."""
        return hmac.digest(self._root, purpose.encode(), hashlib.sha256)

    def seal(self, purpose: str) -> Fernet:
        """Authenticated encryption for one purpose."""
        return Fernet(base64.urlsafe_b64encode(self.key(purpose)))


def _read(path: Path) -> bytes:
    if path.stat().st_mode & _OTHERS:
        message = f"{path}: others may read this secret. Run: chmod 600 {path}"
        raise ConfigError(message)
    root = base64.b64decode(path.read_bytes())
    if len(root) != _BYTES:
        message = f"{path}: damaged. Restore it from a backup; without it sessions stay valid but "
        raise ConfigError(message + "stored answers and media grants do not.")
    return root

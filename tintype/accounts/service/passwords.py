"""Password hashing in a bounded pool, so that a storm of sign-ins can not starve the rest."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tintype.accounts.errors import TooManySignIns
from tintype.accounts.model import AccountSettings

T = TypeVar("T")


class Passwords:
    """argon2id with the OWASP minimum (19 MiB, 2 passes, 1 lane): about 20–40 ms a hash."""

    def __init__(self, settings: AccountSettings) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._pool = ThreadPoolExecutor(settings.password_workers, thread_name_prefix="argon2")
        self._room = settings.password_queue + settings.password_workers
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """A fresh salted hash.

        Raises:
            TooManySignIns: the queue is full.
        """
        return await self._run(lambda: self._hasher.hash(_exact(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; takes as long when there is no hash to compare with.

        Raises:
            TooManySignIns: the queue is full.
        """
        if password_hash is None:
            self._decoy = self._decoy or await self.hash("nobody has this password")
            await self.verify(self._decoy, password)
            return False

        def check() -> bool:
            try:
                return self._hasher.verify(password_hash, _exact(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(check)

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._room:
            raise TooManySignIns(retry_after=2.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def _exact(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()

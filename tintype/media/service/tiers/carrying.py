"""Bringing one object from a place to another: copied, read back, and only then believed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from tintype.media.model import StoredObject
from tintype.media.service.tiers.plan import Home
from tintype.ports.blobs import Blobs
from tintype.ports.errors import Corrupt

_BEAT_S = 5.0
_TYPE = "application/octet-stream"
STANDARD = "STANDARD"

Beat = Callable[[], Awaitable[None]]
"""Shows that somebody is still at it; raises when somebody else is, or nobody shall be."""


class Pace:
    """Lets so many bytes a second pass, whoever moves them."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    async def spend(self, size: int) -> None:
        """Return when these bytes may have passed."""
        loop = asyncio.get_running_loop()
        self._free_at = max(self._free_at, loop.time()) + size / self._rate
        await asyncio.sleep(max(0.0, self._free_at - loop.time()))


class Carrier:
    """Copies between stores, and between classes of one."""

    def __init__(self, stores: Mapping[str, Blobs], pace: Pace) -> None:
        self._stores = stores
        self._pace = pace

    async def copy(
        self, object_: StoredObject, source: Home, target: Home, beat: Beat
    ) -> str | None:
        """Have the object in ``target`` whole, as it is in ``source``; returns its SHA-256.

        What is in ``source`` stays there. Within one store it is copied onto itself, in one step
        by the store, and its hash is not looked at (``None``). Repeats are harmless.

        Raises:
            Corrupt: the source is not what the ledger says, or the copy is not what was read.
            BlobNotFound: it is not in the source.
        """
        key = object_.key
        if source.store == target.store:
            await self._stores[target.store].regrade(key, target.grade or STANDARD)
            return None
        into = self._stores[target.store]
        read = hashlib.sha256()
        pieces = self._pieces(self._stores[source.store], key, read, beat)
        await into.pour(key, pieces, size=object_.bytes, content_type=_TYPE)
        sha256 = read.hexdigest()
        if object_.sha256 not in {None, sha256}:
            await into.delete(key)
            raise Corrupt(f"{key} in {source.name} is not what was stored there")
        again = hashlib.sha256()
        async for _ in self._pieces(into, key, again, beat):
            pass
        if again.hexdigest() != sha256:
            await into.delete(key)
            raise Corrupt(f"{key} was read back from {target.name} with other content")
        if target.grade is not None:
            await into.regrade(key, target.grade)
        return sha256

    async def leave(self, object_: StoredObject, home: Home) -> None:
        """Delete the object everywhere but in its home."""
        for name, store in self._stores.items():
            if name != home.store:
                await store.delete(object_.key)

    async def delete(self, object_: StoredObject) -> None:
        """Delete the object everywhere."""
        for store in self._stores.values():
            await store.delete(object_.key)

    async def _pieces(
        self, store: Blobs, key: str, digest: hashlib._Hash, beat: Beat
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        due = loop.time() + _BEAT_S
        async for piece in store.stream(key):
            digest.update(piece)
            await self._pace.spend(len(piece))
            if loop.time() >= due:
                await beat()
                due = loop.time() + _BEAT_S
            yield piece

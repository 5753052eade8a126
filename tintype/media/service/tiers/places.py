"""Several stores as one: originals are found where the ledger says, everything else in the main."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tintype.database import Database
from tintype.media.model import ORIGINAL, StoredObject, original_key
from tintype.media.service.tiers.plan import place
from tintype.media.store.objects import MAIN, read_object
from tintype.ports.blobs import (
    Blob,
    Blobs,
    OpenUpload,
    SignedPart,
    Speed,
    Standing,
    StoredPart,
)
from tintype.ports.errors import BlobNotFound, Unavailable

T = TypeVar("T")

# Between looking up the place and reading there, the object may have been moved, and back.
_LOOKS = 3


class TieredBlobs:
    """``Blobs`` over a main store and others to which originals move.

    Everything arrives in the main store. What is read is read where it is now, also while it is
    being moved. What is deleted is deleted everywhere, whatever the ledger says.
    """

    def __init__(self, database: Database, stores: Mapping[str, Blobs]) -> None:
        self._database = database
        self._stores = stores
        self._main = stores[MAIN]

    async def create_upload(self, key: str, *, size: int, content_type: str) -> str:
        return await self._main.create_upload(key, size=size, content_type=content_type)

    async def sign_part(self, key: str, upload: str, *, number: int, size: int) -> SignedPart:
        return await self._main.sign_part(key, upload, number=number, size=size)

    async def sign_read(self, key: str, *, seconds: int) -> str | None:
        store, _ = await self._where(key)
        return await store.sign_read(key, seconds=seconds)

    async def parts(self, key: str, upload: str) -> list[StoredPart]:
        return await self._main.parts(key, upload)

    async def complete(self, key: str, upload: str, parts: Sequence[StoredPart]) -> Blob:
        return await self._main.complete(key, upload, parts)

    async def abort(self, key: str, upload: str) -> None:
        await self._main.abort(key, upload)

    def uploads(self, prefix: str = "") -> AsyncIterator[OpenUpload]:
        return self._main.uploads(prefix)

    async def head(self, key: str) -> Blob:
        return await self._there(key, lambda store: store.head(key))

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        return await self._there(key, lambda store: store.read(key, start=start, length=length))

    async def stream(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        async def begin(store: Blobs) -> tuple[bytes, AsyncIterator[bytes]]:
            pieces = store.stream(key, start=start, length=length)
            return await anext(pieces, b""), pieces

        first, rest = await self._there(key, begin)
        if first:
            yield first
        async for piece in rest:
            yield piece

    async def write(self, key: str, data: bytes, *, content_type: str) -> Blob:
        return await self._main.write(key, data, content_type=content_type)

    async def store(self, key: str, path: Path, *, content_type: str) -> Blob:
        return await self._main.store(key, path, content_type=content_type)

    async def pour(
        self, key: str, pieces: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> Blob:
        return await self._main.pour(key, pieces, size=size, content_type=content_type)

    async def standing(self, key: str) -> Standing:
        return await self._there(key, lambda store: store.standing(key))

    async def wake(self, key: str, *, days: int, speed: Speed) -> None:
        await self._there(key, lambda store: store.wake(key, days=days, speed=speed))

    async def regrade(self, key: str, grade: str) -> None:
        await self._there(key, lambda store: store.regrade(key, grade))

    async def fetch(self, key: str, path: Path) -> None:
        await self._there(key, lambda store: store.fetch(key, path))

    async def delete(self, key: str) -> None:
        if not _is_original(key):
            await self._main.delete(key)
            return
        _, object_ = await self._where(key)
        travelled = object_ is not None and (object_.state != "resting" or object_.stays_until_ms)
        for name, store in self._stores.items():
            await store.delete(key)
            if name != MAIN or travelled:
                # What a mover that died had begun to send.
                async for left in store.uploads(key):
                    if left.key == key:
                        await store.abort(key, left.upload)

    async def under(self, prefix: str) -> AsyncIterator[Blob]:
        seen: set[str] = set()
        stores = self._stores.values() if prefix.startswith("originals/") else [self._main]
        for store in stores:
            async for blob in store.under(prefix):
                if blob.key not in seen:
                    seen.add(blob.key)
                    yield blob

    async def room(self) -> int | None:
        return await self._main.room()

    async def _there(self, key: str, do: Callable[[Blobs], Awaitable[T]]) -> T:
        store, _ = await self._where(key)
        for _ in range(_LOOKS):
            try:
                return await do(store)
            except BlobNotFound:
                now, _ = await self._where(key)
                if now is store:
                    raise
                store = now
        raise Unavailable(f"{key} is being moved to and fro")

    async def _where(self, key: str) -> tuple[Blobs, StoredObject | None]:
        if not _is_original(key):
            return self._main, None
        async with self._database.read() as reader:
            object_ = await read_object(reader, int(key.rpartition("/")[2]), ORIGINAL)
        if object_ is None:
            return self._main, None
        name = place(object_.place).store
        if name not in self._stores:
            raise Unavailable(f"{key} is in the place {name}, which the settings do not name")
        return self._stores[name], object_


def _is_original(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name.isdigit() and key == original_key(int(name))

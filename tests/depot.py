"""Stored objects without a server: a ledger, real stores, and what moves between them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tintype.database import Database
from tintype.kernel.ids import shard_of
from tintype.media import store
from tintype.media.model import (
    ORIGINAL,
    Rendition,
    StoredObject,
    Upload,
    original_key,
    rendition_key,
)
from tintype.media.service.tiers import COLD, Mover, Plan, TieredBlobs, TierSettings
from tintype.media.store import objects
from tintype.media.store.objects import MAIN
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
TYPE = "image/jpeg"


@dataclass
class Depot:
    """One instance's media; ``stores`` are under the names that the ledger knows."""

    database: Database
    stores: Mapping[str, Blobs]
    settings: TierSettings

    @property
    def plan(self) -> Plan:
        return Plan(self.settings, self.stores.keys())

    @property
    def blobs(self) -> TieredBlobs:
        return TieredBlobs(self.database, self.stores)

    def mover(self, **changes: Any) -> Mover:
        """A mover as a process that just began has it."""
        settings = self.settings.model_copy(update=changes)
        return Mover(self.database, self.stores, Plan(settings, self.stores.keys()), "depot")

    async def keep(self, data: bytes, *renditions: bytes, owner: int | None = None) -> int:
        """An upload that is ready, its original and renditions stored; returns its id."""
        owner = self.database.ids.next(5) if owner is None else owner
        now = self.database.clock.now_ms()
        upload = Upload(
            id=self.database.ids.next(shard_of(owner)),
            owner=owner,
            kind="photo",
            state="uploading",
            access="owner",
            subject="1",
            content_type=TYPE,
            bytes=len(data),
            held_bytes=len(data),
            remote="r",
            reason_code=None,
            reason=None,
            width=1,
            height=1,
            duration=None,
            thumbhash=None,
            expires_ms=now + 2 * DAY_MS,
            changed_ms=now,
        )
        made = [
            Rendition(str(number), "jpeg", 1, 1, len(each), hashlib.sha256(each).hexdigest())
            for number, each in enumerate(renditions)
        ]
        await self.stores[MAIN].write(original_key(upload.id), data, content_type=TYPE)
        async with self.database.write() as tx:
            await store.insert(tx, upload)
            await store.change(tx, upload.id, {"state": "processing"})
            await store.put_renditions(tx, upload.id, made)
            await store.change(tx, upload.id, {"state": "ready"})
        for rendition, content in zip(made, renditions, strict=True):
            key = rendition_key(upload.id, rendition.name)
            await self.stores[MAIN].write(key, content, content_type=TYPE)
        return upload.id

    async def original(self, upload: int) -> StoredObject:
        async with self.database.read() as reader:
            found = await objects.read_object(reader, upload, ORIGINAL)
        assert found is not None
        return found

    async def renditions(self, upload: int) -> list[StoredObject]:
        async with self.database.read() as reader:
            found = await objects.objects_of(reader, upload)
        return [each for each in found if not each.is_original]

    async def change(self, seen: StoredObject, **values: Any) -> StoredObject:
        """Put an object's row into another state, as something that ended there would."""
        async with self.database.write() as tx:
            assert await objects.change_object(tx, seen, values)
        return msgspec.structs.replace(seen, **values)

    async def release(self, upload: int) -> None:
        async with self.database.write() as tx:
            await store.change(tx, upload, {"state": "released"})

    async def where(self, upload: int) -> list[str]:
        """The stores that really hold the original."""
        found = []
        for name in (MAIN, COLD):
            if name in self.stores:
                try:
                    await self.stores[name].head(original_key(upload))
                    found.append(name)
                except BlobNotFound:
                    continue
        return found

"""The ledger against what the stores really hold, both ways."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Literal

import msgspec

from tintype.database import Database
from tintype.kernel.ids import SHARDS, Id, shard_of
from tintype.media import store as media_store
from tintype.media.model import ORIGINAL, StoredObject, original_key, renditions_prefix
from tintype.media.service.tiers.plan import place
from tintype.media.store import objects
from tintype.ports.blobs import Blob, Blobs
from tintype.ports.errors import BlobNotFound

Kind = Literal["missing", "orphaned", "wrong-size", "wrong-hash", "unknown-place", "unowned"]
Progress = Callable[[int], None]
"""Told of how many objects were looked at since the last time."""

_PAGE = 500
# From here on one shard is listed at a time, so that memory does not grow with the instance.
_LARGE = 500_000
_TOPS = ("originals/", "renditions/")
UNDER_WAY = "under way"
"""Said of a blob that no row speaks of, and that is too young for that to mean anything."""
_COMING = frozenset({"processing", "failed"})


class Offence(msgspec.Struct, frozen=True, order=True):
    """Something that the ledger and a store do not agree about."""

    kind: Kind
    place: str
    key: str
    detail: str


class Found(msgspec.Struct):
    """What an audit came to; ``asleep`` were not read, because an archive holds them."""

    objects: int = 0
    bytes: int = 0
    read: int = 0
    asleep: int = 0
    under_way: int = 0
    offences: list[Offence] = []

    @property
    def clean(self) -> bool:
        return not self.offences


class Audit:
    """Compares. Safe beside a working server: what looks wrong is looked at again.

    A blob that no row speaks of counts as under way until it is ``grace_ms`` old: renditions are
    stored before their rows.
    """

    def __init__(self, database: Database, stores: Mapping[str, Blobs], *, grace_ms: int) -> None:
        self._database = database
        self._stores = stores
        self._grace_ms = grace_ms

    async def count(self) -> int:
        """How many objects the ledger has."""
        async with self._database.read() as reader:
            return sum(row[3] for row in await objects.tier_figures(reader))

    async def run(self, *, hashes: bool = False, progress: Progress | None = None) -> Found:
        """Compare everything; with ``hashes`` every object is read, too."""
        found, offences = Found(), []
        for prefixes, shards in await self.groups():
            there = {name: await self.listed(name, prefixes) for name in self._stores}
            async for page in self._pages(shards):
                for row, upload_state in page:
                    found.objects += 1
                    found.bytes += row.bytes
                    offences += await self._about_row(row, upload_state, there)
                    if hashes:
                        offences += await self._about_content(row, upload_state, found)
                if progress is not None:
                    progress(len(page))
            for name, blobs in there.items():
                for blob in blobs.values():
                    said = await self.about_blob(name, blob)
                    if said == UNDER_WAY:
                        found.under_way += 1
                    elif said is not None:
                        offences.append(Offence("orphaned", name, blob.key, said))
        found.offences = sorted(offences)
        return found

    async def groups(self) -> list[tuple[tuple[str, ...], objects.Shards]]:
        """What to look at at a time: prefixes of keys, and the shards whose keys have them."""
        if await self.count() < _LARGE:
            return [(_TOPS, (0, SHARDS - 1))]
        return [
            (tuple(f"{top}{shard:03x}/" for top in _TOPS), (shard, shard))
            for shard in range(SHARDS)
        ]

    async def listed(self, name: str, prefixes: tuple[str, ...]) -> dict[str, Blob]:
        """What a store holds, by key."""
        return {
            blob.key: blob for prefix in prefixes async for blob in self._stores[name].under(prefix)
        }

    async def _pages(
        self, shards: objects.Shards
    ) -> AsyncIterator[list[tuple[StoredObject, str | None]]]:
        after = (shards[0], 0, "")
        while True:
            async with self._database.read() as reader:
                page = await objects.ledger_page(reader, after, shards[1], _PAGE)
            if not page:
                return
            yield page
            last = page[-1][0]
            after = (shard_of(last.upload), last.upload, last.name)

    async def _about_row(
        self, row: StoredObject, upload_state: str | None, there: dict[str, dict[str, Blob]]
    ) -> list[Offence]:
        """What is wrong with where the ledger has it; takes what is right out of ``there``."""
        home = place(row.place).store
        if upload_state is None:
            return [Offence("unowned", row.place, row.key, "no upload has it")]
        if home not in self._stores:
            said = "the settings name no such place"
            return [Offence("unknown-place", row.place, row.key, said)]
        blob = there[home].pop(row.key, None)
        if row.state != "resting":
            for blobs in there.values():
                blobs.pop(row.key, None)
        if upload_state == "released" or row.state == "dropped":
            return []
        if blob is None or blob.bytes != row.bytes:
            return await self._again(row, home, upload_state)
        return []

    async def _again(self, row: StoredObject, home: str, upload_state: str) -> list[Offence]:
        """The same for one row as it is now: it may have moved while the stores were listed."""
        if upload_state in _COMING and row.is_original:
            return []
        async with self._database.read() as reader:
            now = await objects.read_object(reader, row.upload, row.name)
        if now is None or now.state == "dropped":
            return []
        if now.place != row.place:
            home = place(now.place).store
        try:
            blob = await self._stores[home].head(now.key)
        except BlobNotFound:
            return [Offence("missing", now.place, now.key, f"{now.bytes} bytes are gone")]
        if blob.bytes != now.bytes:
            said = f"has {blob.bytes} bytes, and {now.bytes} in the ledger"
            return [Offence("wrong-size", now.place, now.key, said)]
        return []

    async def _about_content(
        self, row: StoredObject, upload_state: str | None, found: Found
    ) -> list[Offence]:
        home = self._stores.get(place(row.place).store)
        if home is None or row.sha256 is None or upload_state != "ready" or row.state != "resting":
            return []
        digest = hashlib.sha256()
        try:
            if not (await home.standing(row.key)).awake:
                found.asleep += 1
                return []
            async for piece in home.stream(row.key):
                digest.update(piece)
        except BlobNotFound:
            return []  # moved meanwhile, or told as missing
        found.read += 1
        if digest.hexdigest() == row.sha256:
            return []
        said = f"has SHA-256 {digest.hexdigest()}, and {row.sha256} in the ledger"
        return [Offence("wrong-hash", row.place, row.key, said)]

    async def about_blob(self, name: str, blob: Blob) -> str | None:
        """Why nothing speaks of a blob in this place; ``None`` when something does."""
        id_, rendition = upload_of(blob.key)
        if id_ is None:
            return "this is no key of Tintype's"
        async with self._database.read() as reader:
            upload = await media_store.read(reader, id_)
            row = await objects.read_object(reader, id_, rendition)
        if upload is not None and upload.state in {"released", "processing"}:
            return None
        if row is not None and (row.state != "resting" or place(row.place).store == name):
            return None
        if blob.stored_ms > self._database.clock.now_ms() - self._grace_ms:
            return UNDER_WAY
        if row is not None:
            return f"its place is {row.place}"
        return "the ledger does not know it" if upload else "its upload is gone"


def upload_of(key: str) -> tuple[Id | None, str]:
    """The upload and the object's name that a key of ours says; ``None`` for any other."""
    *_, folder, name = ("", *key.split("/"))
    if name.isdigit() and key == original_key(int(name)):
        return int(name), ORIGINAL
    if folder.isdigit() and key == renditions_prefix(int(folder)) + name:
        return int(folder), name
    return None, ""

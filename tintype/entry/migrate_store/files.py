"""Blobs: brought into the bucket a few at a time, and read again from there."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from tintype.entry.migrate_store.model import Difference, Verify
from tintype.entry.migrate_store.progress import Advance
from tintype.entry.migrate_store.rows import Snapshot
from tintype.entry.migrate_store.source import LocalBlob, Source
from tintype.entry.migrate_store.target import NOTE, Target, insist
from tintype.kernel.ids import shard_of
from tintype.media.model import SERVED_TYPES, original_key
from tintype.media.store import uploads
from tintype.ports.blobs import Blob
from tintype.ports.errors import BlobNotFound

_AT_ONCE = 8
_UNKNOWN = "application/octet-stream"
_SAMPLE = 50
"""Of so many blobs one is read again when a sample is asked for, but each size is compared."""


class Found(NamedTuple):
    """What a comparison of the bucket with the folder came to."""

    blobs: int
    bytes: int
    read: int
    differences: list[Difference]
    keys: frozenset[str]


async def copy_blobs(source: Source, snapshot: Snapshot, target: Target, advance: Advance) -> None:
    """Store every blob that is not there yet, and take away what the source no longer has.

    A blob counts as there when its size is the same and its content too, told by the MD5 in its
    ETag or else by reading it.
    """
    broken = await insist(target.broken_keys)
    await _abort_uploads(target)
    async with _few() as start:
        for prefix, local in source.groups():
            there = await insist(lambda prefix=prefix: _listed(target, prefix))  # type: ignore[misc] # the value of this round
            for blob in local:
                known = None if blob.key in broken else there.get(blob.key)
                content_type = await _content_type(blob.key, snapshot)
                await start(_bring(blob, known, content_type, target, advance))
    await _take_away(source, target)
    if broken:
        await insist(lambda: target.mended(broken))


async def compare_blobs(source: Source, target: Target, verify: Verify, advance: Advance) -> Found:
    """Compare the bucket with the folder, both ways; contents are read again from the bucket."""
    differences: list[Difference] = []
    wrong: set[str] = set()
    count = size = read = 0

    async def look(blob: LocalBlob, found: Blob | None, *, whole: bool) -> None:
        said = await _compared(blob, found, target, whole=whole)
        if said is not None:
            differences.append(Difference(blob.key, said))
            wrong.add(blob.key)
        advance(blob.bytes)

    async with _few() as start:
        for prefix, local in source.groups():
            there = await insist(lambda prefix=prefix: _listed(target, prefix))  # type: ignore[misc] # the value of this round
            for blob in local:
                found = there.get(blob.key)
                whole = verify == "all" or random.randrange(_SAMPLE) == 0  # noqa: S311 - no secret
                count, size = count + (found is not None), size + (found.bytes if found else 0)
                read += whole and found is not None
                await start(look(blob, found, whole=whole))
    async for extra in _strangers(source, target):
        count, size = count + 1, size + extra.bytes
        differences.append(Difference(extra.key, "is in the bucket and not in the folder"))
        wrong.add(extra.key)
    return Found(count, size, read, sorted(differences), frozenset(wrong))


Work = Coroutine[None, None, None]
Start = Callable[[Work], Awaitable[None]]


@asynccontextmanager
async def _few() -> AsyncIterator[Start]:
    """Runs what is started, a few at a time; starting waits for a free place."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def run(work: Work) -> None:
        try:
            await work
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:

            async def start(work: Work) -> None:
                try:
                    await places.acquire()
                except asyncio.CancelledError:
                    work.close()
                    raise
                group.create_task(run(work))

            yield start
    except BaseExceptionGroup as errors:
        # One is enough to know why it stopped.
        raise errors.exceptions[0] from errors


async def _bring(
    blob: LocalBlob, known: Blob | None, content_type: str, target: Target, advance: Advance
) -> None:
    if known is None or not await _same(blob, known, target):
        await insist(lambda: target.blobs.store(blob.key, blob.path, content_type=content_type))
    advance(blob.bytes)


async def _same(blob: LocalBlob, known: Blob, target: Target) -> bool:
    if known.bytes != blob.bytes:
        return False
    if known.etag == await asyncio.to_thread(_hash, blob.path, "md5"):
        return True
    return await _content_differs(blob, target) is None


async def _compared(
    blob: LocalBlob, found: Blob | None, target: Target, *, whole: bool
) -> str | None:
    """What is wrong with a blob in the bucket."""
    if found is None:
        return "is missing in the bucket"
    if found.bytes != blob.bytes:
        return f"has {found.bytes} bytes in the bucket and {blob.bytes} in the folder"
    return await _content_differs(blob, target) if whole else None


async def _content_differs(blob: LocalBlob, target: Target) -> str | None:
    here = await asyncio.to_thread(_hash, blob.path, "sha256")

    async def read() -> str:
        sha256 = hashlib.sha256()
        async for piece in target.blobs.stream(blob.key):
            sha256.update(piece)
        return sha256.hexdigest()

    try:
        there = await insist(read)
    except BlobNotFound:
        return "is missing in the bucket"
    return None if here == there else f"has SHA-256 {there} in the bucket and {here} in the folder"


async def _listed(target: Target, prefix: str) -> Mapping[str, Blob]:
    return {blob.key: blob async for blob in target.blobs.under(prefix)}


async def _strangers(source: Source, target: Target) -> AsyncIterator[Blob]:
    """What the bucket holds and the source does not, apart from the note of the move."""
    for top in sorted(source.tops() | {"originals", "renditions"}):
        async for blob in target.blobs.under(f"{top}/"):
            if blob.key != NOTE and source.path_of(blob.key) is None:
                yield blob


async def _take_away(source: Source, target: Target) -> None:
    strangers = [blob.key async for blob in _strangers(source, target)]
    for key in strangers:
        await insist(lambda key=key: target.blobs.delete(key))  # type: ignore[misc] # the value of this round


async def _abort_uploads(target: Target) -> None:
    """What a killed run had begun to send in parts."""
    begun = [upload async for upload in target.blobs.uploads()]
    for upload in begun:
        await target.blobs.abort(upload.key, upload.upload)


async def _content_type(key: str, snapshot: Snapshot) -> str:
    """What a blob would be stored with had it arrived in the bucket at once."""
    name = key.rpartition("/")[2]
    if not (name.isdigit() and key == original_key(int(name))):
        return SERVED_TYPES.get(name.rpartition(".")[2], _UNKNOWN)
    upload = int(name)
    asked = sa.select(uploads.c.content_type).where(
        uploads.c.shard == shard_of(upload), uploads.c.id == upload
    )
    rows = await snapshot.page(asked)
    return str(rows[0].content_type) if rows else _UNKNOWN


def _hash(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(name, usedforsecurity=False)
        ).hexdigest()

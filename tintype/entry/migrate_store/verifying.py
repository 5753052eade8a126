"""Comparing both sides: every row, every blob, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from tintype.entry.migrate_store.files import compare_blobs
from tintype.entry.migrate_store.model import Difference, Line, Verdict, Verify
from tintype.entry.migrate_store.progress import Progress
from tintype.entry.migrate_store.rows import (
    Digest,
    Snapshot,
    digest_of,
    hashes_of,
    tables,
    target_pages,
)
from tintype.entry.migrate_store.source import Source
from tintype.entry.migrate_store.target import Target, exists

_MOST_SHARDS, _MOST_ROWS = 3, 5
_MIB = 1024**2


async def verified(
    source: Source, snapshot: Snapshot, target: Target, verify: Verify, progress: Progress
) -> Verdict:
    """Read both sides again, whole, and compare."""
    lines: list[Line] = []
    differences: list[Difference] = []
    wrong: set[str] = set()
    counts = {table.name: snapshot.count(table) for table in tables()}
    with progress.stage("Verifying rows", sum(counts.values())) as advance:
        for table in tables():
            here = await digest_of(snapshot.pages(table), advance)
            there = await _digest_there(table, target)
            summed = "missing" if there is None else _summed(there)
            lines.append(Line(table.name, _summed(here), summed, here == there))
            if here != there:
                wrong.add(table.name)
                differences += await _differing_rows(table, here, there, snapshot, target)
    count, size = source.size_of_blobs()
    with progress.stage("Verifying blobs", size, in_bytes=True) as advance:
        found = await compare_blobs(source, target, verify, advance)
    there_said = f"{_blobs(found.blobs, found.bytes)}; {found.read} read again"
    lines.append(Line("blobs", _blobs(count, size), there_said, not found.differences))
    return Verdict(lines, [*differences, *found.differences], frozenset(wrong), found.keys)


async def _digest_there(table: sa.Table, target: Target) -> Digest | None:
    async with target.database.read() as reader:
        there = await exists(reader, table.name)
    return await digest_of(target_pages(target, table)) if there else None


async def _differing_rows(
    table: sa.Table, here: Digest, there: Digest | None, snapshot: Snapshot, target: Target
) -> list[Difference]:
    """The first rows that differ, by their keys."""
    if there is None:
        return [Difference(table.name, "the table is missing in PostgreSQL")]
    shards = sorted(
        shard for shard in here.keys() | there.keys() if here.get(shard) != there.get(shard)
    )
    told: list[Difference] = []
    for shard in shards[:_MOST_SHARDS]:
        ours = await hashes_of(snapshot.pages(table, shard=shard), table)
        theirs = await hashes_of(target_pages(target, table, shard=shard), table)
        told += [
            Difference(table.name, f"row {_key(key)} {_said(key in ours, key in theirs)}")
            for key in sorted(ours.keys() | theirs.keys(), key=repr)
            if ours.get(key) != theirs.get(key)
        ][:_MOST_ROWS]
    told.append(Difference(table.name, f"differs in {len(shards)} shard(s)"))
    return told


def _said(here: bool, there: bool) -> str:  # noqa: FBT001 - both are named by their order
    if here and there:
        return "has other values"
    return "is missing in PostgreSQL" if here else "is in PostgreSQL and not in the folder"


def _key(key: Sequence[object]) -> str:
    return ", ".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)


def _summed(digest: Digest) -> str:
    rows = sum(count for count, _ in digest.values())
    total = sum(total for _, total in digest.values()) % (1 << 128)
    return f"{rows} · {total:032x}"[: len(str(rows)) + 13]


def _blobs(count: int, size: int) -> str:
    return f"{count} · {size / _MIB:.1f} MiB"

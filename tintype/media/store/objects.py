"""The ledger: one row a stored object, kept by the transactions that change what it speaks of.

An object is the original of an upload or one of its renditions. Whoever inserts or changes an
upload or puts renditions keeps the ledger right without knowing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tintype.database import Reader, Row, Transaction, TryAgain, metadata, upsert
from tintype.kernel.ids import Id, shard_of, timestamp_ms
from tintype.media.model import ORIGINAL, Rendition, StoredObject
from tintype.media.store.uploads import uploads

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("upload", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("tier", sa.String(8), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("place", sa.String(60), nullable=False),
    sa.Column("target", sa.String(60)),
    sa.Column("claimed_ms", sa.BigInteger, nullable=False),
    sa.Column("stays_until_ms", sa.BigInteger, nullable=False),
    sa.Column("stored_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("served_until_ms", sa.BigInteger, server_default="0", nullable=False),
    sa.Index("objects_due", "state", "tier", "kind", "stored_ms"),
)

MAIN = "main"
"""The place where everything arrives."""
Shards = tuple[int, int]
"""A range of shards: its first and its last."""
_KEY = ("shard", "upload", "name")
_STORED = ("processing", "ready", "failed")


def _this(upload: Id, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        objects.c.shard == shard_of(upload), objects.c.upload == upload, objects.c.name == name
    )


def _all_of(upload: Id) -> sa.ColumnElement[bool]:
    return sa.and_(objects.c.shard == shard_of(upload), objects.c.upload == upload)


def _object(row: Row) -> StoredObject:
    return StoredObject(
        **{name: value for name, value in row._mapping.items() if name != "shard"}  # noqa: SLF001 - SQLAlchemy's public name
    )


def _new(upload: Id, name: str, values: Mapping[str, object], now_ms: int) -> dict[str, object]:
    return {
        "shard": shard_of(upload),
        "upload": upload,
        "name": name,
        "tier": "hot",
        "state": "resting",
        "place": MAIN,
        "target": None,
        "claimed_ms": 0,
        "stays_until_ms": 0,
        "stored_ms": now_ms,
        "changed_ms": now_ms,
        **values,
    }


async def note_original(tx: Transaction, upload: Id) -> None:
    """Keep the row of an upload's original right; none before its parts are all there."""
    row = await tx.first(
        sa.select(uploads.c.state, uploads.c.bytes, uploads.c.sha256, uploads.c.changed_ms).where(
            uploads.c.shard == shard_of(upload), uploads.c.id == upload
        )
    )
    if row is None or row.state not in _STORED:
        return
    values = {"kind": ORIGINAL, "bytes": row.bytes, "sha256": row.sha256}
    known: dict[str, sa.ColumnElement[Any]] = {
        "bytes": sa.literal(row.bytes, sa.BigInteger),
        "sha256": sa.func.coalesce(sa.literal(row.sha256, sa.String(64)), objects.c.sha256),
    }
    made = _new(upload, ORIGINAL, values, max(row.changed_ms, timestamp_ms(upload)))
    await tx.execute(upsert(objects, made, index=_KEY, update=known))


async def note_renditions(tx: Transaction, upload: Id, kept: Sequence[Rendition]) -> None:
    """Have rows for exactly these renditions of an upload, and count what it takes of the quota.

    What was stored for it before and is not among them is given up: its bytes go soon.

    Raises:
        TryAgain: bytes of the same content, given up before, are being deleted at this moment.
    """
    now_ms = tx.now_ms()
    found = {each.name: each for each in await objects_of(tx, upload)}
    names = {each.name for each in kept}
    if any(name in names and found[name].is_going for name in found):
        raise TryAgain("a file of the same content is being deleted")
    for each in {each.name: each for each in kept}.values():
        if each.name not in found or found[each.name].state == "dropped":
            values = {"kind": "rendition", "bytes": each.bytes, "sha256": each.sha256}
            row = _new(upload, each.name, values, now_ms)
            await tx.execute(
                upsert(objects, row, index=_KEY, update=["state", "place", "tier", "changed_ms"])
            )
    gone = [each.name for each in found.values() if each.name not in names and not each.is_original]
    if gone:
        await tx.execute(
            sa.update(objects)
            .where(_all_of(upload), objects.c.name.in_(gone), objects.c.state != "dropped")
            .values(state="dropped", changed_ms=now_ms)
        )
    taken = sa.select(sa.func.sum(objects.c.bytes)).where(
        _all_of(upload), objects.c.state != "dropped"
    )
    await tx.execute(
        sa.update(uploads)
        .where(uploads.c.shard == shard_of(upload), uploads.c.id == upload)
        .values(held_bytes=sa.func.coalesce(taken.scalar_subquery(), 0))
    )


async def note_strays(tx: Transaction, upload: Id, made: Sequence[Rendition]) -> None:
    """Give up files that were stored for an upload in vain: their bytes go soon."""
    known = {each.name for each in await objects_of(tx, upload)}
    for each in {each.name: each for each in made if each.name not in known}.values():
        values = {"kind": "rendition", "bytes": each.bytes, "sha256": each.sha256}
        row = _new(upload, each.name, {**values, "state": "dropped"}, tx.now_ms())
        await tx.execute(sa.insert(objects), [row])


async def linger(tx: Transaction, upload: Id, names: Collection[str], until_ms: int) -> None:
    """Let files that were given up be fetched until a moment: pages that name them are out."""
    await tx.execute(
        sa.update(objects)
        .where(_all_of(upload), objects.c.name.in_(names), objects.c.state == "dropped")
        .values(served_until_ms=until_ms)
    )


async def read_object(reader: Reader, upload: Id, name: str) -> StoredObject | None:
    row = await reader.first(sa.select(objects).where(_this(upload, name)))
    return None if row is None else _object(row)


async def objects_of(reader: Reader, upload: Id) -> list[StoredObject]:
    """Everything that is stored of an upload."""
    rows = await reader.all(sa.select(objects).where(_all_of(upload)).order_by(objects.c.name))
    return [_object(row) for row in rows]


async def change_object(tx: Transaction, seen: StoredObject, values: Mapping[str, object]) -> bool:
    """Change an object if nobody has taken it up since it was seen; tells whether it was."""
    where = sa.and_(
        _this(seen.upload, seen.name),
        objects.c.state == seen.state,
        objects.c.claimed_ms == seen.claimed_ms,
    )
    return await tx.execute(sa.update(objects).where(where).values(**values)) == 1


async def learn_hash(tx: Transaction, seen: StoredObject, sha256: str) -> None:
    """Note what an object's content turned out to be, when it was not known."""
    await tx.execute(
        sa.update(objects)
        .where(_this(seen.upload, seen.name), objects.c.sha256.is_(None))
        .values(sha256=sha256)
    )


async def forget_object(tx: Transaction, seen: StoredObject) -> bool:
    """Drop the row of an object whose bytes are gone, if nobody took it up since."""
    where = sa.and_(
        _this(seen.upload, seen.name),
        objects.c.state == seen.state,
        objects.c.claimed_ms == seen.claimed_ms,
    )
    return await tx.execute(sa.delete(objects).where(where)) == 1


async def forget_objects(tx: Transaction, upload: Id) -> None:
    await tx.execute(sa.delete(objects).where(_all_of(upload)))


async def ledger_bytes(reader: Reader, owner: Id) -> int:
    """Bytes that an account's stored objects take, by the ledger."""
    shard = shard_of(owner)
    found = await reader.scalar(
        sa.select(sa.func.sum(objects.c.bytes))
        .join(
            uploads, sa.and_(uploads.c.shard == objects.c.shard, uploads.c.id == objects.c.upload)
        )
        .where(
            objects.c.shard == shard,
            uploads.c.shard == shard,
            uploads.c.owner == owner,
            uploads.c.state.in_(_STORED),
            objects.c.state != "dropped",
        )
    )
    return int(found or 0)


async def aged(
    reader: Reader,
    shards: Shards,
    *,
    tier: str,
    kind: str,
    stored_before_ms: int,
    now_ms: int,
    limit: int,
) -> list[StoredObject]:
    """What rests in a tier of a range of shards and was stored before a moment, oldest first.

    Only of uploads that are ready; what was brought back is left out as long as it stays.
    """
    rows = await reader.all(
        sa.select(objects)
        .join(
            uploads, sa.and_(uploads.c.shard == objects.c.shard, uploads.c.id == objects.c.upload)
        )
        .where(
            objects.c.shard.between(*shards),
            objects.c.state == "resting",
            objects.c.tier == tier,
            objects.c.kind == kind,
            objects.c.stored_ms < stored_before_ms,
            objects.c.stays_until_ms <= now_ms,
            uploads.c.state == "ready",
        )
        .order_by(objects.c.stored_ms)
        .limit(limit)
    )
    return [_object(row) for row in rows]


async def misplaced(
    reader: Reader, shards: Shards, *, tier: str, home: str, now_ms: int, limit: int
) -> list[StoredObject]:
    """What rests in a tier, but not in the place where that tier is kept."""
    rows = await reader.all(
        sa.select(objects)
        .join(
            uploads, sa.and_(uploads.c.shard == objects.c.shard, uploads.c.id == objects.c.upload)
        )
        .where(
            objects.c.shard.between(*shards),
            objects.c.state == "resting",
            objects.c.tier == tier,
            objects.c.place != home,
            objects.c.stays_until_ms <= now_ms,
            uploads.c.state == "ready",
        )
        .order_by(objects.c.stored_ms)
        .limit(limit)
    )
    return [_object(row) for row in rows]


async def unfinished(
    reader: Reader,
    shards: Shards,
    *,
    state: str,
    claimed_before_ms: int,
    changed_before_ms: int,
    limit: int,
) -> list[StoredObject]:
    """What is in a state and was last taken up before a moment, the longest ago first."""
    rows = await reader.all(
        sa.select(objects)
        .where(
            objects.c.shard.between(*shards),
            objects.c.state == state,
            objects.c.claimed_ms < claimed_before_ms,
            objects.c.changed_ms <= changed_before_ms,
        )
        .order_by(objects.c.claimed_ms, objects.c.changed_ms)
        .limit(limit)
    )
    return [_object(row) for row in rows]


async def retier(tx: Transaction, seen: Sequence[StoredObject], tier: str) -> None:
    """Count objects that rest to another tier, in the place where they are."""
    for each in seen:
        await change_object(tx, each, {"tier": tier})


async def ledger_page(
    reader: Reader, after: tuple[int, Id, str], last_shard: int, limit: int
) -> list[tuple[StoredObject, str | None]]:
    """The ledger page by page in the order of its key, with the state of each upload."""
    key = sa.tuple_(objects.c.shard, objects.c.upload, objects.c.name)
    rows = await reader.all(
        sa.select(objects, uploads.c.state.label("upload_state"))
        .outerjoin(
            uploads, sa.and_(uploads.c.shard == objects.c.shard, uploads.c.id == objects.c.upload)
        )
        .where(
            objects.c.shard.between(after[0], last_shard),
            key > sa.tuple_(*map(sa.literal, after)),
        )
        .order_by(objects.c.shard, objects.c.upload, objects.c.name)
        .limit(limit)
    )
    return [(_of_page(row), row.upload_state) for row in rows]


def _of_page(row: Row) -> StoredObject:
    names = StoredObject.__struct_fields__
    return StoredObject(**{name: getattr(row, name) for name in names})


async def tier_figures(reader: Reader) -> list[tuple[str, str, str, int, int]]:
    """Tier, place, state, how many objects and how many bytes; asks every shard."""
    rows = await reader.all(
        sa.select(
            objects.c.tier,
            objects.c.place,
            objects.c.state,
            sa.func.count().label("objects"),
            sa.func.sum(objects.c.bytes).label("taken"),
        )
        .where(objects.c.shard >= 0)
        .group_by(objects.c.tier, objects.c.place, objects.c.state)
        .order_by(objects.c.tier, objects.c.place, objects.c.state)
    )
    return [(row.tier, row.place, row.state, int(row.objects), int(row.taken)) for row in rows]

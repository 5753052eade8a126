"""Marks on uploads that are just being cleared of orphans, and when that was last done."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tintype.database import Reader, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_of

doomed_uploads = sa.Table(
    "doomed_uploads",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("upload", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("mark", sa.BigInteger, nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)

clearings = sa.Table(
    "clearings",
    metadata,
    # One row, at 0: the latest round of the whole instance.
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("began_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("blobs", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("uploads", sa.BigInteger, nullable=False),
)

_INSTANCE, _NAME = 0, "orphans"
_ROUND = sa.and_(clearings.c.shard == _INSTANCE, clearings.c.name == _NAME)


class Round(msgspec.Struct, frozen=True):
    """A round that looked for orphans; ``ended_ms`` is ``None`` while it runs, or since it died."""

    began_ms: int
    ended_ms: int | None
    blobs: int
    bytes: int
    uploads: int


def _this(upload: Id) -> sa.ColumnElement[bool]:
    return sa.and_(doomed_uploads.c.shard == shard_of(upload), doomed_uploads.c.upload == upload)


async def doom(tx: Transaction, upload: Id, mark: Id, until_ms: int) -> bool:
    """Mark an upload until a moment; ``False`` when somebody else's mark still counts."""
    await tx.lock(upload)
    if await doomed(tx, upload, now_ms=tx.now_ms()):
        return False
    row = {"shard": shard_of(upload), "upload": upload, "mark": mark, "until_ms": until_ms}
    update = ["mark", "until_ms"]
    await tx.execute(upsert(doomed_uploads, row, index=["shard", "upload"], update=update))
    return True


async def spare(tx: Transaction, upload: Id, mark: Id) -> None:
    """Take one's own mark back."""
    await tx.execute(sa.delete(doomed_uploads).where(_this(upload), doomed_uploads.c.mark == mark))


async def doomed(reader: Reader, upload: Id, *, now_ms: int) -> bool:
    """Whether an upload is marked by somebody who may be at it."""
    until = await reader.scalar(sa.select(doomed_uploads.c.until_ms).where(_this(upload)))
    return until is not None and until > now_ms


async def last_round(reader: Reader) -> Round | None:
    """The latest round of this instance."""
    row = await reader.first(sa.select(clearings).where(_ROUND))
    if row is None:
        return None
    return Round(row.began_ms, row.ended_ms, row.blobs, row.bytes, row.uploads)


async def begin_round(tx: Transaction, seen: Round | None) -> bool:
    """Begin the round after the one that was seen; ``False`` when somebody was quicker."""
    begun = {"began_ms": tx.now_ms(), "ended_ms": None, "blobs": 0, "bytes": 0, "uploads": 0}
    if seen is None:
        row = {"shard": _INSTANCE, "name": _NAME, **begun}
        return await tx.execute(upsert(clearings, row, index=["shard", "name"])) == 1
    after = sa.and_(_ROUND, clearings.c.began_ms == seen.began_ms)
    return await tx.execute(sa.update(clearings).where(after).values(**begun)) == 1


async def end_round(tx: Transaction, *, blobs: int, bytes_: int, uploads: int) -> None:
    """Note what the round that runs came to."""
    found = {"ended_ms": tx.now_ms(), "blobs": blobs, "bytes": bytes_, "uploads": uploads}
    await tx.execute(sa.update(clearings).where(_ROUND).values(**found))

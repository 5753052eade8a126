"""Renditions: one row a file that was made of an upload."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

import msgspec
import sqlalchemy as sa

from tintype.database import ById, Reader, Row, Transaction, metadata, upsert
from tintype.kernel.ids import Id, shard_of
from tintype.media.model import DOWNLOAD, FORMATS, PLAIN, Access, ReadyFile, Rendition
from tintype.media.store.objects import forget_objects, note_renditions, objects
from tintype.media.store.uploads import uploads

renditions = sa.Table(
    "renditions",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("upload", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rung", sa.String(10), primary_key=True),
    sa.Column("format", sa.String(10), primary_key=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)


def _rendition(row: Row) -> Rendition:
    return Rendition(
        rung=row.rung,
        format=row.format,
        width=row.width,
        height=row.height,
        bytes=row.bytes,
        sha256=row.sha256,
    )


async def put_renditions(tx: Transaction, upload: Id, made: Sequence[Rendition]) -> None:
    """Keep what was made, in place of what an earlier run made, and count it.

    The files of a rung that was made again are given up: their bytes go soon.

    Raises:
        TryAgain: such a file of the same content is being deleted at this moment.
    """
    rows = [
        {"shard": shard_of(upload), "upload": upload, **msgspec.structs.asdict(each)}
        for each in made
    ]
    values = ["width", "height", "bytes", "sha256"]
    index = ["shard", "upload", "rung", "format"]
    for row in rows:
        await tx.execute(upsert(renditions, row, index=index, update=values))
    await note_renditions(tx, upload, (await renditions_of(tx, [upload]))[upload])


async def drop_rungs(tx: Transaction, upload: Id, rungs: Collection[str]) -> None:
    """Forget all files of these rungs; the next ``put_renditions`` gives their bytes up."""
    await tx.execute(
        sa.delete(renditions).where(
            renditions.c.shard == shard_of(upload),
            renditions.c.upload == upload,
            renditions.c.rung.in_(rungs),
        )
    )


_RENDITIONS = ById(
    sa.select(renditions).order_by(renditions.c.upload, renditions.c.width, renditions.c.format),
    renditions.c.upload,
)


async def renditions_of(reader: Reader, ids: Iterable[Id]) -> dict[Id, list[Rendition]]:
    """The renditions of each upload, from the smallest to the largest."""
    found: dict[Id, list[Rendition]] = defaultdict(list)
    for row in await _RENDITIONS.all(reader, ids):
        found[row.upload].append(_rendition(row))
    return found


_FIND_READY = (
    sa.select(uploads.c.id.label("upload_id"), uploads.c.owner, uploads.c.access, renditions)
    .join(
        renditions,
        sa.and_(renditions.c.shard == uploads.c.shard, renditions.c.upload == uploads.c.id),
    )
    .where(
        uploads.c.shard == sa.bindparam("of_shard"),
        uploads.c.id == sa.bindparam("of_upload"),
        uploads.c.state == "ready",
        sa.or_(uploads.c.offered, renditions.c.rung != DOWNLOAD),
        renditions.c.sha256 >= sa.bindparam("content"),
        renditions.c.sha256 < sa.bindparam("beyond"),
    )
)


async def find_ready(reader: Reader, upload: Id, content: str) -> ReadyFile | None:
    """The rendition of a ready upload whose hash begins with ``content``."""
    row = await reader.first(
        _FIND_READY,
        {
            "of_shard": shard_of(upload),
            "of_upload": upload,
            "content": content,
            "beyond": content + "g",
        },
    )
    if row is None:
        return None
    made = _rendition(row)
    access: Access = "owner" if made.rung == PLAIN else row.access
    return ReadyFile(upload=row.upload_id, owner=row.owner, access=access, rendition=made)


async def find_lingering(reader: Reader, upload: Id, name: str, *, now_ms: int) -> ReadyFile | None:
    """A file of a ready upload that was replaced a short while ago."""
    row = await reader.first(
        sa.select(uploads.c.owner, uploads.c.access, objects.c.bytes, objects.c.sha256)
        .join(
            objects, sa.and_(objects.c.shard == uploads.c.shard, objects.c.upload == uploads.c.id)
        )
        .where(
            uploads.c.shard == shard_of(upload),
            uploads.c.id == upload,
            uploads.c.state == "ready",
            objects.c.name == name,
            objects.c.state == "dropped",
            objects.c.claimed_ms == 0,
            objects.c.served_until_ms > now_ms,
        )
    )
    if row is None:
        return None
    format_ = FORMATS[name.rpartition(".")[2]]
    made = Rendition("replaced", format_, 0, 0, row.bytes, row.sha256)
    return ReadyFile(upload=upload, owner=row.owner, access=row.access, rendition=made)


async def forget(tx: Transaction, upload: Id) -> None:
    """Drop the rows of an upload whose bytes are gone."""
    await forget_objects(tx, upload)
    await tx.execute(
        sa.delete(renditions).where(
            renditions.c.shard == shard_of(upload), renditions.c.upload == upload
        )
    )
    await tx.execute(
        sa.delete(uploads).where(uploads.c.shard == shard_of(upload), uploads.c.id == upload)
    )

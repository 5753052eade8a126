"""Uploads: one row each, from its beginning until its bytes are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from tintype.database import Reader, Row, Transaction, metadata
from tintype.kernel.ids import Id, shard_of
from tintype.media.model import AVATAR, PART_BYTES, Upload

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("access", sa.String(10), nullable=False),
    sa.Column("subject", sa.String(24)),
    sa.Column("content_type", sa.String(60), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("held_bytes", sa.BigInteger, nullable=False),
    sa.Column("remote", sa.Text, nullable=False),
    sa.Column("reason_code", sa.String(40)),
    sa.Column("reason", sa.Text),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("duration", sa.Float),
    sa.Column("thumbhash", sa.String(60)),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("part_bytes", sa.BigInteger, server_default=str(PART_BYTES), nullable=False),
    sa.Column("filename", sa.String(255)),
    sa.Column("declared_sha256", sa.String(64)),
    sa.Column("declared_parts_sha256", sa.String(64)),
    sa.Column("sha256", sa.String(64)),
    sa.Column("animated", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("offered", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("progress", sa.SmallInteger),
    sa.Column("poster_at", sa.Float),
    sa.Column("recipe", sa.Text),
    sa.Column("revision", sa.Integer, server_default="0", nullable=False),
    sa.Column("rendered", sa.Integer, server_default="0", nullable=False),
    sa.Index("uploads_of", "shard", "owner", "state"),
    sa.Index("uploads_due", "state", "changed_ms"),
)

_UNDER_WAY = ("uploading", "processing")
_HOLDING = ("uploading", "processing", "ready", "failed")


def _this(upload: Id) -> sa.ColumnElement[bool]:
    return sa.and_(uploads.c.shard == shard_of(upload), uploads.c.id == upload)


def _these(ids: Iterable[Id]) -> sa.ColumnElement[bool]:
    wanted = set(ids)
    return sa.and_(uploads.c.shard.in_({shard_of(id_) for id_ in wanted}), uploads.c.id.in_(wanted))


def _of(owner: Id) -> sa.ColumnElement[bool]:
    return sa.and_(uploads.c.shard == shard_of(owner), uploads.c.owner == owner)


def _upload(row: Row) -> Upload:
    return Upload(
        **{name: value for name, value in row._mapping.items() if name != "shard"}  # noqa: SLF001 - SQLAlchemy's public name
    )


async def insert(tx: Transaction, upload: Upload) -> None:
    row = {"shard": shard_of(upload.id), **msgspec.structs.asdict(upload)}
    await tx.execute(sa.insert(uploads), [row])


async def read(reader: Reader, upload: Id) -> Upload | None:
    row = await reader.first(sa.select(uploads).where(_this(upload)))
    return None if row is None else _upload(row)


async def read_all(reader: Reader, ids: Iterable[Id]) -> dict[Id, Upload]:
    wanted = set(ids)
    if not wanted:
        return {}
    rows = await reader.all(sa.select(uploads).where(_these(wanted)))
    return {row.id: _upload(row) for row in rows}


async def change(
    tx: Transaction,
    upload: Id,
    values: Mapping[str, object],
    *,
    only_in: Sequence[str] | None = None,
) -> bool:
    """Change an upload, if it is in one of these states; tells whether it was."""
    where = _this(upload)
    if only_in is not None:
        where = sa.and_(where, uploads.c.state.in_(only_in))
    return await tx.execute(sa.update(uploads).where(where).values(**values)) == 1


async def claim(tx: Transaction, ids: Iterable[Id], *, owner: Id, subject: str) -> int:
    """Take uploads that are nobody's yet; returns how many that were."""
    return await tx.execute(
        sa.update(uploads)
        .where(_these(ids), uploads.c.owner == owner, uploads.c.subject.is_(None))
        .values(subject=subject)
    )


async def change_all(tx: Transaction, ids: Iterable[Id], values: Mapping[str, object]) -> None:
    await tx.execute(sa.update(uploads).where(_these(ids)).values(**values))


async def held_bytes(reader: Reader, owner: Id) -> int:
    """Bytes that an account's uploads take, the promised ones included."""
    found = await reader.scalar(
        sa.select(sa.func.sum(uploads.c.held_bytes)).where(
            _of(owner), uploads.c.state.in_(_HOLDING)
        )
    )
    return int(found or 0)


async def count_under_way(reader: Reader, owner: Id) -> int:
    found = await reader.scalar(
        sa.select(sa.func.count()).where(_of(owner), uploads.c.state.in_(_UNDER_WAY))
    )
    return int(found or 0)


async def ids_of(reader: Reader, owner: Id) -> list[Id]:
    """Every upload of an account, whatever its state."""
    return [row.id for row in await reader.all(sa.select(uploads.c.id).where(_of(owner)))]


async def page_of(reader: Reader, owner: Id, state: str, *, below: Id, limit: int) -> list[Upload]:
    """An account's uploads in a state, the newest first, from before an id on."""
    rows = await reader.all(
        sa.select(uploads)
        .where(_of(owner), uploads.c.state == state, uploads.c.id < below)
        .order_by(uploads.c.id.desc())
        .limit(limit)
    )
    return [_upload(row) for row in rows]


async def avatars_of(reader: Reader, owner: Id) -> list[Upload]:
    """The uploads that are, or are becoming, an account's avatar."""
    rows = await reader.all(
        sa.select(uploads)
        .where(_of(owner), uploads.c.subject == AVATAR, uploads.c.state.in_(_HOLDING))
        .order_by(uploads.c.id)
    )
    return [_upload(row) for row in rows]


async def idle_in(reader: Reader, state: str, *, before_ms: int, limit: int) -> list[Upload]:
    """Uploads that have been in a state the longest; asks every shard, for the sweeper."""
    rows = await reader.all(
        sa.select(uploads)
        .where(uploads.c.state == state, uploads.c.changed_ms < before_ms)
        .order_by(uploads.c.changed_ms)
        .limit(limit)
    )
    return [_upload(row) for row in rows]


async def overdue(reader: Reader, *, now_ms: int, limit: int) -> list[Upload]:
    """Uploads whose time is over and that nothing uses; asks every shard, for the sweeper."""
    rows = await reader.all(
        sa.select(uploads)
        .where(
            uploads.c.state.in_(("uploading", "ready", "failed", "expired")),
            uploads.c.expires_ms < now_ms,
            sa.or_(uploads.c.subject.is_(None), uploads.c.state == "uploading"),
        )
        .order_by(uploads.c.expires_ms)
        .limit(limit)
    )
    return [_upload(row) for row in rows]

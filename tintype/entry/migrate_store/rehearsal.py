"""What a move would do, and whether it can: looks at both sides and changes neither."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import sqlalchemy as sa

from tintype.adapters.s3.checks import observe
from tintype.admin import Finding
from tintype.database.migrate import revisions
from tintype.entry.cli_storage import origins_of
from tintype.entry.migrate_store.model import MoveRefused
from tintype.entry.migrate_store.rows import tables
from tintype.entry.migrate_store.source import Source
from tintype.entry.migrate_store.target import Target
from tintype.entry.settings import Settings
from tintype.kernel.clock import Clock

_MIB = 1024**2
_ROWS_A_SECOND, _BYTES_A_SECOND = 10_000, 50 * _MIB
"""Slow on purpose: engines may be far away. docs/howto/migrate-store.md says what was measured."""
_GROWN = 2.5
"""How much larger rows and indexes are in PostgreSQL than in the file, rounded up."""
_SKEW_S, _WIDE_SKEW_S = 2.0, 60.0
_OLDEST_SERVER = 140_000
_LARGEST_INT = (1 << 31) - 1
# The storage of the web client's pages is set up after the move as well as before.
_LATER = frozenset({"bucket cors", "bucket lifecycle"})


async def findings(
    source: Source, target: Target, settings: Settings, clock: Clock
) -> AsyncIterator[Finding]:
    """Every finding; a ``failed`` one keeps the move from being made."""
    for finding in _of_source(source):
        yield finding
    for check in (_reached, _ours):
        finding = await check(target, source, clock)
        yield finding
        if finding.level == "failed":
            return
    async for finding in _of_database(target, source):
        yield finding
    for seen in await observe(target.s3, origins_of(settings)):
        level = "degraded" if seen.level == "failed" and seen.name in _LATER else seen.level
        yield Finding(seen.name, level, seen.detail)


def _of_source(source: Source) -> Iterator[Finding]:
    rows = source.rows([table.name for table in tables()])
    count, size = source.size_of_blobs()
    total = sum(rows.values())
    minutes = (2 * total / _ROWS_A_SECOND + 2 * size / _BYTES_A_SECOND) / 60
    yield Finding("rows", detail=f"{total} in {len(rows)} tables would be copied.")
    yield Finding("blobs", detail=f"{count} with {size / _MIB:.1f} MiB would be copied.")
    said = f"About {max(1, round(minutes))} min, verification included."
    yield Finding("estimate", detail=f"{said} The server stands still meanwhile.")
    waiting = rows.get("outbox", 0) + rows.get("jobs", 0)
    if waiting:
        yield Finding("work", detail=f"{waiting} events and jobs wait; they go along.")
    if uploads := source.open_uploads():
        said = f"{uploads} are under way: those not sent completely would have to begin again."
        yield Finding("uploads", "degraded", said)
    if letters := rows.get("dead_letters", 0):
        yield Finding("dead letters", detail=f"{letters} go along, to be replayed there.")
    misfits = [*_misfits(source, rows)]
    if misfits:
        yield Finding("values", "failed", f"PostgreSQL would not take: {'; '.join(misfits)}.")
    room = shutil.disk_usage(source.folder).free
    needed = source.database.stat().st_size
    said = f"The snapshot needs {needed / _MIB:.1f} MiB here, of {room / _MIB:.0f} that are free."
    yield Finding("room here", "failed" if room < needed else "ok", said)


def _misfits(source: Source, rows: dict[str, int]) -> Iterator[str]:
    """Values that the file took although the column is narrower."""
    with source.reading() as connection:
        for table in tables():
            asked = [(column.name, rule) for column in table.columns if (rule := _rule(column))]
            for name, rule in asked if table.name in rows else []:
                query = f"SELECT count(*) FROM {table.name} WHERE {rule}"  # noqa: S608 - our own tables
                if found := connection.execute(query).fetchone()[0]:
                    yield f"{found} values of {table.name}.{name}"


def _rule(column: sa.Column[object]) -> str | None:
    """What a value of this column must not be."""
    quoted = f'"{column.name}"'
    if isinstance(column.type, sa.String):
        longer = f"length({quoted}) > {column.type.length} OR " if column.type.length else ""
        return f"{longer}instr({quoted}, char(0)) > 0"
    if type(column.type) is sa.Integer:
        return f"abs({quoted}) > {_LARGEST_INT}"
    return None


async def _reached(target: Target, source: Source, clock: Clock) -> Finding:
    del source
    before = clock.now_ms()
    async with target.database.read() as reader:
        row = await reader.first(
            sa.text(
                "SELECT current_setting('server_version_num')::int AS version, "
                "current_setting('server_encoding') AS encoding, "
                "pg_is_in_recovery() AS replica, "
                "extract(epoch FROM clock_timestamp())::float8 AS now_s"
            )
        )
    assert row is not None  # noqa: S101 - a select without a table has one row
    skew = abs(row.now_s - (before + clock.now_ms()) / 2000)
    if row.replica:
        return Finding("database", "failed", "It is a replica. Name the primary.")
    if row.encoding != "UTF8" or row.version < _OLDEST_SERVER:
        said = (
            f"PostgreSQL {row.version // 10_000} in {row.encoding}: it takes 14 or later in UTF8."
        )
        return Finding("database", "failed", said)
    if skew > _SKEW_S:
        said = f"Its clock differs by {skew:.0f} s. Keep both with NTP."
        return Finding("database", "failed" if skew > _WIDE_SKEW_S else "degraded", said)
    return Finding("database", detail=f"PostgreSQL {row.version // 10_000}, its clock is right.")


async def _ours(target: Target, source: Source, clock: Clock) -> Finding:
    del clock
    try:
        move = await target.refuse_others(source.identity)
    except MoveRefused as refusal:
        return Finding("new home", "failed", str(refusal))
    if move is None:
        return Finding("new home", detail="It is empty.")
    if move.state == "moved":
        return Finding("new home", detail="It holds this instance already, moved and verified.")
    return Finding("new home", detail="It holds a part of this instance: the move would go on.")


async def _of_database(target: Target, source: Source) -> AsyncIterator[Finding]:
    async with target.database.read() as reader:
        row = await reader.first(
            sa.text(
                "SELECT has_schema_privilege(current_schema(), 'CREATE') AS creates, "
                "current_schema() AS schema, inet_server_addr() IS NULL "
                "OR host(inet_server_addr()) IN ('127.0.0.1', '::1') AS here, "
                "pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads, "
                "to_regclass('alembic_version') IS NOT NULL AS made"
            )
        )
        assert row is not None  # noqa: S101 - a select without a table has one row
        asked = sa.text("SELECT current_setting('data_directory')")
        folder = await reader.scalar(asked) if row.here and row.reads else None
        asked = sa.text("SELECT version_num FROM alembic_version")
        revision = await reader.scalar(asked) if row.made else None
    if not row.creates:
        said = f"This role may not make tables in {row.schema}. GRANT CREATE ON SCHEMA to it."
        yield Finding("database rights", "failed", said)
    elif revision is not None and revision not in revisions():
        said = f"Its schema is of a newer Tintype ({revision}); install that version here first."
        yield Finding("database rights", "failed", said)
    else:
        yield Finding("database rights", detail="It may make tables and fill them.")
    needed = _GROWN * source.database.stat().st_size
    room = _room(folder)
    said = f"Up to {needed / _MIB:.0f} MiB are needed"
    if room is None:
        yield Finding("database room", detail=f"{said}; a server elsewhere does not tell its room.")
    else:
        said = f"{said}, {room / _MIB:.0f} are free."
        yield Finding("database room", "failed" if room < needed else "ok", said)


def _room(folder: str | None) -> int | None:
    """Free bytes, where the server's folder is on this machine."""
    try:
        return None if folder is None else shutil.disk_usage(Path(folder)).free
    except OSError:
        return None

"""Bringing a PostgreSQL schema up to date: one transaction, one process at a time.

No copy is made before a change, unlike with SQLite: a server is backed up by its operator (a base
backup and its log), and the change is undone whole when any of it fails.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
import structlog

from tintype.database.migrate import SchemaTooNew, config, revisions
from tintype.database.postgres_faults import Phase, problems
from tintype.database.postgres_pool import open_engine
from tintype.database.session import DatabaseUnavailable
from tintype.database.settings import DatabaseSettings

log = structlog.get_logger(__name__)

_LOCK = 0x7147_7EFE
"""The advisory lock of migrations; any number will do that no account has."""
_PATIENCE_MS = 3_600_000
_PAUSE_S = 0.5


def migrate_postgres(settings: DatabaseSettings) -> bool:
    """Bring the schema to the newest revision; returns whether anything had to change.

    Several processes may start at once: one migrates, the others wait for it. A server that does
    not answer is waited for, ``start_wait_s`` at most.

    Raises:
        SchemaTooNew: the database holds a revision that this version does not know.
        DatabaseUnavailable: the server does not answer.
    """
    # The driver needs a loop, and whoever composes a server may be inside one.
    with ThreadPoolExecutor(1, thread_name_prefix="migrate") as thread:
        return thread.submit(asyncio.run, _migrate_patiently(settings)).result()


async def revision_of(settings: DatabaseSettings) -> str | None:
    """The revision of the schema; ``None`` when there is none yet."""
    engine = open_engine(str(settings.url), settings)
    try:
        with problems(Phase.CONNECTING):
            async with engine.connect() as connection:
                return await connection.run_sync(_current)
    finally:
        await engine.dispose()


async def _migrate_patiently(settings: DatabaseSettings) -> bool:
    end = time.monotonic() + settings.start_wait_s
    said = False
    while True:
        try:
            return await _migrate(settings)
        except DatabaseUnavailable as problem:
            if time.monotonic() + _PAUSE_S > end:
                raise
            if not said:
                log.warning("database.waiting", patience_s=settings.start_wait_s, why=str(problem))
            said = True
        await asyncio.sleep(_PAUSE_S)


async def _migrate(settings: DatabaseSettings) -> bool:
    patient = settings.model_copy(
        update={"statement_timeout_ms": _PATIENCE_MS, "pool_size": 1, "prepared_statements": False}
    )
    engine = open_engine(str(settings.url), patient)
    try:
        with problems(Phase.CONNECTING):
            async with engine.begin() as connection:
                lock = sa.text("SELECT pg_advisory_xact_lock(:key)")
                await connection.execute(lock, {"key": _LOCK})
                return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _current(connection: sa.Connection) -> str | None:
    if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return None
    row = connection.execute(sa.text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: sa.Connection) -> bool:
    from alembic import command

    known, current = revisions(), _current(connection)
    if current is not None and current not in known:
        raise SchemaTooNew(f"{SchemaTooNew.__doc__} (revision {current})")
    if current == known[-1]:
        return False
    alembic = config()
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")
    log.info("database.migrated", before=current, now=known[-1])
    return True

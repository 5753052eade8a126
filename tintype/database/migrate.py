"""Bringing the schema up to date when the server starts, with a backup before any change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tintype.database.sqlite import open_engine
from tintype.database.tables import metadata

log = structlog.get_logger(__name__)

_HERE = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):  # noqa: N818 - it reads as what it says
    """The database was written by a newer Tintype; install that version, or restore a backup."""


def config() -> Config:
    """Alembic's configuration, without a file."""
    found = Config()
    found.set_main_option("script_location", str(_HERE))
    found.set_main_option("path_separator", "os")
    return found


def migrate(path: Path, backups: Path) -> Path | None:
    """Bring the database file to the newest revision; a fresh file is made when there is none.

    Before an existing schema changes, a consistent copy is written to ``backups``; returns its
    path, or ``None`` when nothing had to be copied. Safe to run again after any interruption.

    Raises:
        SchemaTooNew: the file holds a revision that this version does not know.
    """
    engine = open_engine(path)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(config())
        head = scripts.get_current_head()
        if head is None:
            metadata.create_all(engine)
            return None
        known = {script.revision for script in scripts.walk_revisions()}
        if current is not None and current not in known:
            raise SchemaTooNew(f"{SchemaTooNew.__doc__} (revision {current})")
        if current == head:
            return None
        backup = None if current is None else _back_up(path, backups, current)
        _upgrade(engine)
        log.info("database.migrated", before=current, now=head, backup=str(backup or ""))
        return backup
    finally:
        engine.dispose()


def _upgrade(engine: sa.Engine) -> None:
    alembic = config()
    # One explicit transaction: a schema is changed whole or not at all.
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None  # noqa: S101 - an open connection has a driver
        raw.execute("BEGIN IMMEDIATE")
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
        if raw.in_transaction:
            raw.execute("COMMIT")


def _back_up(path: Path, backups: Path, revision: str) -> Path:
    backups.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = backups / f"before-{revision}.sqlite"
    number = 1
    while target.exists():
        number += 1
        target = backups / f"before-{revision}-{number}.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(0o600)
    return target

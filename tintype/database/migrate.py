"""Bringing the schema up to date when the server starts, with a backup before any change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from tintype.database.sqlite import open_engine

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger(__name__)

_HERE = Path(__file__).parent / "migrations"


class SchemaTooNew(Exception):  # noqa: N818 - it reads as what it says
    """The database was written by a newer Tintype; install that version, or restore a backup."""


def config() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

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
    known = revisions()
    current = _revision_of(path)
    if current is not None and current not in known:
        raise SchemaTooNew(f"{SchemaTooNew.__doc__} (revision {current})")
    if current == known[-1]:
        return None
    backup = None if current is None else _back_up(path, backups, current)
    engine = open_engine(path)
    _upgrade(engine)
    engine.dispose()
    log.info("database.migrated", before=current, now=known[-1], backup=str(backup or ""))
    return backup


def revisions() -> list[str]:
    """Every revision that this version knows, oldest first: the numbers of the migration files.

    Read from the names, so that a start with nothing to migrate does not load the machinery.
    """
    return sorted(path.name[:4] for path in (_HERE / "versions").glob("[0-9]*_*.py"))


def _revision_of(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return None if row is None else str(row[0])


def _upgrade(engine: sa.Engine) -> None:
    from alembic import command

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

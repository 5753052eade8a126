"""Which database holds the metadata: one SQLite file, or the PostgreSQL of the configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tintype.admin import Check, Finding
from tintype.database import Database, SqliteDatabase
from tintype.database.migrate import migrate, revisions
from tintype.entry import checks
from tintype.entry.background import Periodic
from tintype.entry.moved import refuse_moved
from tintype.entry.settings import DATABASE
from tintype.kernel.clock import Clock

if TYPE_CHECKING:
    from tintype.entry.settings import Settings

_HOUR_S = 3600.0


def open_database(
    settings: Settings,
    clock: Clock,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> Database:
    """Open the database, its schema brought up to date first.

    ``on_fatal`` hears of a failed fsync of the file; a server's disk is its own matter.

    Raises:
        DatabaseUnavailable: the server of the configuration does not answer.
        SchemaTooNew: a newer version has been at work here.
        ConfigError: the instance in the data folder was moved elsewhere.
    """
    if settings.database.url is None:
        refuse_moved(settings.data)
        path = settings.data / DATABASE
        migrate(path, settings.data / "backups")
        return SqliteDatabase(path, clock, on_fatal=on_fatal)
    # The driver is loaded where it is needed: the embedded default starts without it.
    from tintype.database.postgres import PostgresDatabase
    from tintype.database.postgres_migrate import migrate_postgres

    migrate_postgres(settings.database)
    return PostgresDatabase(settings.database, clock)


def housekeeping(database: Database) -> list[Periodic]:
    """What this kind of database wants done from time to time."""
    if isinstance(database, SqliteDatabase):
        return [Periodic("empty the write-ahead log", _HOUR_S, database.empty_log)]
    return []


def schema_check(settings: Settings) -> Check:
    """Whether the schema is the one that this version works with, as readiness looks at it."""
    if settings.database.url is None:
        path = settings.data / DATABASE
        return checks.check("schema", lambda: checks.schema(path))

    async def schema() -> Finding:
        from tintype.database.postgres_migrate import revision_of

        return checks.schema_finding(await revision_of(settings.database), revisions())

    return schema

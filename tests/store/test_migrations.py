"""The schema: made by migrations, equal to what the slices declare, copied before it changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

import tintype.entry.compose  # noqa: F401 - its slices declare the tables
from tintype.database import metadata
from tintype.database.migrate import SchemaTooNew, config, migrate, revisions
from tintype.database.sqlite import open_engine

_POSTGRESQL: Any = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def tables_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in found if not name.startswith("sqlite_")}


def run(path: Path, target: str) -> None:
    """Move a database to a revision, up or down."""
    engine = open_engine(path)
    alembic = config()
    with engine.connect() as connection:
        alembic.attributes["connection"] = connection
        current = MigrationContext.configure(connection).get_current_revision() or "0000"
        (command.upgrade if target > current else command.downgrade)(alembic, target)
    engine.dispose()


def test_the_migrations_make_exactly_what_the_slices_declare(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"

    migrate(path, tmp_path / "backups")

    engine = open_engine(path)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []
    assert tables_in(path) == set(metadata.tables) | {"alembic_version"}


def test_a_schema_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    path, backups = tmp_path / "t.sqlite", tmp_path / "backups"
    migrate(path, backups)
    before = path.read_bytes()

    assert migrate(path, backups) is None
    assert path.read_bytes() == before
    assert not backups.exists()


@pytest.mark.parametrize("revision", revisions()[:-1])
def test_every_older_schema_is_copied_before_it_is_changed(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "t.sqlite"
    run(path, revision)
    older = tables_in(path)

    backup = migrate(path, tmp_path / "backups")

    assert backup is not None
    assert tables_in(backup) == older
    assert tables_in(path) == set(metadata.tables) | {"alembic_version"}


def test_one_step_back_and_forth_ends_where_it_began(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    migrate(path, tmp_path / "backups")

    for revision in reversed(revisions()[:-1]):
        run(path, revision)
    migrate(path, tmp_path / "backups")

    assert tables_in(path) == set(metadata.tables) | {"alembic_version"}


def test_a_schema_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "t.sqlite"
    migrate(path, tmp_path / "backups")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    with pytest.raises(SchemaTooNew, match="9999"):
        migrate(path, tmp_path / "backups")


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_table_is_one_that_postgresql_can_hold_too(table: str) -> None:
    statement = str(CreateTable(metadata.tables[table]).compile(dialect=_POSTGRESQL))

    assert statement.strip().startswith(f"CREATE TABLE {table}")
    assert isinstance(metadata.tables[table].primary_key.columns["shard"].type, sa.Integer)

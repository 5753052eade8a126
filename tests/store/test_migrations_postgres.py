"""The schema on PostgreSQL: the same migrations, one process at a time, whole or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import tintype.entry.compose  # noqa: F401 - its slices declare the tables
from tintype.database import DatabaseUnavailable, metadata
from tintype.database.migrate import SchemaTooNew, revisions
from tintype.database.postgres_migrate import migrate_postgres, revision_of
from tintype.database.postgres_pool import open_engine
from tintype.database.settings import DatabaseSettings
from tools.engines.postgres import PostgresServer
from tools.engines.process import free_port


@pytest.fixture
def settings(postgres_url: str) -> DatabaseSettings:
    return DatabaseSettings(url=postgres_url)


async def _run(settings: DatabaseSettings, statement: str) -> None:
    engine = open_engine(str(settings.url), settings)
    async with engine.begin() as connection:
        await connection.execute(sa.text(statement))
    await engine.dispose()


async def test_the_migrations_make_exactly_what_the_slices_declare(
    settings: DatabaseSettings,
) -> None:
    def differences(connection: sa.Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert migrate_postgres(settings)

    engine = open_engine(str(settings.url), settings)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
    assert await revision_of(settings) == revisions()[-1]


async def test_several_processes_may_start_at_once_and_one_migrates(
    settings: DatabaseSettings,
) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(migrate_postgres, settings) for _ in range(4)))

    assert sorted(made) == [False, False, False, True]


async def test_a_schema_of_a_newer_version_is_refused(settings: DatabaseSettings) -> None:
    migrate_postgres(settings)
    await _run(settings, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaTooNew, match="9999"):
        migrate_postgres(settings)


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(
    settings: DatabaseSettings,
) -> None:
    await _run(settings, "CREATE TABLE leases (somebody_elses int)")

    with pytest.raises(sa.exc.ProgrammingError, match="leases"):
        migrate_postgres(settings)

    assert await revision_of(settings) is None


async def test_an_empty_database_has_no_revision(settings: DatabaseSettings) -> None:
    assert await revision_of(settings) is None


async def test_a_server_that_is_not_there_is_said_so() -> None:
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/tintype"
    nobody = DatabaseSettings(url=url, start_wait_s=0)

    with pytest.raises(DatabaseUnavailable):
        await asyncio.to_thread(migrate_postgres, nobody)


async def test_a_server_that_comes_late_is_waited_for(own_postgres: PostgresServer) -> None:
    late = DatabaseSettings(url=own_postgres.create_database("late"))
    own_postgres.stop()
    migrating = asyncio.create_task(asyncio.to_thread(migrate_postgres, late))
    await asyncio.sleep(0.7)
    assert not migrating.done()

    await asyncio.to_thread(own_postgres.start)

    assert await migrating

"""Every database that Tintype runs on, for tests that hold on all of them.

A test that asks for ``database`` runs on SQLite, on PostgreSQL, and on PostgreSQL with every table
cut into hash partitions by ``shard``, which stands for a sharded cluster.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from tests.partitions import Inspector, created, partitioned
from tintype.database import Database, SqliteDatabase, metadata
from tintype.database.postgres import PostgresDatabase
from tintype.database.settings import DatabaseSettings
from tintype.kernel.clock import Clock, ManualClock, SystemClock
from tools.engines.postgres import PostgresServer

__all__ = [
    "clock",
    "database",
    "partitioned_schema",
    "postgresql_schema",
]

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KINDS = ["sqlite", "postgresql", "partitioned"]


@pytest.fixture
def clock() -> Clock:
    """The clock of the database; a module whose tests move it overrides this."""
    return SystemClock()


@pytest.fixture(params=KINDS)
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[Database]:
    """An empty database with every table, of each kind in turn."""
    if request.param == "sqlite":
        embedded = SqliteDatabase(tmp_path / "test.sqlite", clock)
        metadata.create_all(embedded.engine)
        yield embedded
        await embedded.close()
        return
    url: str = request.getfixturevalue(f"{request.param}_schema")
    opened = PostgresDatabase(DatabaseSettings(url=url, pool_size=4), clock)
    inspector = Inspector(opened, url)
    yield opened
    await opened.close()
    # Emptied and not made anew: a schema of partitions takes seconds.
    connection = await asyncpg.connect(url)
    await connection.execute(";".join(f"DELETE FROM {table}" for table in metadata.tables))
    await connection.close()
    if request.param == "partitioned":
        await inspector.check()


@pytest.fixture(scope="session")
def postgresql_schema(postgres: PostgresServer) -> str:
    """A database with every table, shared by the tests of this process, empty for each."""
    return _made(postgres, "plain", [str(statement) for statement in created(metadata)])


@pytest.fixture(scope="session")
def partitioned_schema(postgres: PostgresServer) -> str:
    """The same, cut into partitions."""
    return _made(postgres, "partitioned", list(partitioned(metadata)))


def _made(postgres: PostgresServer, name: str, statements: list[str]) -> str:
    database = f"{name}_{os.getpid()}"
    url = postgres.create_database(database)
    postgres.run(";".join(["BEGIN", *statements, "COMMIT"]), database=database)
    return url


def manual_clock() -> ManualClock:
    """A clock that stands at noon until it is moved."""
    return ManualClock(NOON)

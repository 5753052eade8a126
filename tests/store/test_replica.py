"""A streaming replica answers what may be some seconds old, and nothing else."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from tests.engines_postgres import open_folder
from tintype.database import DatabaseUnavailable
from tintype.database.postgres import PostgresDatabase
from tintype.database.settings import DatabaseSettings
from tintype.kernel.clock import SystemClock
from tools.engines.postgres import PostgresServer

_COUNT = text("SELECT count(*) FROM notes")
_FOLLOWING_S = 60.0


@pytest.fixture
def replica(own_postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A second server that follows the first, with a table that both have."""
    own_postgres.run("CREATE TABLE notes (word text)", database="tintype")
    folder = open_folder("tintype-replica-")
    server = PostgresServer(folder, follows=own_postgres)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def database(
    own_postgres: PostgresServer, replica: PostgresServer
) -> AsyncIterator[PostgresDatabase]:
    settings = DatabaseSettings(url=own_postgres.url, replica_url=replica.url)
    database = PostgresDatabase(settings, SystemClock())
    await database.open()
    yield database
    await database.close()


async def test_reads_that_may_be_old_go_to_the_replica_and_all_others_to_the_primary(
    database: PostgresDatabase, replica: PostgresServer
) -> None:
    replica.run("SELECT pg_wal_replay_pause()")

    async with database.write() as tx:
        await tx.execute(text("INSERT INTO notes VALUES ('acknowledged')"))

    assert await _notes(database) == 1
    assert await _notes(database, stale=True) == 0

    replica.run("SELECT pg_wal_replay_resume()")
    await _until_the_replica_has(1, database)


async def test_without_its_replica_the_primary_answers_everything(
    database: PostgresDatabase, replica: PostgresServer
) -> None:
    async with database.write() as tx:
        await tx.execute(text("INSERT INTO notes VALUES ('kept')"))
    await _until_the_replica_has(1, database)

    replica.kill()
    first = await _once_more(database)
    replica.start()
    replica.run("SELECT pg_wal_replay_pause()")
    async with database.write() as tx:
        await tx.execute(text("INSERT INTO notes VALUES ('later')"))
    after = await _notes(database, stale=True)

    assert first == 1
    assert after == 1, "the replica that came back is asked again"


async def _once_more(database: PostgresDatabase) -> int:
    """Ask again where the first question found the connections of a server that died."""
    try:
        return await _notes(database, stale=True)
    except DatabaseUnavailable:
        return await _notes(database, stale=True)


async def _until_the_replica_has(count: int, database: PostgresDatabase) -> None:
    async with asyncio.timeout(_FOLLOWING_S):
        while await _notes(database, stale=True) != count:  # noqa: ASYNC110 - a server's progress
            await asyncio.sleep(0.05)


async def _notes(database: PostgresDatabase, *, stale: bool = False) -> int:
    async with database.read(stale=stale) as reader:
        return int(await reader.scalar(_COUNT) or 0)

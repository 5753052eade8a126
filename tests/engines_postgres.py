"""A real PostgreSQL for the tests that need one: a private cluster for every test process."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.missing import missing
from tools.engines.postgres import PostgresServer
from tools.engines.process import EngineMissing

_numbers = itertools.count(1)


def open_folder(prefix: str) -> Path:
    """A new folder that the account of the server can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One running server for all tests of this process. Do not stop it: start your own."""
    folder = open_folder("tintype-postgres-")
    try:
        server = PostgresServer(folder)
        server.start()
    except EngineMissing as error:
        shutil.rmtree(folder)
        missing("PostgreSQL", error)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server for one test, to be killed, paused and started again."""
    folder = open_folder("tintype-postgres-")
    try:
        server = PostgresServer(folder)
        server.start()
    except EngineMissing as error:
        shutil.rmtree(folder)
        missing("PostgreSQL", error)
    yield server
    server.resume()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of one's own."""
    name = f"own_{os.getpid()}_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)

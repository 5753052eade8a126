"""The log in the database keeps the contract of logs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.events import EventsContract
from tintype.database import Database, EventLog, Relay, SqliteDatabase, metadata, sqlite
from tintype.kernel.clock import SystemClock


class EmbeddedLog:
    """The outage of a log in the database is one of its database: somebody else writes for ever."""

    def __init__(self, database: Database, path: Path) -> None:
        self.events = EventLog(database)
        self._relay = Relay(database)
        self._path = path
        self._other: sqlite3.Connection | None = None

    async def send(self) -> None:
        await self._relay.drain()

    async def pull(self) -> None:
        self._other = sqlite3.connect(self._path, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    async def plug(self) -> None:
        assert self._other is not None
        with closing(self._other) as other:
            other.execute("ROLLBACK")
        await asyncio.sleep(0)


class TestDatabaseEvents(EventsContract):
    @pytest.fixture
    async def database(self, tmp_path: Path) -> AsyncIterator[Database]:
        opened = SqliteDatabase(tmp_path / "test.sqlite", SystemClock())
        metadata.create_all(opened.engine)
        yield opened
        await opened.close()

    @pytest.fixture
    def log(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> EmbeddedLog:
        monkeypatch.setattr(sqlite, "_BUSY_ATTEMPTS", 5)
        return EmbeddedLog(database, tmp_path / "test.sqlite")

"""The log in the database keeps the contract of logs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.events import PATIENCE_S, EventsContract, numbers_of, publish
from tintype.database import Database, EventLog, Relay, SqliteDatabase, metadata, sqlite
from tintype.kernel.clock import SystemClock
from tintype.kernel.event import Event


class Unheard(Event, frozen=True, kw_only=True, tag="test_unheard"):
    """A fact that nobody in these tests listens to."""

    subject: int

    def key(self) -> int:
        return self.subject


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

    async def test_records_of_other_kinds_are_passed_over_and_noted_a_little_later(
        self, database: Database, log: EmbeddedLog
    ) -> None:
        deaf = log.events.subscribe("deaf", ["somebody_elses"])
        assert not (await deaf.batch(wait_s=0.01)).records
        await publish(database, range(3))
        await log.send()
        before = database.commits

        passed_over = await deaf.batch(wait_s=0.01)

        assert not passed_over.records
        assert database.commits == before
        assert await log.events.lag(["deaf"]) == {}
        async with asyncio.timeout(PATIENCE_S):
            while not (batch := await deaf.batch(wait_s=0.05)).records:
                pass
        await deaf.commit(batch)
        assert await log.events.lag(["deaf"]) == {"deaf": 0}

    async def test_what_concerns_a_group_is_handed_over_with_the_offset_it_passed(
        self, database: Database, log: EmbeddedLog
    ) -> None:
        ears = log.events.subscribe("ears", ["test_struck"])
        await publish(database, range(2))
        await log.send()
        await ears.commit(await ears.batch(wait_s=0))
        assert not (await ears.batch(wait_s=0.01)).records
        async with database.write() as tx:
            tx.emit(Unheard(subject=1))
        await log.send()
        assert not (await ears.batch(wait_s=0.01)).records
        rival = log.events.subscribe("ears", ["test_struck"])
        await publish(database, [7])
        await log.send()

        batch = await ears.batch(wait_s=0.01)

        assert numbers_of(batch.records[-1:]) == [7]
        await ears.commit(batch)
        assert not (await rival.batch(wait_s=0)).records
        assert not (await ears.batch(wait_s=0.01)).records

    async def test_who_waits_hears_of_records_at_once(
        self, database: Database, log: EmbeddedLog
    ) -> None:
        ears = log.events.subscribe("ears", ["test_struck"])
        assert not (await ears.batch(wait_s=0)).records
        await publish(database, [1])
        async with asyncio.timeout(PATIENCE_S / 2):
            waiting = asyncio.create_task(ears.batch(wait_s=PATIENCE_S))
            await asyncio.sleep(0)
            await log.send()
            await waiting

        assert numbers_of((await ears.batch(wait_s=0)).records) == [1]

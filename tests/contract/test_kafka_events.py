"""The log on a real Kafka broker keeps the contract of logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.events import EventsContract
from tintype.adapters.kafka import KafkaSettings
from tintype.adapters.kafka.events import KafkaEvents
from tintype.database import Database, SqliteDatabase, metadata
from tintype.database.relay import LaneRelay
from tintype.kernel.clock import SystemClock
from tools.engines.kafka import KafkaBroker

pytestmark = pytest.mark.slow


class KafkaLog:
    """Its outage is that of the broker: killed with all that it had not written."""

    def __init__(self, broker: KafkaBroker, events: KafkaEvents, database: Database) -> None:
        self.events = events
        self.relay = LaneRelay(database, events, "relay-1", ["ears"])
        self._broker = broker

    async def send(self) -> None:
        await self.relay.share()
        await self.relay.drain()

    async def pull(self) -> None:
        await asyncio.to_thread(self._broker.kill)

    async def plug(self) -> None:
        await asyncio.to_thread(self._broker.start)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = SqliteDatabase(tmp_path / "test.sqlite", SystemClock())
    metadata.create_all(opened.engine)
    yield opened
    await opened.close()


@pytest.fixture
def settings(kafka_broker: KafkaBroker, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(
        bootstrap=kafka_broker.bootstrap,
        prefix=kafka_prefix,
        partitions=4,
        timeout_ms=5_000,
        session_timeout_ms=5_000,
    )


@pytest.fixture
async def events(settings: KafkaSettings) -> AsyncIterator[KafkaEvents]:
    opened = KafkaEvents(settings)
    await opened.set_up()
    yield opened
    await opened.close()


class TestKafkaEvents(EventsContract):
    @pytest.fixture
    async def log(
        self, kafka_broker: KafkaBroker, events: KafkaEvents, database: Database
    ) -> AsyncIterator[KafkaLog]:
        log = KafkaLog(kafka_broker, events, database)
        yield log
        await log.relay.close()

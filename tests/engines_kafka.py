"""Fixtures of the Kafka broker: one process a worker, a prefix of its own for every test."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.missing import missing
from tools.engines.kafka import KafkaBroker
from tools.engines.process import EngineMissing

_numbers = count(1)
_WARM_S = 120.0


def open_broker(folder: Path) -> KafkaBroker:
    """A broker that is not started yet; a machine without Kafka skips the test, CI never does."""
    try:
        return KafkaBroker(folder, brief=True)
    except EngineMissing as error:
        missing("Kafka", error)


@pytest.fixture(scope="session")
def _broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    broker = open_broker(tmp_path_factory.mktemp("kafka"))
    yield broker
    broker.kill()


@pytest.fixture
def kafka_broker(_broker: KafkaBroker) -> KafkaBroker:
    """A running broker, whatever the test before did to it."""
    _broker.resume()
    if not _broker.running:
        _broker.start()
        _warm(_broker)
    return _broker


def _warm(broker: KafkaBroker) -> None:
    """Have the broker make the topics of its coordinators: on a busy machine that takes long."""
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

    client = {"bootstrap.servers": broker.bootstrap, "log_level": 2}
    producer = Producer(client | {"transactional.id": "warm"})
    reader = Consumer(client | {"group.id": "warm"})
    deadline = time.monotonic() + _WARM_S
    # One after the other: what went well once may not be asked for again.
    for ask in (
        lambda: producer.init_transactions(10),
        lambda: reader.committed([TopicPartition("warm", 0)], timeout=10),
    ):
        while True:
            try:
                ask()
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                break
    reader.close()


@pytest.fixture
def kafka_prefix() -> str:
    """Names that no other test uses."""
    return f"tintype-{os.getpid()}-{next(_numbers)}"

"""Fixtures of the Kafka broker: one process a worker, a prefix of its own for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.missing import missing
from tools.engines.kafka import KafkaBroker
from tools.engines.process import EngineMissing

_numbers = count(1)


def open_broker(folder: Path) -> KafkaBroker:
    """A broker that is not started yet; a machine without Kafka skips the test, CI never does."""
    try:
        return KafkaBroker(folder, brief=True)
    except EngineMissing as error:
        missing("Kafka", error)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running broker; a test that stops it must start it again."""
    broker = open_broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def kafka_prefix() -> str:
    """Names that no other test uses."""
    return f"tintype-{os.getpid()}-{next(_numbers)}"

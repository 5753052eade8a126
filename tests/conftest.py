"""Fixtures that every kind of test shares."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import World, open_world
from tests.engines_kafka import _broker, kafka_broker, kafka_prefix
from tests.engines_nginx import nginx_there
from tests.engines_postgres import own_postgres, postgres, postgres_url
from tests.engines_redis import redis_cluster, redis_program, redis_sentinel, redis_server
from tests.engines_s3 import s3_server, s3_settings, toxiproxy
from tests.missing import untested

# Named here and nowhere else: a fixture that a second module names is started a second time.
__all__ = [
    "_broker",
    "kafka_broker",
    "kafka_prefix",
    "nginx_there",
    "own_postgres",
    "postgres",
    "postgres_url",
    "redis_cluster",
    "redis_program",
    "redis_sentinel",
    "redis_server",
    "s3_server",
    "s3_settings",
    "toxiproxy",
]

_ON_ENGINES = re.compile(
    r"^tests/(?!house|unit/adapters).*("
    r"test_(redis|kafka|s3|postgres|fleet|gateway|grow|deploy|bucket|fault_matrix|outbox_order)"
    r"|test_(ladder_engines|migrations_postgres)"
    r"|/(moving|storage|tiers|tools)/|\[postgres|-postgres|\[partition)"
)
"""Tests that start engines or tools of their own, by their file or their name."""

_LONGEST = (
    "test_fault_matrix",
    "test_kill9",
    "test_fleet",
    "test_surfaces",
    "test_moving",
    "test_demo",
    "test_interrupted_moves",
    "test_kafka_bad_days",
    "test_grow",
    "test_machine",
    "test_power_cut",
    "test_posts",
)
"""Files that take a minute or more; two fleets in a row would share the processors all the time."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs engines, and begin with the files that take long, so that no worker idles
    beside the last one.
    """
    for item in items:
        if _ON_ENGINES.search(item.nodeid):
            item.add_marker("engines")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    first = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: (first.get(item.path.stem, len(first)), item.path not in slow))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once, at the end, which engines are missing and how many tests that cost."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    line = untested(where[2] for where in skipped if isinstance(where, tuple))
    if line:
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A whole server in this process, with its background work running."""
    opened = await open_world(tmp_path)
    yield opened
    await opened.close()

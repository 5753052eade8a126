"""Fixtures that every kind of test shares."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import World, open_world

_ON_ENGINES = re.compile(
    r"^tests/(?!house|unit/adapters).*("
    r"test_(redis|kafka|s3|postgres|fleet|gateway|grow|deploy|bucket|fault_matrix|outbox_order)"
    r"|test_(ladder_engines|migrations_postgres)"
    r"|/(moving|storage|tools)/|\[postgres|-postgres|\[partition)"
)
"""Tests that start engines or tools of their own, by their file or their name."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs engines, and begin with the files that take long, so that no worker idles
    beside the last one.
    """
    for item in items:
        if _ON_ENGINES.search(item.nodeid):
            item.add_marker("engines")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A whole server in this process, with its background work running."""
    opened = await open_world(tmp_path)
    yield opened
    await opened.close()

"""Fixtures that every kind of test shares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import World, open_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that no worker idles beside the last one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A whole server in this process, with its background work running."""
    opened = await open_world(tmp_path)
    yield opened
    await opened.close()

"""Fixtures that every kind of test shares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A whole server in this process, with its background work running."""
    opened = await open_world(tmp_path)
    yield opened
    await opened.close()

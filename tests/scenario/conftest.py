"""The scenarios that decide about relations and posts are lived through on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import World, open_world
from tintype.database.settings import DatabaseSettings

_ON_BOTH = {
    "test_accounts",
    "test_comments",
    "test_deletion",
    "test_feed",
    "test_graph",
    "test_media_of_posts",
    "test_notifications",
    "test_posts",
    "test_reactions",
    "test_tags",
    "test_uploads",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames and metafunc.module.__name__.rsplit(".")[-1] in _ON_BOTH:
        metafunc.parametrize("world", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A whole server in this process, on SQLite unless the test is run on both."""
    changes = {}
    if getattr(request, "param", "sqlite") == "postgresql":
        changes["database"] = DatabaseSettings(
            url=request.getfixturevalue("postgres_url"), pool_size=4
        )
    opened = await open_world(tmp_path, **changes)
    yield opened
    await opened.close()

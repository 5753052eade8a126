"""A folder that an embedded server left behind, and engines that wait for it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.engines_s3 import fresh_bucket
from tests.scenario.moving.home import Home, Left, leave
from tools.engines.s3 import S3Server


@pytest.fixture(scope="session")
def _lived_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Left]:
    folder = tmp_path_factory.mktemp("lived-in")
    return folder / "data", asyncio.run(leave(folder))


@pytest.fixture
def left(_lived_in: tuple[Path, Left]) -> Left:
    """What people knew when the embedded server was stopped."""
    return _lived_in[1]


@pytest.fixture
def home(
    _lived_in: tuple[Path, Left], tmp_path: Path, postgres_url: str, s3_server: S3Server
) -> Home:
    """A copy of the folder for one test, an empty database and an empty bucket."""
    shutil.copytree(_lived_in[0], tmp_path / "data")
    return Home(tmp_path / "data", postgres_url, fresh_bucket(s3_server), s3_server)

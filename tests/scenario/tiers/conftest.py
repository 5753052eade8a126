"""A whole server whose originals go cold, on folders or in two buckets of two servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engines_s3 import fresh_bucket
from tests.missing import missing
from tests.scenario.tiers.life import Life, open_life
from tintype.adapters.disk import DiskBlobs, DiskSettings
from tintype.media.service.tiers import TierSettings
from tools.engines.process import EngineMissing
from tools.engines.s3 import S3Server

TIERS = TierSettings(hot_hours=1, cold_days=0.5)


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[Life]:
    cold = tmp_path / "cold"
    DiskBlobs(cold, secret=b"").close()
    disk = DiskSettings(free_floor=0, cold_path=cold)
    async with open_life(tmp_path, [tmp_path], disk=disk, tiers=TIERS) as life:
        yield life


@pytest.fixture
async def in_buckets(tmp_path: Path) -> AsyncIterator[Life]:
    try:
        servers = [S3Server(tmp_path / name) for name in ("near", "far")]
    except EngineMissing as error:
        missing("S3", error)
    for server in servers:
        server.start()
    near, far = (fresh_bucket(server) for server in servers)
    folders = [tmp_path / "data", *(server.objects for server in servers)]
    try:
        async with open_life(tmp_path, folders, s3=near, cold_s3=far, tiers=TIERS) as life:
            yield life
    finally:
        for server in servers:
            server.kill()


@pytest.fixture(params=["on_disk", "in_buckets"])
def life(request: pytest.FixtureRequest) -> Life:
    found: Life = request.getfixturevalue(request.param)
    return found

"""A real server that keeps its media in a bucket at another origin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engines_s3 import fresh_bucket
from tests.trust.server import ServerProcess
from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.setup import set_up
from tools.engines.s3 import S3Server


@asynccontextmanager
async def server_with_bucket(s3_server: S3Server, folder: Path) -> AsyncIterator[ServerProcess]:
    """A server with its media in a bucket that was set up for its pages."""
    process = ServerProcess(folder)
    settings = fresh_bucket(s3_server)
    with Connection(settings) as connection:
        await asyncio.to_thread(lambda: [*set_up(connection, [process.base_url], dry_run=False)])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TINTYPE_S3__ENDPOINT", s3_server.endpoint)
        environment.setenv("TINTYPE_S3__BUCKET", settings.bucket)
        environment.setenv("TINTYPE_S3__ACCESS_KEY", s3_server.access_key)
        environment.setenv("TINTYPE_S3__SECRET_KEY", s3_server.secret_key)
        await process.start()
    yield process
    process.kill()

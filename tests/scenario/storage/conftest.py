"""A whole server on a port of its own, with its media in a real bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from tests.engines_s3 import fresh_bucket
from tests.scenario.storage.town import Town, open_town
from tools.engines.s3 import S3Server

Opening = Callable[..., AbstractAsyncContextManager[Town]]


@pytest.fixture
async def town(s3_server: S3Server, tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_town(tmp_path, fresh_bucket(s3_server)))
        if not s3_server.running:
            s3_server.start()

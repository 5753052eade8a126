"""File operations run in a pool of their own: a disk that hangs holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tintype.ports.errors import TimedOut

T = TypeVar("T")


class DiskThreads:
    """At most ``count`` file operations at the same time, each given ``seconds``."""

    def __init__(self, count: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="blobs")
        self._seconds = seconds

    async def run(self, work: Callable[[], T], *, patient: bool = False) -> T:
        """The result of ``work``; a patient caller waits as long as copying gigabytes takes.

        Raises:
            TimedOut: no result in time. The work goes on in its thread.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            async with asyncio.timeout(None if patient else self._seconds):
                return await future
        except TimeoutError as error:
            raise TimedOut("the disk does not answer") from error

    def close(self) -> None:
        """End the threads, once what they do is done."""
        self._pool.shutdown()

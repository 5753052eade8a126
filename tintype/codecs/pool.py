"""A few decoder processes: started when there is work, shared in turn, ended when idle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tintype.codecs.model import CodecSettings, DecoderDied, Role
from tintype.codecs.worker import Worker


class Pool:
    """Decoder processes of one role, at most ``slots`` at a time."""

    def __init__(self, role: Role, slots: int, settings: CodecSettings) -> None:
        self._role = role
        self._settings = settings
        self._turns = asyncio.Semaphore(slots)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._retirements: dict[Worker, asyncio.TimerHandle] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._open = True

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The processes that run now, idle ones first."""
        return (*self._idle, *self._busy)

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """A decoder process for one job, fresh or used before.

        It goes back into the pool only after a job that ended well; after an exception, a
        cancelled one included, it is killed.

        Raises:
            DecoderDied: none could be started, or the pool is closed.
        """
        async with self._turns:
            worker = await self._take()
            try:
                yield worker
                await worker.clean()
            except BaseException:
                await self._discard(worker)
                raise
            await self._put_back(worker)

    async def warm(self) -> None:
        """Have one process ready for whoever comes next, if none is; it ends when nobody does.

        Raises:
            DecoderDied: none could be started, or the pool is closed.
        """
        async with self._turns:
            if not self.workers:
                await self._put_back(await self._take())

    async def close(self) -> None:
        """End every process; jobs under way fail with ``DecoderDied``."""
        self._open = False
        for worker in self.workers:
            await self._discard(worker)
        await asyncio.gather(*self._endings)

    async def _take(self) -> Worker:
        if not self._open:
            raise DecoderDied("the decoders are shut down")
        if self._idle:
            worker = self._idle.pop()
            self._retirements.pop(worker).cancel()
            self._busy.add(worker)
            return worker
        worker = Worker(self._role, self._settings)
        self._busy.add(worker)
        try:
            await worker.start()
        except BaseException:
            await self._discard(worker)
            raise
        return worker

    async def _put_back(self, worker: Worker) -> None:
        if worker.jobs >= self._settings.jobs_per_worker or not self._open:
            await self._discard(worker)
            return
        self._busy.discard(worker)
        self._idle.append(worker)
        loop = asyncio.get_running_loop()
        self._retirements[worker] = loop.call_later(
            self._settings.idle_seconds, self._retire, worker
        )

    def _retire(self, worker: Worker) -> None:
        ending = asyncio.get_running_loop().create_task(self._discard(worker))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _discard(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._retirements.pop(worker).cancel()
        self._busy.discard(worker)
        await asyncio.shield(worker.end())

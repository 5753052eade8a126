"""How much memory decoders hold, told apart from whatever else runs on the machine.

``RUSAGE_CHILDREN`` does not tell: it knows the largest child of all that a process ever had, and
counts for a child what its parent held when it was forked, even if it became ``/bin/true``. The
kernel's mark for the memory of one program (``VmHWM``) begins anew when that program is started.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest.mock import patch

from tintype.codecs.worker import Worker

_OFTEN_S = 0.05


class Scales:
    """Weighs each decoder that starts while they are up, and the programs that it starts.

    A decoder that is ended is weighed right before, so its mark misses nothing. Those that die by
    themselves, and programs below a decoder, are weighed every 50 ms.
    """

    def __init__(self) -> None:
        self.most = 0
        self.decoders = 0
        self._alive: set[Worker] = set()

    async def __aenter__(self) -> Self:
        start, end = Worker.start, Worker.end

        async def started(worker: Worker) -> None:
            await start(worker)
            self._alive.add(worker)
            self.decoders += 1

        async def ended(worker: Worker) -> None:
            self._weigh(worker)
            self._alive.discard(worker)
            await end(worker)

        self._patches = contextlib.ExitStack()
        self._patches.enter_context(patch.object(Worker, "start", started))
        self._patches.enter_context(patch.object(Worker, "end", ended))
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        self._patches.close()

    def weigh(self) -> int:
        """The most that any of them held until now, in bytes."""
        for worker in self._alive:
            self._weigh(worker)
        return self.most

    async def _watch(self) -> None:
        while True:
            self.weigh()
            await asyncio.sleep(_OFTEN_S)

    def _weigh(self, worker: Worker) -> None:
        if worker.pid is not None:
            held = map(most_held, (worker.pid, *descendants(worker.pid)))
            self.most = max(self.most, *held)


def descendants(pid: int) -> Iterator[int]:
    """The processes that it started, and theirs."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for each in map(int, (thread / "children").read_text().split()):
                yield each
                yield from descendants(each)


def most_held(pid: int) -> int:
    """The most memory that a process ever held, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0

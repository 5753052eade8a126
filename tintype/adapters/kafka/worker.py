"""A thread for calls that block, which can be left behind in one that never ends.

Not every call of librdkafka keeps to its timeout when a coordinator goes away meanwhile
(github.com/confluentinc/librdkafka/issues/5456): it may block for ever, and a program that waits
for its thread could not even end.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

import structlog

from tintype.kernel.problem import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Worker:
    """Makes calls one after the other, each given ``seconds``; never keeps a process from ending.

    A call that takes longer is not waited for any more, and is the last one that is made.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self.stuck = False
        self._name = name
        self._seconds = seconds
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T], *, patient: bool = False) -> T:
        """The outcome of the call. Who is cancelled leaves it to be made all the same.

        A patient caller waits for as long as the call takes.

        Raises:
            Unavailable: it did not end in time, or an earlier one did not.
        """
        if self.stuck:
            raise Unavailable("The event log does not answer: an earlier call never ended.")
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._waiting.put((future, call))
        asked = asyncio.wrap_future(future)
        try:
            done, _ = await asyncio.wait({asked}, timeout=None if patient else self._seconds)
        except asyncio.CancelledError:
            asked.cancel()
            raise
        if not done:
            self.stuck = True
            asked.cancel()
            log.error("kafka.stuck", thread=self._name, seconds=self._seconds)
            raise Unavailable(f"The event log does not answer: a call took {self._seconds:.0f} s.")
        return asked.result()

    async def end(self, last: Callable[[], None]) -> None:
        """Make a last call and end the thread; one that is stuck is left behind."""
        if not self.stuck:
            with contextlib.suppress(Unavailable):
                await self.run(last)
        self._waiting.put(None)

    def _work(self) -> None:
        while (next_ := self._waiting.get()) is not None:
            future, call = next_
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the call is told
                future.set_exception(error)
            else:
                future.set_result(result)
            # The thread must not be what keeps a producer alive.
            del next_, future, call

"""Starting the parts of a fleet in order, watching them, and ending them in the reverse order."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from tools.fleet.console import Console
from tools.fleet.part import Part

_POLL_S = 0.1
_THREADS = 12
_LAST_S = 1.0


class Supervisor:
    """Keeps every part that was started running until it is told to stop."""

    def __init__(self, console: Console, stopping: threading.Event) -> None:
        self._console = console
        self._stopping = stopping
        self._parts: list[Part] = []
        self._first: list[Future[None]] = []
        self._starting: dict[str, Future[None]] = {}
        # Never shut down before the fleet ends: a child dies with the *thread* that started it.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="part")

    def start(self, parts: Sequence[Part]) -> None:
        """Start these together; returns when all of them serve, or the fleet is to stop.

        Raises:
            RuntimeError, TimeoutError: what the first failing part said.
        """
        for part in parts:
            if part.log is not None:
                self._console.follow(part.name, part.log)
        self._first = [self._threads.submit(self._start, part) for part in parts]
        self._parts.extend(parts)
        for future in self._first:
            while not wait([future], _POLL_S).done:
                if self._stopping.is_set():
                    return
            future.result()

    def watch(self) -> None:
        """Start again what dies, later and later; returns when the fleet is to stop."""
        while not self._stopping.wait(_POLL_S):
            for part in self._parts:
                self._look_after(part)

    def stop(self) -> bool:
        """End the stages one after the other, the highest first; in each, all at once.

        Returns whether all is over: a part in the middle of its start is killed, and what it still
        has under way ends with this process.
        """
        for stage, parts in itertools.groupby(
            sorted(self._parts, key=lambda part: -part.stage), key=lambda part: part.stage
        ):
            del stage
            for future in [self._threads.submit(self._stop, part) for part in parts]:
                future.result()
        busy = [*self._first, *self._starting.values()]
        if wait(busy, _LAST_S).not_done:
            self.kill()
            return False
        self._threads.shutdown()
        return True

    def kill(self) -> None:
        """End everything at once."""
        for part in self._parts:
            part.server.kill()

    def _start(self, part: Part) -> None:
        took = part.start()
        self._console.say(part.name, f"ready after {took:.1f} s, {part.address}")

    def _stop(self, part: Part) -> None:
        began = time.monotonic()
        part.server.stop()
        self._console.say(part.name, f"ended in {time.monotonic() - began:.1f} s")

    def _look_after(self, part: Part) -> None:
        again = self._starting.get(part.name)
        if again is not None:
            if again.done():
                del self._starting[part.name]
            return
        if part.is_running():
            return
        now = time.monotonic()
        if not part.planned:
            pause = part.note_death(now)
            self._console.say(part.name, f"DIED; starts again in {pause:.1f} s")
        elif part.is_due(now):
            self._starting[part.name] = self._threads.submit(partial(self._again, part))

    def _again(self, part: Part) -> None:
        try:
            self._start(part)
        except (RuntimeError, TimeoutError, OSError) as error:
            self._console.say(part.name, f"did not start: {_last_lines(str(error))}")


def _last_lines(text: str, lines: int = 5) -> str:
    return " | ".join(line for line in text.strip().splitlines()[-lines:] if line)

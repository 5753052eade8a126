"""Who waits for something is woken by the commits that concern it, and by no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import Enum


class News(Enum):
    """What a commit can bring to those who wait in this process."""

    EVENTS = "events"
    """In the outbox: something for relays."""
    RECORDS = "records"
    """In the log inside the database: something for its readers."""
    JOBS = "jobs"
    """Due at once: something for those who do them."""


class Bell:
    """Rings once. To miss nothing take it first, then look, and wait if there was nothing."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    async def rung(self, timeout: float) -> None:  # noqa: ASYNC109 - the wait is the point
        """Return when it rings, at once when it has rung, or after so many seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return

    def ring(self) -> None:
        """Wake everybody who waits for it."""
        self._rung.set()


class Waking:
    """The bells of one process."""

    def __init__(self) -> None:
        self._bells = {news: Bell() for news in News}

    def bell(self, news: News) -> Bell:
        """The bell of the next commit that brings this."""
        return self._bells[news]

    def ring(self, news: Iterable[News]) -> None:
        """A commit brought these."""
        for each in news:
            bell, self._bells[each] = self._bells[each], Bell()
            bell.ring()

"""How long a feed waits for what it stands on: never longer than its reader.

A database that is dead refuses at once, and needs nothing from here. One that is *silent* would
hold every reader for the whole time that its adapter allows; so the first reader who waits in vain
tells the others. (The adapter of the timelines does the same by itself.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from tintype.database import DatabaseUnavailable, within
from tintype.kernel.problem import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

AT_HAND_S = 0.05
"""How long a page may take while the database is known to be silent: enough for what needs none."""
REST_S = 1.0
"""How long nobody asks what was silent."""


class Silence:
    """Remembers that somebody did not answer, until a question was answered again."""

    def __init__(self, rest_s: float = REST_S) -> None:
        self._rest_s = rest_s
        self._until = 0.0
        self.silent = False

    def begins(self) -> None:
        self.silent = True
        self._until = asyncio.get_running_loop().time() + self._rest_s

    def may_ask(self) -> bool:
        """Whether it is time for a question; who gets a yes must ask, the others wait again."""
        if not self.silent:
            return True
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return False
        self._until = now + self._rest_s
        return True


class DatabasePatience:
    """Gives a page the time it may take.

    While the database is silent, pages get by with what is at hand; a ``knock`` once a second finds
    out when it answers again, so that no reader pays for that.
    """

    def __init__(
        self,
        knock: Callable[[], Coroutine[Any, Any, object]],
        *,
        budget_s: float,
        at_hand_s: float = AT_HAND_S,
        rest_s: float = REST_S,
    ) -> None:
        self._knock = knock
        self._budget_s = budget_s
        self._at_hand_s = at_hand_s
        self._rest_s = rest_s
        self._silence = Silence(rest_s)
        self._knocking: asyncio.Task[None] | None = None

    async def give(self, page: Coroutine[Any, Any, T]) -> T:
        """The page.

        Raises:
            DatabaseUnavailable: it took too long.
        """
        silent = self._silence.silent
        if silent and self._silence.may_ask():
            self._knocking = asyncio.create_task(self._listen())
        try:
            return await within(self._at_hand_s if silent else self._budget_s, page)
        except TimeoutError as error:
            if not silent:
                log.warning("feed.database_silent", seconds=self._budget_s)
                self._silence.begins()
                # Something else may have held the page up: it is asked at once.
                self._knocking = asyncio.create_task(self._listen())
            raise DatabaseUnavailable("The feed was not read in time.") from error

    async def _listen(self) -> None:
        try:
            await within(self._rest_s, self._knock())
        except (TimeoutError, Unavailable):
            return
        self._silence.silent = False

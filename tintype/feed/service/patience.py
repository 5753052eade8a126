"""How long a feed waits for what it stands on: never longer than its reader.

A database that is dead refuses at once, and needs nothing from here. One that is *silent* would
hold every reader for the whole time that its adapter allows; so the first reader who waits in vain
tells the others. (The adapter of the timelines does the same by itself.)

    late? ──► something stands in ──► that
      └─────► nothing can: wait on, unless the database is known to be silent ──► 503
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

import structlog

from tintype.database import DatabaseUnavailable, give_up, within
from tintype.kernel.problem import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")
Work = Coroutine[Any, Any, T]

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
        self.certain = False
        """Whether a question that nobody's page waits for went without an answer, too."""

    def begins(self) -> None:
        self.silent = True
        self._until = asyncio.get_running_loop().time() + self._rest_s

    def ends(self) -> None:
        self.silent = self.certain = False

    def may_ask(self) -> bool:
        """Whether it is time for a question; who gets a yes must ask, the others wait again."""
        if not self.silent:
            return True
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return False
        self._until = now + self._rest_s
        return True


class Patience(Protocol):
    """Decides how long a page may take."""

    async def give(self, page: Work[T], instead: Callable[[], Work[T]] | None = None) -> T:
        """The page, or what stands in for it where the page can not be had in time.

        Raises:
            Unavailable: neither of them can be had.
        """
        ...


class Trusting:
    """Waits for a database that answers at once, or fails."""

    async def give(self, page: Work[T], instead: Callable[[], Work[T]] | None = None) -> T:
        """The page; see ``Patience``."""
        try:
            return await page
        except Unavailable:
            if instead is None:
                raise
            return await instead()


class DatabasePatience:
    """Gives a page ``budget_s``, and ``longest_s`` in all where nothing can stand in for it.

    While the database is silent, pages get by with what is at hand; a ``knock`` once a second finds
    out when it answers again, so that no reader pays for that. A knock that is not answered makes
    the silence certain: nobody waits on from then.
    """

    def __init__(
        self,
        knock: Callable[[], Work[object]],
        *,
        budget_s: float,
        longest_s: float = 0.0,
        at_hand_s: float = AT_HAND_S,
        rest_s: float = REST_S,
    ) -> None:
        self._knock = knock
        self._budget_s = budget_s
        self._longest_s = longest_s
        self._at_hand_s = at_hand_s
        self._rest_s = rest_s
        self._silence = Silence(rest_s)
        self._knocking: asyncio.Task[None] | None = None

    async def give(self, page: Work[T], instead: Callable[[], Work[T]] | None = None) -> T:
        """The page; see ``Patience``."""
        work = asyncio.create_task(page)
        try:
            return await self._given(work, instead)
        finally:
            if not work.done():
                give_up(work)

    async def _given(self, work: asyncio.Task[T], instead: Callable[[], Work[T]] | None) -> T:
        try:
            if await self._in_time(work):
                return work.result()
        except Unavailable as error:
            return await self._stand_in(instead, error)
        try:
            late = DatabaseUnavailable("The feed was not read in time.")
            return await self._stand_in(instead, late)
        except Unavailable:
            if not self._silence.certain and await _ends(work, self._longest_s):
                return work.result()
            raise

    async def _in_time(self, work: asyncio.Task[Any]) -> bool:
        """Whether the page was read within what it is given; others are told when it was not."""
        silent = self._silence.silent
        if silent and self._silence.may_ask():
            self._knocking = asyncio.create_task(self._listen())
        if await _ends(work, self._at_hand_s if silent else self._budget_s):
            return True
        if not silent:
            log.warning("feed.database_silent", seconds=self._budget_s)
            self._silence.begins()
            # Something else may have held the page up: it is asked at once.
            self._knocking = asyncio.create_task(self._listen())
        return False

    async def _stand_in(self, instead: Callable[[], Work[T]] | None, error: Unavailable) -> T:
        if instead is None:
            raise error
        try:
            return await within(self._at_hand_s, instead())
        except TimeoutError:
            raise error from None

    async def _listen(self) -> None:
        try:
            await within(self._rest_s, self._knock())
        except (TimeoutError, Unavailable):
            self._silence.certain = True
            return
        self._silence.ends()


async def _ends(work: asyncio.Task[Any], seconds: float) -> bool:
    """Whether it ended by then; it goes on otherwise, as it does when the caller is cancelled."""
    done, _ = await asyncio.wait({work}, timeout=seconds)
    return bool(done)

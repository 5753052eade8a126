"""Pages for everybody who asks in one turn of the loop, by one question to the timelines.

    ask, ask, ask ──► [ look at the notices, page, page, page ] ──► apply ─► page ─► page ─► page
                       one round trip, in this order                 at once   some in each turn

Elsewhere a page is read in two steps: look at the notices, then, with the own posts that fan-out
has not carried yet in mind, read the timeline. Here both are asked for at once. Why no own post is
lost by that: let P be a post of the viewer that was acknowledged before they asked.

- Nothing of theirs is in ``own`` when they ask, or else they are not taken.
- If P was heard of here before, P has left ``own`` by its ``PostDelivered``. That is told once P
  was pushed, so P was in the timeline before the question was sent.
- If not, the look finds its ``PostNoted``, for it was published before P was acknowledged. ``own``
  is looked at again the moment that all of the look was applied, and P is merged from there,
  unless its ``PostDelivered`` came with the same look and took it out again. That one was published
  after P was pushed, and before the look; and the timeline is read after the look, since commands
  of one connection run in their order. So P is in the page of the timeline.

Follows, of which the timeline may not have the posts yet, are looked at in the same two moments.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import NamedTuple

import structlog

from tintype.database import Notices
from tintype.feed.model import NEWEST, Run
from tintype.feed.service.home import CURSOR, AskedPage, Home
from tintype.feed.service.reading import MARGIN
from tintype.kernel.cursor import decode
from tintype.kernel.ids import Id
from tintype.ports.noticed import Asked, Heard, NoticedPages
from tintype.ports.timelines import TimelinePage

log = structlog.get_logger(__name__)

MOST = 128
"""Pages in one question: Redis answers nobody else for a millisecond or two."""

TURN = 16
"""Pages that are made before others have their turn."""

Resume = Callable[[Callable[[], bytes | None] | None], None]


class _Reader(NamedTuple):
    """Somebody who waits for the timelines."""

    asked: AskedPage
    resume: Resume


class _Ready(NamedTuple):
    """What there is for somebody whose turn comes."""

    reader: _Reader
    page: TimelinePage
    others: list[Run]


class Together:
    """Makes the pages of ``home`` for many at a time. Belongs to one event loop.

    One question is under way at a time, and the next one is for all who came meanwhile.
    """

    def __init__(self, home: Home, pages: NoticedPages, notices: Notices) -> None:
        self._home = home
        self._pages = pages
        self._notices = notices
        self._waiting: list[_Reader] = []
        self._asking = False
        self._ready: deque[_Ready] = deque()
        # What is done for many is done in the name of nobody.
        self._nobody = Context()

    def ask(self, viewer: Id, *, cursor: str | None, limit: int, here: str, resume: Resume) -> bool:
        """Whether a page is made like this. ``resume`` is then called once, in a later turn.

        It is given what makes the page as ``Home.page`` does, or ``None``: ask there.

        Raises:
            UnknownCursor: the cursor was not handed out by a feed.
        """
        asked = decode(CURSOR, cursor) if cursor else None
        below = asked[0] if asked else NEWEST
        # Neither ``None`` nor anything that fan-out has not carried yet: see above.
        if self._home.reading.before_timeline(viewer, below) != []:
            return False
        self._waiting.append(_Reader(AskedPage(viewer, below, limit, here), resume))
        if not self._asking:
            self._ask_soon()
        return True

    def _ask_soon(self) -> None:
        self._asking = True
        asyncio.get_running_loop().call_soon(self._ask, context=self._nobody)

    def _ask(self) -> None:
        readers, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        asked = [Asked(viewer, below, limit + MARGIN) for (viewer, below, limit, _), _ in readers]
        try:
            under_way = self._pages.ask(asked, partial(self._take, readers))
        except Exception:
            log.exception("pages.not_asked")
            under_way = False
        if not under_way:
            self._take(readers, None)

    def _take(self, readers: Sequence[_Reader], heard: Heard | None) -> None:
        self._asking = False
        ready = None if heard is None else self._apply(readers, heard)
        if ready is None:
            # Whoever came meanwhile need not find out for themselves that nothing answers.
            waiting, self._waiting = self._waiting, []
            for reader in (*readers, *waiting):
                self._send_away(reader)
            return
        going_on = bool(self._ready)
        self._ready += ready
        if self._waiting:
            self._ask_soon()
        if ready and not going_on:
            self._go_on()

    def _apply(self, readers: Sequence[_Reader], heard: Heard) -> list[_Ready] | None:
        """Hear the notices, and look at once at what they left of what came before."""
        try:
            self._notices.heard(heard.messages)
        except Exception:
            log.exception("notices.not_applied")
            self._notices.heard(None)
            return None
        before = self._home.reading.before_timeline
        ready = []
        for reader, page in zip(readers, heard.pages, strict=True):
            others = before(reader.asked.viewer, reader.asked.below)
            if others is None:
                self._send_away(reader)
            else:
                ready.append(_Ready(reader, page, others))
        return ready

    def _send_away(self, reader: _Reader) -> None:
        """One by one, so that none of them stands between the others and their answers."""
        asyncio.get_running_loop().call_soon(reader.resume, None, context=self._nobody)

    def _go_on(self) -> None:
        ready, of_timeline = self._ready, self._home.of_timeline
        try:
            for _ in range(min(TURN, len(ready))):
                (asked, resume), page, others = ready.popleft()
                resume(partial(of_timeline, asked, page, others))
        finally:
            if ready:
                asyncio.get_running_loop().call_soon(self._go_on, context=self._nobody)

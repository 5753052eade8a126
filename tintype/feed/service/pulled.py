"""Finding out what was published while this process was not there, or was not told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from collections.abc import Set as AbstractSet

from tintype.feed.model import NEWEST, run_of
from tintype.feed.service.recent import KEPT, Recent
from tintype.kernel.ids import Id
from tintype.ports.timelines import Timelines

Authors = Callable[[], Awaitable[Collection[Id]]]
"""Every author whose posts were ever pulled."""

Newest = Callable[..., Awaitable[Sequence[Id]]]
"""``published_ids_of`` of a catalogue."""

VIEWERS_HELD = 100_000
"""Viewers whose own posts are known to be complete here; beyond that all are asked for anew."""


class Primer:
    """Fills ``pulled`` with the newest posts of an author when a follower first reads here.

    What is noted later is added to it by whoever notes it. After ``forget`` everything is asked
    for again: notices may have been missed.

    An author's own posts that fan-out has not carried yet are known by notices, too: before the
    first read of an author here ``carry_own`` puts them where fan-out would.
    """

    def __init__(self, pulled: Recent, authors: Authors, newest: Newest) -> None:
        self._pulled = pulled
        self._load_authors = authors
        self._newest = newest
        self._authors: set[Id] | None = None
        self._primed: set[Id] = set()
        self._own: set[Id] = set()
        self._forgotten = 0

    def primed(self, shown: AbstractSet[Id]) -> bool:
        """Whether ``prime`` has nothing to ask for."""
        return self._authors is not None and not self._missing(self._authors, shown)

    async def prime(self, shown: AbstractSet[Id]) -> None:
        """Return once ``pulled`` is complete, above its floors, for all of these authors."""
        while True:
            began = self._forgotten
            if self._authors is None:
                authors = set(await self._load_authors())
                if began != self._forgotten:
                    continue
                self._authors = authors
            missing = self._missing(self._authors, shown)
            if not missing:
                return
            for author in missing:
                ids = await self._newest((author,), below=NEWEST, limit=KEPT)
                if began != self._forgotten:
                    break
                run = run_of(ids, KEPT, 0)
                self._pulled.fill(author, run.ids, run.complete_above)
                self._primed.add(author)

    def knows_own(self, viewer: Id) -> bool:
        """Whether ``carry_own`` has nothing to do for this viewer."""
        return viewer in self._own

    async def carry_own(self, viewer: Id, timelines: Timelines) -> None:
        """Return once the viewer's timeline, if there is one, holds their own newest posts.

        Raises:
            Unavailable: the timelines do not answer.
        """
        began = self._forgotten
        ids = await self._newest((viewer,), below=NEWEST, limit=KEPT)
        if ids:
            await timelines.backfill(viewer, ids, 0)
        if began == self._forgotten:
            if len(self._own) >= VIEWERS_HELD:
                self._own.clear()
            self._own.add(viewer)

    def _missing(self, authors: set[Id], shown: AbstractSet[Id]) -> set[Id]:
        if not authors and not self._pulled:
            return set()
        # Whoever was noted here is pulled too, even if that is not yet in the list.
        wanted = (authors & shown) | {*self._pulled.among(shown)}
        return wanted - self._primed

    def forget(self) -> None:
        """Posts may have been published that nobody told this process of."""
        self._forgotten += 1
        self._authors = None
        self._primed.clear()
        self._own.clear()
        self._pulled.clear()

"""Where on a page its viewer is all caught up: nothing new is below, on that page or any later one.

A page decides it alone when its last posts are new, which is the usual case, or when it reaches the
end or the days that nobody has to catch up on. Otherwise the ids that follow are looked at, and
posts only of those that were not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from tintype.feed.model import Run, SeenPosts, caught_up_at, news_may_follow
from tintype.feed.service.feed import Feed
from tintype.feed.service.reading import Window
from tintype.feed.service.sources import C
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable

AHEAD = 200
"""Ids that are looked at together."""
FURTHEST = 10
"""How often at most: far enough to pass everything that is remembered as seen."""
AT_ONCE = 20
"""Posts that are looked at together, to see whether any of them may be shown."""


class CaughtUp(Generic[C]):
    """Finds the marker of pages; ``since`` is the id from which on a post can be new."""

    def __init__(self, feed: Feed[C]) -> None:
        self._feed = feed

    async def on(self, window: Window[C], viewer: Id, seen: SeenPosts, since: Id) -> Id | None:
        """The post of this window before which the marker belongs.

        ``None`` too where very much has to be passed over to find out, or nobody can be asked: the
        page is worth more than its marker.
        """
        newest = caught_up_at(window.ids, seen, since)
        if newest is None or not news_may_follow(window.examined, since):
            return newest
        try:
            news = await self._news_below(viewer, window.examined, seen, since)
        except Unavailable:
            return None
        return None if news else newest

    async def at_hand(
        self, window: Window[C], viewer: Id, seen: SeenPosts, since: Id
    ) -> tuple[bool, Id | None]:
        """Whether nobody but the timelines needs to be asked, and then what ``on`` answers."""
        newest = caught_up_at(window.ids, seen, since)
        if newest is None or not news_may_follow(window.examined, since):
            return True, newest
        gathered = await self._feed.reading.gather_at_hand(viewer, window.examined, AHEAD)
        if gathered is None:
            return False, None
        run, shown = gathered
        fresh = _fresh(run, seen, since)
        found = self._feed.sources.catalogue.cards_at_hand(fresh[:AT_ONCE])
        if found is None:
            return False, None
        if any(card is not None and card.author in shown for card in found):
            return True, None
        return _is_last(run, since) and len(fresh) <= AT_ONCE, newest

    async def _news_below(self, viewer: Id, below: Id, seen: SeenPosts, since: Id) -> bool:
        circles, catalogue = self._feed.sources.circles, self._feed.sources.catalogue
        for _ in range(FURTHEST):
            run, _ = await self._feed.reading.gather(viewer, below, AHEAD)
            fresh = _fresh(run, seen, since)
            for start in range(0, len(fresh), AT_ONCE):
                found = await catalogue.cards(fresh[start : start + AT_ONCE])
                shown = (await circles.sets(viewer)).shown
                if any(card is not None and card.author in shown for card in found):
                    return True
            if _is_last(run, since):
                return False
            below = run.complete_above + 1
        return True


def _is_last(run: Run, since: Id) -> bool:
    """Whether nothing that can be new is below this run."""
    return not run.complete_above or run.complete_above < since


def _fresh(run: Run, seen: SeenPosts, since: Id) -> Sequence[Id]:
    return [id_ for id_ in run.ids if id_ >= since and id_ not in seen]

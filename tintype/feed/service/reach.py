"""How a new post travels: decided once, in the transaction that publishes it."""

from __future__ import annotations

from collections.abc import Callable

from tintype.database import Transaction, counts
from tintype.feed import store
from tintype.feed.model import Delivery, Threshold
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id

Noted = Callable[[Id, Id, bool], None]


class ByReach:
    """Pushes the posts of ordinary authors and pulls those of the very widely followed."""

    def __init__(self, threshold: Threshold, clock: Clock, note: Noted) -> None:
        self._threshold = threshold
        self._clock = clock
        self._note = note

    async def class_for(self, tx: Transaction, *, post: Id, author: Id) -> Delivery:
        """The delivery that is stamped on the post; ``note`` hears of it after the commit."""
        now = self._clock.now_ms()
        before = await store.reach_of(tx, author)
        followers = (await counts.read(tx, [author], ["followers"]))[author]["followers"]
        reach = self._threshold.next(before, followers, now)
        if reach is not before:
            await store.put_reach(tx, author, reach)
        overlap = self._threshold.overlaps(reach, now)
        pulled = overlap or reach.delivery == "pull"
        tx.after_commit(lambda: self._note(post, author, pulled))
        return "push" if overlap else reach.delivery

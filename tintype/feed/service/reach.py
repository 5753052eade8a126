"""How a new post travels: decided once, in the transaction that publishes it."""

from __future__ import annotations

from tintype.database import Transaction, counts
from tintype.feed import store
from tintype.feed.model import Delivery, PostNoted, Threshold
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id


class ByReach:
    """Pushes the posts of ordinary authors and pulls those of the very widely followed."""

    def __init__(self, threshold: Threshold, clock: Clock) -> None:
        self._threshold = threshold
        self._clock = clock

    async def class_for(self, tx: Transaction, *, post: Id, author: Id) -> Delivery:
        """The delivery that is stamped on the post; a notice tells it after the commit."""
        now = self._clock.now_ms()
        before = await store.reach_of(tx, author)
        followers = (await counts.read(tx, [author], ["followers"]))[author]["followers"]
        reach = self._threshold.next(before, followers, now)
        if reach is not before:
            await store.put_reach(tx, author, reach)
        overlap = self._threshold.overlaps(reach, now)
        pulled = overlap or reach.delivery == "pull"
        tx.notify(PostNoted(post=post, author=author, pulled=pulled))
        return "push" if overlap else reach.delivery

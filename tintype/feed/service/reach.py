"""How a new post travels: decided once, in the transaction that publishes it."""

from __future__ import annotations

from tintype.database import Reader, Transaction, counts
from tintype.feed import store
from tintype.feed.model import Delivery, FanOutFigures, Pace, PostNoted, Threshold, damped
from tintype.feed.service.pacing import Pacing
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id, timestamp_ms

LOOK_MS = 60_000
"""For how long a process goes by the pace that it read."""
LEAST_AGE_DAYS = 7.0
"""A new account is taken for one of this age: a busy first day makes nobody hyperactive."""
FEWEST_PUSHES = 1_000
_DAY_MS = 24 * 3600 * 1000


class ByReach:
    """Pushes the posts of ordinary authors and pulls those of the very widely followed."""

    def __init__(self, threshold: Threshold, clock: Clock) -> None:
        self._threshold = threshold
        self._clock = clock
        self._pace = Pace()
        self._look_at_ms = 0

    async def class_for(self, tx: Transaction, *, post: Id, author: Id) -> Delivery:
        """The delivery that is stamped on the post; a notice tells it after the commit."""
        now = self._clock.now_ms()
        before = await store.reach_of(tx, author)
        counted = (await counts.read(tx, [author], ["followers", "posts"]))[author]
        days = max((now - timestamp_ms(author)) / _DAY_MS, LEAST_AGE_DAYS)
        pace = await self._pace_now(tx, now)
        threshold = self._threshold.at(pace, counted["posts"] / days, before.delivery)
        reach = threshold.next(before, counted["followers"], now)
        if reach is not before:
            await store.put_reach(tx, author, reach)
        overlap = threshold.overlaps(reach, now)
        pulled = overlap or reach.delivery == "pull"
        tx.notify(PostNoted(post=post, author=author, pulled=pulled))
        return "push" if overlap else reach.delivery

    async def figures(self, reader: Reader) -> FanOutFigures:
        """What waits in the lanes of fan-out, and from how many followers on an author who posts
        now and then is pulled.
        """
        measured = await store.pace(reader)
        rule = self._threshold.at(Pace() if measured is None else measured[0], 0.0, "push")
        return FanOutFigures(await store.waiting(reader), rule.followers, rule.pinned)

    async def _pace_now(self, reader: Reader, now: int) -> Pace:
        if not self._threshold.pinned and now >= self._look_at_ms:
            measured = await store.pace(reader)
            self._pace = Pace() if measured is None else measured[0]
            self._look_at_ms = now + LOOK_MS
        return self._pace


async def note_pace(tx: Transaction, pacing: Pacing) -> None:
    """Let what was measured here count, for all processes."""
    sample = pacing.take()
    before = await store.pace(tx)
    pace, at_ms = before or (Pace(), tx.now_ms())
    await store.put_pace(tx, damped(pace, sample, (tx.now_ms() - at_ms) / 1000))

"""The pure rules of the feed: merging sources, and who is pushed or pulled."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tintype.kernel.ids import MAX_ID, Id
from tintype.kernel.notice import Notice

NEWEST = MAX_ID
"""The bound below which every post lies: where a feed starts."""

Delivery = Literal["push", "pull"]
"""How one post reaches its followers' feeds: written to their timelines, or merged when they read.

Stamped on the post when it is published and never changed, so a retry of its fan-out agrees with
the first attempt.
"""


class Tier(StrEnum):
    """What answered, best first: one name per rung of the degradation ladder."""

    RANKED = "ranked"
    CHRONOLOGICAL = "chronological"
    """The timeline, and the database below its floor: the healthy answer."""
    DATABASE = "database"
    """Fan-out on read: the timelines do not answer, or this one is being built elsewhere."""
    TRENDING = "trending"
    """Popular posts that everybody may see: neither timelines nor the database can be asked."""


class FeedFlags(BaseModel):
    """Which rungs of the degradation ladder feeds may stand on. Switched while the server runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ranked: bool = False
    """Order feeds by what the viewer is likely to care for, where the viewer asks for that. Needs
    a ranker."""
    timelines: bool = True
    """Read feeds from stored timelines. Off: every feed is gathered from the database. On again:
    every timeline is built anew when it is next read."""
    database: bool = True
    """Gather a feed from the database when its timeline is not at hand. Off: popular posts
    instead, so that the database is spared."""
    trending: bool = True
    """Show popular posts when nothing better can be had. Off: such a feed answers 503."""


def tiers_of(flags: FeedFlags) -> tuple[Tier, ...]:
    """The tiers that may answer, best first; each is tried when the one before can not.

    A feed is never ranked unasked, so ``ranked`` is not among them.
    """
    allowed = (
        (Tier.CHRONOLOGICAL, flags.timelines),
        (Tier.DATABASE, flags.database),
        (Tier.TRENDING, flags.trending),
    )
    return tuple(tier for tier, may in allowed if may)


class Run(NamedTuple):
    """Strictly decreasing ids of one source, complete above a bound.

    The source holds no other id in ``(complete_above, below)``, where ``below`` is what was asked
    for. ``complete_above`` 0 means: nothing is left below.
    """

    ids: Sequence[Id]
    complete_above: Id


def run_of(ids: Sequence[Id], limit: int, floor: Id) -> Run:
    """The run of a source that was asked for its newest ``limit`` ids and holds all above floor."""
    return Run(ids, max(ids[-1] - 1, floor) if len(ids) >= limit else floor)


def merge(runs: Sequence[Run]) -> Run:
    """The union by id, cut where the first source ends.

    A source that has more below its last id would be overtaken by a deeper one: an id is only
    safe to show when every source is complete above it.
    """
    if len(runs) == 1:
        return runs[0]
    cut = max(run.complete_above for run in runs)
    union = {id_ for run in runs for id_ in run.ids if id_ > cut}
    return Run(sorted(union, reverse=True), cut)


class PostNoted(Notice, frozen=True, kw_only=True, tag="post_noted"):
    """A post is out; its author sees it from now on, and everybody else too when it is pulled."""

    post: Id
    author: Id
    pulled: bool


class PostDelivered(Notice, frozen=True, kw_only=True, tag="post_delivered"):
    """Fan-out carried a post into the timeline of its author."""

    post: Id
    author: Id


class Lane(StrEnum):
    """A queue of fan-out. Each gets its part of what the timelines can take while others wait, and
    all of it while none does; see ``WEIGHTS``.
    """

    HI = "hi"
    """Posts of authors with few followers: delivered by the consumer itself, never stored."""
    LO = "lo"
    """Posts of authors with many."""
    BACKFILL = "backfill"
    """Timelines after a follow or an unfollow, where very many come at once."""


WEIGHTS = {Lane.HI: 5, Lane.LO: 2, Lane.BACKFILL: 1}
"""The parts of the lanes."""

LAST_H16 = 0xFFFF
"""The last of the ranges into which followers are hashed."""


class Task(NamedTuple):
    """Stored work of fan-out: a post for those followers of its author whose hash lies in
    ``first`` to ``last``, or (backfill) an account whose relation to ``subject`` has changed.

    It is known by everything but ``after`` and ``since_ms``.
    """

    lane: Lane
    owner: Id
    """The author, or the account whose timeline it is: owners take turns."""
    subject: Id
    """The post, or the account that is followed or no longer followed."""
    first: int = 0
    last: int = LAST_H16
    after: Id = 0
    """The last follower who has the post; everybody behind is left."""
    since_ms: int = 0
    shard: int = 0
    """Where it is stored: the tasks of one post are spread, so that many workers share them."""


class Waiting(NamedTuple):
    """What waits in a lane: how many tasks, and since when the oldest (milliseconds since 1970)."""

    tasks: int
    oldest_ms: int


class Reach(msgspec.Struct, frozen=True):
    """How an author's posts travel, and since when (milliseconds since 1970; 0: ever since)."""

    delivery: Delivery = "push"
    since_ms: int = 0


class Pace(NamedTuple):
    """How quickly fan-out goes. The defaults are what is assumed before anything was measured: the
    deliveries of a laptop, and four followers of ten who read their feed within a week.
    """

    deliveries_per_s: float = 16_000 / 3
    """Timelines that one process writes to in a second of fan-out."""
    resident_share: float = 0.4
    """The share of followers who have a timeline."""


class Threshold(msgspec.Struct, frozen=True):
    """When an author is too widely followed to be pushed.

    Up at ``followers``, down below ``hysteresis`` of it, at most one switch per ``dwell_ms``. For
    ``overlap_ms`` after a switch posts travel both ways.
    """

    followers: int = 100_000
    hysteresis: float = 0.8
    dwell_ms: int = 24 * 3600 * 1000
    overlap_ms: int = 60 * 1000

    def next(self, reach: Reach, followers: int, now_ms: int) -> Reach:
        """The reach for a post published now; ``reach`` itself when nothing changes.

        The first switch needs no dwell: an author who was never switched has ``since_ms`` 0.
        """
        if now_ms - reach.since_ms < self.dwell_ms:
            return reach
        if reach.delivery == "push" and followers >= self.followers:
            return Reach("pull", now_ms)
        if reach.delivery == "pull" and followers < self.followers * self.hysteresis:
            return Reach("push", now_ms)
        return reach

    def overlaps(self, reach: Reach, now_ms: int) -> bool:
        """Whether the author switched so lately that posts are pushed and merged on read as well:
        processes that have not heard of the switch yet miss nothing.
        """
        return now_ms - reach.since_ms < self.overlap_ms


class FeedSettings(BaseModel):
    """How posts reach feeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    celebrity_threshold: int = Field(default=100_000, ge=1)
    """From this many followers on, an author's posts are merged when a follower reads instead of
    being written to each follower's timeline. Down again below 80 % of it."""
    dwell_hours: float = Field(default=24.0, ge=0)
    """An author who crossed the threshold stays on that side for at least so long."""
    timelines: int = Field(default=200_000, ge=1)
    """Timelines that one process holds at most, about 3 KB each; the least recent reader's goes
    first and is built anew when they come back."""

    budget_ms: int = Field(default=350, ge=50)
    """How long a page may wait for a database that other machines share, before popular posts are
    shown instead. Where they can not be, it waits on for `database.statement_timeout_ms`."""

    def threshold(self) -> Threshold:
        """The rule that these settings make."""
        return Threshold(
            followers=self.celebrity_threshold, dwell_ms=round(self.dwell_hours * 3600 * 1000)
        )

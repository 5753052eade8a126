"""The pure rules of the feed: merging sources, and who is pushed or pulled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import exp, log, log10
from typing import Literal, NamedTuple, TypeGuard

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tintype.kernel.ids import MAX_ID, Id, lowest_id_at, shard_of
from tintype.kernel.notice import Notice
from tintype.kernel.packed import packed, sorted_ids, unpacked

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


SEEN_KEPT = 1_000
"""Posts that are remembered as seen by a viewer, the newest of them."""
SEEN_FOR_MS = 30 * 24 * 3600 * 1000
"""How old a post may be that is remembered as seen."""
CAUGHT_UP_MS = 3 * 24 * 3600 * 1000
"""How old a post may be that keeps a viewer from being all caught up."""


class SeenPosts:
    """Posts that a viewer has seen: exactly these, so that a post that comes late between them (a
    new follow, a mute that was lifted) is never taken for one of them.
    """

    __slots__ = ("_ids",)

    def __init__(self, ids: Iterable[Id] = ()) -> None:
        self._ids = sorted_ids(ids)

    @classmethod
    def of_bytes(cls, content: bytes) -> SeenPosts:
        """What ``to_bytes`` made bytes of."""
        seen = cls()
        seen._ids = unpacked(content)
        return seen

    def to_bytes(self) -> bytes:
        return packed(self._ids)

    def and_also(self, ids: Iterable[Id], now_ms: int) -> SeenPosts:
        """With these, as far as they are worth remembering; ``self`` when nothing is new."""
        oldest = lowest_id_at(now_ms - SEEN_FOR_MS)
        kept = sorted(id_ for id_ in {*self._ids, *ids} if id_ >= oldest)[-SEEN_KEPT:]
        return self if kept == self._ids.tolist() else SeenPosts(kept)

    def __contains__(self, id_: Id) -> bool:
        ids = self._ids
        at = bisect_left(ids, id_)
        return at < len(ids) and ids[at] == id_

    def __len__(self) -> int:
        return len(self._ids)


NOTHING_SEEN = SeenPosts()


def oldest_news(now_ms: int) -> Id:
    """The first id at which a post that was not seen is new: older ones are not caught up on."""
    return lowest_id_at(now_ms - CAUGHT_UP_MS)


def caught_up_at(ids: Sequence[Id], seen: SeenPosts, since: Id) -> Id | None:
    """The newest of these decreasing ids that was seen and below which nothing is new.

    New is what was not seen and is not below ``since``. ``None``: there is no such id.
    """
    newest = None
    for id_ in reversed(ids):
        if id_ in seen:
            newest = id_
        elif id_ >= since:
            break
    return newest


def news_may_follow(examined: Id | None, since: Id) -> TypeGuard[Id]:
    """Whether something new can be below a page that ends so: the feed goes on, and not only into
    the days that no longer matter.
    """
    return examined is not None and examined > since


class SeenChanged(Notice, frozen=True, kw_only=True, tag="seen_changed"):
    """A viewer has seen other posts than before."""

    viewer: Id


_MASK = (1 << 64) - 1


def keeps(post: Id, viewer: Id, followees: int, whole: int) -> bool:
    """Whether a viewer with so many followees gets this post, where more than ``whole`` are too
    many for all of it: with the probability min(whole / followees, 1), decided by a hash.

    The same for whoever asks, and monotone: who follows fewer keeps all that they had and gets
    more. Posts of the viewer's own shard are kept, so own ones always are (and one in 4 096 more).
    The hash is the finaliser of SplitMix64 (G. Steele et al., OOPSLA 2014).
    """
    if followees <= whole or shard_of(post) == shard_of(viewer):
        return True
    mixed = (post * 0x9E37_79B9_7F4A_7C15 + viewer) & _MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9 & _MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB & _MASK
    return (mixed ^ (mixed >> 31)) * followees < whole << 64


def thinned(run: Run, viewer: Id, followees: int, whole: int) -> Run:
    """The run without what this viewer does not get; complete above the same bound."""
    if followees <= whole:
        return run
    return run._replace(ids=[id_ for id_ in run.ids if keeps(id_, viewer, followees, whole)])


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


class Sample(NamedTuple):
    """What was measured of fan-out: pushes, how many of them found a timeline, and the seconds."""

    pushes: int = 0
    found: int = 0
    seconds: float = 0.0


class FanOutFigures(NamedTuple):
    """What operators see of fan-out."""

    waiting: Mapping[Lane, Waiting]
    threshold: int
    """Followers from which on an author is pulled."""
    pinned: bool
    """Whether the settings say so, and not the cost model."""


DEADLINE_S = 30.0
"""Within this time a post of one who is pushed shall be everywhere."""
BIG_SHARE = WEIGHTS[Lane.LO] / sum(WEIGHTS.values())
"""The part of all deliveries that big posts are sure of."""
LEAST_THRESHOLD, MOST_THRESHOLD = 10_000, 10_000_000
MERGE_S = 1e-6
"""What one more pulled followee costs the reader of a page."""
MERGE_BUDGET_S = 0.2e-3
"""What all of them may cost."""
DELIVERY_S = 10e-6
"""What one delivery costs a worker."""
READS_PER_DAY = 15.0
"""Pages that a follower reads."""

_WIDTH, _WIDTH_AT, _WIDTH_FALLS = 46.0, 100_000, 0.3
_SETTLING_S = 6 * 3600.0
_FEW_PUSHES = 100_000
_LEAST_SHARE = 0.01


def threshold_at(pace: Pace) -> int:
    """T: from how many followers on posts are pulled, at this pace of fan-out.

        T = clamp(max(B D / rho, W), 10 000, 10 000 000), to two figures

    By cost alone followers do not matter: push wins while an author posts less often than a
    follower reads (A. Silberstein et al.: Feeding Frenzy, SIGMOD 2010). They matter for the burst:
    F rho deliveries at once (rho: the share of followers with a timeline) must be through in D
    seconds at the B deliveries per second that big posts are sure of. W is where a reader would
    have so many pulled followees that merging them takes more than its budget.
    """
    burst = BIG_SHARE * pace.deliveries_per_s * DEADLINE_S / max(pace.resident_share, _LEAST_SHARE)
    exact = min(max(burst, _narrowest(), LEAST_THRESHOLD), MOST_THRESHOLD)
    step = int(10 ** (int(log10(exact)) - 1))
    return round(exact / step) * step


def merge_width(threshold: int) -> float:
    """How many pulled followees a reader has on average, of 250.

    Fitted to a model of the followers of those who post (log-normal, median 150, with a Pareto
    tail of 1.25 above 10 000): 91, 46 and 23 for thresholds of 10 000, 100 000 and 1 000 000.
    """
    return float(_WIDTH * (threshold / _WIDTH_AT) ** -_WIDTH_FALLS)


def _narrowest() -> float:
    return float(_WIDTH_AT * (_WIDTH * MERGE_S / MERGE_BUDGET_S) ** (1 / _WIDTH_FALLS))


def is_hyperactive(posts_per_day: float, before: Delivery) -> bool:
    """Whether an author posts so often that pushing costs more than merging: p c_w > r c_p.

    Once pulled for that, an author is so until they post a fifth less.
    """
    limit = READS_PER_DAY * MERGE_S / DELIVERY_S
    return posts_per_day > limit * (1.0 if before == "push" else 0.8)


def damped(pace: Pace, sample: Sample, since_s: float) -> Pace:
    """The pace once this was measured, ``since_s`` after the last that was.

    It follows what is measured within some six hours, and more slowly when that is little: a busy
    hour moves no author across the threshold and back.
    """
    if not sample.pushes or sample.seconds <= 0:
        return pace
    share = max(sample.found / sample.pushes, _LEAST_SHARE)
    rate = share * sample.pushes / sample.seconds
    sure = sample.pushes / (sample.pushes + _FEW_PUSHES)
    weight = sure * (1 - exp(-max(since_s, 0.0) / _SETTLING_S))
    return Pace(
        exp((1 - weight) * log(pace.deliveries_per_s) + weight * log(rate)),
        (1 - weight) * pace.resident_share + weight * share,
    )


class Threshold(msgspec.Struct, frozen=True):
    """When an author is too widely followed to be pushed.

    Up at ``followers``, down below ``hysteresis`` of it, at most one switch per ``dwell_ms``. For
    ``overlap_ms`` after a switch posts travel both ways.
    """

    followers: int = 100_000
    hysteresis: float = 0.8
    dwell_ms: int = 24 * 3600 * 1000
    overlap_ms: int = 60 * 1000
    pinned: bool = True
    """Whether ``followers`` stands as it is; otherwise the cost model says another number."""

    def at(self, pace: Pace, posts_per_day: float, before: Delivery) -> Threshold:
        """The rule for one author at this pace of fan-out.

        Processes that measured or heard a little later may take another number. That is harmless:
        the class is stamped on each post, and an author switches once a dwell at most.
        """
        if self.pinned:
            return self
        often = is_hyperactive(posts_per_day, before)
        followers = LEAST_THRESHOLD if often else threshold_at(pace)
        return msgspec.structs.replace(self, followers=followers)

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

    celebrity_threshold: int | None = Field(default=None, ge=1)
    """From this many followers on, an author's posts are merged when a follower reads instead of
    being written to each follower's timeline. Down again below 80 % of it. Not set: 100 000 at
    first, then what the measured pace of fan-out allows, between 10 000 and 10 000 000; `doctor`
    shows it."""
    dwell_hours: float = Field(default=24.0, ge=0)
    """An author who crossed the threshold stays on that side for at least so long."""
    whole_followees: int | None = Field(default=None, ge=1)
    """Who follows more than this gets a part of all posts: each with the probability of this number
    over theirs, the same ones wherever and whenever they look. Not set: everybody gets everything.
    On Redis, switch the flag `feed-timelines` off and on after raising or unsetting it."""
    timelines: int = Field(default=200_000, ge=1)
    """Timelines that one process holds at most, about 3 KB each; the least recent reader's goes
    first and is built anew when they come back."""

    budget_ms: int = Field(default=350, ge=50)
    """How long a page may wait for a database that other machines share, before popular posts are
    shown instead. Where they can not be, it waits on for `database.statement_timeout_ms`."""

    def threshold(self) -> Threshold:
        """The rule that these settings make."""
        return Threshold(
            followers=self.celebrity_threshold or threshold_at(Pace()),
            dwell_ms=round(self.dwell_hours * 3600 * 1000),
            pinned=self.celebrity_threshold is not None,
        )

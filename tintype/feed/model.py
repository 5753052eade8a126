"""The pure rules of the feed: merging sources, and who is pushed or pulled."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec

from tintype.kernel.ids import MAX_ID, Id

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


class Reach(msgspec.Struct, frozen=True):
    """How an author's posts travel, and since when (milliseconds since 1970)."""

    delivery: Delivery = "push"
    since_ms: int = 0


class Threshold(msgspec.Struct, frozen=True):
    """When an author is too widely followed to be pushed.

    Up at ``followers``, down below ``hysteresis`` of it, at most one switch per ``dwell_ms``.
    """

    followers: int = 100_000
    hysteresis: float = 0.8
    dwell_ms: int = 24 * 3600 * 1000

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

"""The invariants that the simulator watches, by name and number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

SOUND = "1 sound: only what the viewer may see is shown"
UNIQUE = "2 no duplicates: ids strictly decrease along a walk"
NO_SKIPS = "3 no skips: what was delivered and stays visible is shown exactly once"
STABLE = "4 stable: new posts above a cursor never change what lies below it"
CONVERGES = "5 converges: drained, the timeline is the feed above its floor"
COMMUTES = "6 idempotent and commutative: repeats and order change nothing"
FLOOR = "7 the floor never falls within one build"
NO_PARTIAL = "8 an absent timeline never becomes a trusted partial one"
FOLLOW = "9 a handled follow leaves no gap above the floor"
REVOKED = "10 an unfollow or block hides at once, and leaves no residue"
THRESHOLD = "11 at most one switch of delivery per dwell"
OWN = "12 an author reads the own post at once"
BOUNDED = "13 a timeline stays within its cap and slack"
TIERS = "14 every tier serves the same feed"
ENDS = "15 an empty page is the end, and a walk ends"

ALL = (
    *(SOUND, UNIQUE, NO_SKIPS, STABLE, CONVERGES, COMMUTES, FLOOR, NO_PARTIAL),
    *(FOLLOW, REVOKED, THRESHOLD, OWN, BOUNDED, TIERS, ENDS),
)


class Violation(AssertionError):  # noqa: N818 - it is what the invariants call it
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant} — {detail}")
        self.invariant = invariant


def require(invariant: str, holds: bool, detail: str) -> None:
    if not holds:
        raise Violation(invariant, detail)


@dataclass(eq=False)
class Watch:
    """What one reader could rightly see while it reads; kept up to date by the world."""

    viewer: int
    live: set[int]
    """Posts that were live at some moment since the read began."""
    shown: set[int]
    """Authors who were shown to the viewer at some moment since the read began."""
    always: set[int]
    """Posts that were eligible all the time."""
    settled: set[int]
    """Posts that had been delivered to the viewer when the read began."""
    own: set[int]
    """Own posts that had been acknowledged when the read began."""
    authors: Mapping[int, int]

    def changed(
        self, live: AbstractSet[int], shown: AbstractSet[int], eligible: Collection[int]
    ) -> None:
        """Something was committed while the read goes on."""
        self.live |= live
        self.shown |= shown
        self.always.intersection_update(eligible)

    def check(self, ids: Sequence[int], below: int, examined: int | None) -> None:
        """Judge one window: what it shows in ``[examined, below)``."""
        for id_ in ids:
            require(SOUND, id_ in self.live, f"{self.viewer} was shown {id_}")
            require(REVOKED, self.authors[id_] in self.shown, f"{self.viewer} was shown {id_}")
        walk = [below, *ids]
        require(
            UNIQUE,
            all(low < high for high, low in zip(walk, ids, strict=False)),
            f"{self.viewer}: {ids} below {below}",
        )
        require(ENDS, bool(ids) or examined is None, f"{self.viewer}: empty, yet not the end")
        require(
            ENDS,
            examined is None or (examined < below and examined <= ids[-1]),
            f"{self.viewer}: the cursor {examined} does not move on from {below}",
        )
        lowest = 0 if examined is None else examined
        for must, invariant in ((self.own, OWN), (self.settled, NO_SKIPS)):
            missing = {post for post in must & self.always if lowest <= post < below} - set(ids)
            require(invariant, not missing, f"{self.viewer} below {below}: {sorted(missing)}")

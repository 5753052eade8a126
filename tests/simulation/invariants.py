"""The invariants that the simulator watches, by name and number.

``docs/explanation/invariants.md`` tells where each is checked and which planted bugs it catches.
"""

from __future__ import annotations

from collections import Counter
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
PROMPT = "16 prompt: visible within 120 s, and no burst, no import delays a small author by 10 s"
COUNTED = "17 counts are the rows: never negative, never doubled"
OUTBOX = "18 committed is delivered, in order per key; aborted is not"
MIRRORED = "19 the followers are the transpose of the following"
LATE = "20 a delivery that is late, however late, undoes no unfollow and no block"
RETURN = "21 pruned and back: the newest of the truth, whatever was delivered meanwhile"
WHOLE = "22 nothing by chance: who follows the most has the whole feed, or everywhere one part"
IDS = "23 ids are unique and in order, whatever the clocks do"
VERSIONS = "24 a cached version never goes back"

ALL = (
    *(SOUND, UNIQUE, NO_SKIPS, STABLE, CONVERGES, COMMUTES, FLOOR, NO_PARTIAL),
    *(FOLLOW, REVOKED, THRESHOLD, OWN, BOUNDED, TIERS, ENDS, PROMPT),
    *(COUNTED, OUTBOX, MIRRORED, LATE, RETURN, WHOLE, IDS, VERSIONS),
)


CHECKED: Counter[str] = Counter()
"""How often each invariant was looked at in this process."""


class Violation(AssertionError):  # noqa: N818 - it is what the invariants call it
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant} — {detail}")
        self.invariant = invariant


def require(invariant: str, holds: bool, detail: str) -> None:
    CHECKED[invariant] += 1
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
    late: AbstractSet[int]
    """Posts that may have been delivered after their follow had ended."""
    heavy: bool
    """Whether the viewer follows so many that the longer timeline is theirs."""

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
            hidden = LATE if id_ in self.late else REVOKED
            require(hidden, self.authors[id_] in self.shown, f"{self.viewer} was shown {id_}")
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
        no_skips = WHOLE if self.heavy else NO_SKIPS
        for must, invariant in ((self.own, OWN), (self.settled, no_skips)):
            missing = {post for post in must & self.always if lowest <= post < below} - set(ids)
            require(invariant, not missing, f"{self.viewer} below {below}: {sorted(missing)}")

"""Timelines: the stored post ids of each account that reads its feed.

    push / backfill ──►  [ floor | id id id … id ]  ──►  page
                          ▲ trim moves the floor up

A timeline is a cache of the database that knows how far it can be trusted. It is a set of ids and a
**floor**; the promise that everything else rests on is:

    A READY timeline holds every id that was pushed, backfilled or given to ``finish`` and that lies
    above its floor, save what was purged. Ids at or below the floor are never shown.

Deliveries are unions and trims only raise the floor, so any order and any number of repeats of the
same deliveries ends in the same visible timeline. Ids are compared as exact 63-bit integers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from tintype.kernel.ids import Id

CAP = 340
"""Ids that a timeline keeps: 340 entries of 12 bytes fill one 4 KiB allocation class in Redis."""

HEAVY_CAP = 681
"""The same for accounts that follow very many; fills the 8 KiB class."""

SLACK = 16
"""How far a timeline may outgrow its cap before it is trimmed."""


class TimelineState(Enum):
    ABSENT = "absent"
    BUILDING = "building"
    READY = "ready"


class TimelinePage(NamedTuple):
    """The newest ids below a bound, newest first. Trust them only when ``state`` is READY.

    Fewer ids than were asked for means: these are all the ids above ``floor``.
    """

    ids: Sequence[Id]
    floor: Id
    state: TimelineState


class Timelines(Protocol):
    """Stores one timeline per account that reads. Losing all of it loses nothing.

    Every method may raise ``tintype.kernel.problem.Unavailable`` when the store does not answer;
    the effect of that call is then unknown, and repeating it is safe.
    """

    async def push(self, accounts: Sequence[Id], post: Id) -> int:
        """Deliver one post to many timelines; returns how many timelines exist among them.

        Never creates a timeline. A timeline that is BUILDING takes the delivery too, whatever its
        floor will be. Idempotent and commutative.
        """
        ...

    async def page(self, account: Id, below: Id, limit: int) -> TimelinePage:
        """At most ``limit`` of the newest ids in ``(floor, below)``; marks the account as reading.

        An absent timeline answers ABSENT and floor 0, never an empty READY page.
        """
        ...

    async def begin(self, account: Id, cap: int) -> int:
        """Create an empty BUILDING timeline in place of whatever there was; returns the build.

        Subscribe, then snapshot: from now on deliveries arrive, so a snapshot that is read after
        this call and handed to ``finish`` leaves no gap. ``cap`` is kept until the next ``begin``.
        A build that is not finished within 30 s counts as abandoned: ``page`` answers ABSENT.
        """
        ...

    async def finish(self, account: Id, build: int, ids: Collection[Id], floor: Id) -> bool:
        """Add a snapshot that is complete above ``floor`` and make the timeline READY.

        Returns ``False`` and changes nothing when this build is no longer the account's current
        one (evicted, dropped, begun anew, epoch moved on): what it missed in between is unknown.
        """
        ...

    async def backfill(self, account: Id, ids: Collection[Id], floor: Id) -> None:
        """Add the posts of one author, all those above ``floor``; a higher floor is taken over.

        Ids at or below the timeline's floor have no effect, and an absent timeline stays absent.
        Idempotent, and commutative with ``push``.
        """
        ...

    async def purge(self, account: Id, ids: Collection[Id]) -> int:
        """Take ids out; returns how many were there. The floor stays: what remains is complete."""
        ...

    async def of_shard(self, account: Id, shard: int) -> list[Id]:
        """Every stored id whose shard bits are ``shard``, in any state, newest first.

        This is what an unfollow looks at: one id in 4 096 is there by coincidence.
        """
        ...

    async def trim(self, account: Id, keep: int) -> None:
        """Keep the newest ``keep`` ids; the floor rises to the largest id that had to go."""
        ...

    async def drop(self, account: Id) -> None:
        """Forget the timeline; it is ABSENT until the next ``begin``. Absent already is fine."""
        ...

    async def advance_epoch(self) -> int:
        """Distrust everything: all timelines and builds of earlier epochs are ABSENT from now on.

        Called when deliveries may have been lost: fan-out switched off, a store failed over, a gap
        in the log. Returns the new epoch.
        """
        ...

    async def close(self) -> None:
        """Unplug: release what is held; every later call raises ``Unavailable``."""
        ...

"""The log of events: what happened, in order per key, read by every group at its own pace.

A log has partitions. Records of one key are all in the same partition and keep their order; there
is no order between partitions. Positions count from 1 in every partition and only ever grow; they
may leave numbers out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from tintype.kernel.ids import SHARDS, Id, shard_of

LANES = 8
"""Into how many ranges of equal size the shards are cut for those who append.

Part of the protocol between relays: when it changes, all relays of one server must be stopped.
"""

LONGEST_APPEND = 400
"""Records that one append takes at most."""


def lane_of(key: Id) -> int:
    """The lane by which events of this key come into the log."""
    return shard_of(key) * LANES // SHARDS


class Record(msgspec.Struct, frozen=True):
    """One event: its wire name, its ordering key, its encoded body and when it was committed.

    ``id`` is that of its outbox row, 0 where the log does not keep it; ``trace`` is the W3C
    ``traceparent`` of the request that caused it. ``number`` counts the events of its lane in the
    order of being sent, and stays the same when it is sent again to another log; 0 where events are
    never sent again.
    """

    kind: str
    key: Id
    payload: bytes
    at_ms: int
    id: Id = 0
    trace: str | None = None
    number: int = 0


class Delivered(NamedTuple):
    """A record and where it stands in the log."""

    partition: int
    position: int
    record: Record


class Batch(NamedTuple):
    """Records to be handled, in order within each partition.

    ``log`` names the log itself: a log that was lost and made anew has another name, and positions
    of one mean nothing in the other. ``after`` is the position that each partition had reached
    before this batch.
    """

    log: str
    records: Sequence[Delivered]
    after: Mapping[int, int]

    @property
    def reached(self) -> dict[int, int]:
        """The position that each partition reaches with this batch."""
        return {each.partition: each.position for each in self.records}


Positions = Callable[[str, Sequence[int]], Awaitable[Mapping[int, int]]]
"""Given the log's name and partitions: the position that was reached in each (0: nothing)."""


class RecordsLost(Exception):  # noqa: N818 - a state, not a fault of the code
    """Records that this group did not get are gone from the log.

    The next call goes on with what there is. Whoever keeps anything derived must rebuild it.
    """


class ShutOut(Exception):  # noqa: N818 - a state, not a fault of the code
    """Another process opened this lane; nothing of this call is or will be in the log."""


class Subscription(Protocol):
    """One member of a group. Every partition is read by one member of the group at a time.

    Not to be used by two tasks at once. Methods may raise
    ``tintype.kernel.problem.Unavailable`` and may then be called again.
    """

    async def batch(self, *, wait_s: float, linger_s: float = 0.0) -> Batch:
        """What comes next; empty when there is nothing within ``wait_s``.

        Once something has come, up to ``linger_s`` more may be waited for further records. A
        partition is given to another member of the group only inside this call, so never while a
        batch is in hand, unless handling it takes longer than the log's patience (10 minutes).

        Raises:
            RecordsLost: see there.
        """
        ...

    async def commit(self, batch: Batch) -> None:
        """Note that a batch, or a first part of it, was handled.

        What is not noted is delivered again after a restart. A note may get lost with a log that
        goes away or a partition that has moved on; that too means a second delivery.
        """
        ...

    async def rewind(self) -> None:
        """Deliver again what was delivered and not handled."""
        ...

    async def close(self) -> None:
        """Leave the group: its other members take over. Closing again is a no-op."""
        ...


class Events(Protocol):
    """Reads the log. Delivery is at least once, and in order per key within a group."""

    def subscribe(
        self, group: str, kinds: Collection[str], *, positions: Positions | None = None
    ) -> Subscription:
        """A new member of the group; a new group begins with the oldest record that is kept.

        Records of other kinds may be delivered too. With ``positions`` the log asks there where to
        go on, whenever a partition comes to this member, and ``commit`` only serves ``lag``.
        """
        ...

    async def lag(self, groups: Collection[str]) -> Mapping[str, int]:
        """How many records lie before each group, over all partitions; groups that never read are
        left out. May be a little too high while records arrive. Raises ``Unavailable``.
        """
        ...

    async def close(self) -> None:
        """Release what is held; subscriptions are closed by those who opened them."""
        ...


class Lane(Protocol):
    """The right to append the events of one range of shards, alone."""

    log: str
    """The log that this lane leads to. When another one takes its place the lane does not follow:
    what it appends is in neither, and it has to be opened again."""
    reached: int
    """The number of the newest record of this lane in the log, by whomever; 0: the log is new."""
    doubtful: frozenset[Id]
    """What an earlier version, which did not number records, had appended last."""

    async def append(self, records: Sequence[Record]) -> None:
        """Put at most ``LONGEST_APPEND`` records behind all earlier ones: all of them, durably, or
        none. Their numbers grow, and ``reached`` with them.

        Raises:
            ShutOut: see there.
            Unavailable: whether they are in the log is not known; open the lane again and look at
                ``reached``.
        """
        ...

    async def close(self) -> None:
        """Give the lane up. Closing again is a no-op."""
        ...


class Ends(NamedTuple):
    """Where a log ended at some moment: the position of the next record in every partition."""

    log: str
    positions: Mapping[int, int]


class Lanes(Protocol):
    """Appends to a log outside the database; one inside is written by its own transaction."""

    async def open_lane(self, lane: int) -> Lane:
        """Take a lane (0 up to ``LANES``) over from whoever has it. Raises ``Unavailable``."""
        ...

    async def ends(self) -> Ends:
        """Where the log ends now. Raises ``Unavailable``."""
        ...

    async def all_read(self, ends: Ends, groups: Collection[str]) -> bool:
        """Whether each of these groups has handled everything that lay before these ends of the
        log, which is still the same. Raises ``Unavailable``.
        """
        ...

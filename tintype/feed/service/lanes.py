"""Whose turn it is: deficit round robin between lanes, and between the owners inside a lane.

    lo        author a ─ t t t     author b ─ t
    backfill  viewer c ─ t t t t t t t t t t t t      ──►  turn ──►  one chunk  ──►  settle

A flow that has its turn is given a quantum and keeps the turn until that is used up. What a chunk
cost is told afterwards, so a flow may overdraw by one chunk, and sits out for it later. (M.
Shreedhar, G. Varghese: Efficient Fair Queuing using Deficit Round Robin, SIGCOMM 1995.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tintype.feed.model import WEIGHTS, Lane, Task
from tintype.kernel.ids import Id

QUANTUM = 2_000
"""Deliveries that an owner may make in a turn: one chunk of a big post."""

_STORED = (Lane.LO, Lane.BACKFILL)
_SHARE_OF_HI = WEIGHTS[Lane.HI] / sum(WEIGHTS[lane] for lane in _STORED)

Key = tuple[Lane, Id, Id, int]


def key_of(task: Task) -> Key:
    """What tells a task from all others."""
    return task.lane, task.owner, task.subject, task.first


class Lanes:
    """The tasks in hand. One at a time is carried: ``turn``, then ``settle``.

    The lane ``hi`` holds no tasks: its posts are delivered at once. While that goes on, ``crowded``
    tells that the others have had their part.
    """

    def __init__(self, *, quantum: int = QUANTUM) -> None:
        self._quantum = quantum
        self._owners: dict[Lane, dict[Id, deque[Task]]] = {lane: {} for lane in _STORED}
        self._order: deque[Lane] = deque(_STORED)
        self._credit: dict[Lane, float] = dict.fromkeys(_STORED, 0.0)
        self._owner_credit: dict[tuple[Lane, Id], float] = {}
        self._known: set[Key] = set()
        self._urgent = 0
        self._owed = 0.0

    def add(self, tasks: Iterable[Task]) -> None:
        """Take these up, behind those of their owners; known ones are left as they are."""
        for task in tasks:
            if key_of(task) not in self._known:
                self._known.add(key_of(task))
                self._owners[task.lane].setdefault(task.owner, deque()).append(task)

    def turn(self) -> Task | None:
        """The task whose next chunk is due, or ``None``; it stays in hand until it is settled."""
        if not any(self._owners.values()):
            return None
        while True:
            lane = self._order[0]
            owners = self._owners[lane]
            if owners and self._credit[lane] > 0:
                break
            self._credit[lane] = self._credit[lane] + WEIGHTS[lane] * self._quantum if owners else 0
            self._order.rotate(-1)
        while True:
            owner = next(iter(owners))
            if self._owner_credit.get((lane, owner), 0) > 0:
                return owners[owner][0]
            self._owner_credit[lane, owner] = self._owner_credit.get((lane, owner), 0) + (
                self._quantum
            )
            owners[owner] = owners.pop(owner)

    def settle(self, task: Task, cost: int, left: Task | None) -> None:
        """A chunk of the task was carried; ``left`` is what remains of it, if anything does."""
        lane, owner = task.lane, task.owner
        self._credit[lane] -= cost
        if self._urgent:
            self._owed += cost * _SHARE_OF_HI
        queue = self._owners[lane][owner]
        queue.popleft()
        if left is not None:
            queue.appendleft(left)
        else:
            self._known.discard(key_of(task))
        if queue:
            self._owner_credit[lane, owner] = self._owner_credit.get((lane, owner), 0) - cost
        else:
            # As the method has it: whoever leaves takes neither credit nor debt along.
            del self._owners[lane][owner]
            self._owner_credit.pop((lane, owner), None)

    def forget(self) -> None:
        """Nothing is in hand any more; it is all in the store."""
        for owners in self._owners.values():
            owners.clear()
        self._owner_credit.clear()
        self._known.clear()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Posts of the lane ``hi`` are being delivered."""
        self._urgent += 1
        try:
            yield
        finally:
            self._urgent -= 1
            if not self._urgent:
                self._owed = 0.0

    def served(self, deliveries: int) -> None:
        """So much of the lane ``hi`` was delivered."""
        self._owed = max(0.0, self._owed - deliveries)

    @property
    def crowded(self) -> bool:
        """Whether the lane ``hi`` is busy, and the others have had their part."""
        return self._urgent > 0 and self._owed > 0

    def __len__(self) -> int:
        return len(self._known)

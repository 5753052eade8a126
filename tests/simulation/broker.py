"""A log outside the database, of which everything may go wrong but what it promises."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from tests.simulation.scheduler import step
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.ports.events import Batch, Delivered, Ends, Positions, Record, ShutOut

PARTITIONS = 2


class Broker:
    """``Lanes`` and ``Events``. ``away``: nobody reaches it; an answer may get lost at any time;
    and a log may be wiped, so that an empty one takes its place.
    """

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.away = False
        self.calm = False
        self.logs: list[list[list[Record]]] = []
        """Every log there ever was, as partitions of records."""
        self.epochs: defaultdict[int, int] = defaultdict(int)
        self.wipe()

    def wipe(self) -> None:
        """Everything in the log is gone, what was read of it as well as what was not."""
        self.logs.append([[] for _ in range(PARTITIONS)])
        self.reached: defaultdict[int, int] = defaultdict(int)
        self.handled: dict[str, dict[int, int]] = {}

    @property
    def name(self) -> str:
        return f"log-{len(self.logs)}"

    @property
    def partitions(self) -> list[list[Record]]:
        return self.logs[-1]

    async def answers(self) -> None:
        await step()
        if self.away:
            raise Unavailable

    def lose_the_answer(self) -> None:
        if not self.calm and self.dice.random() < 0.15:
            raise Unavailable

    async def open_lane(self, lane: int) -> OpenLane:
        await self.answers()
        self.epochs[lane] += 1
        return OpenLane(self, lane)

    async def ends(self) -> Ends:
        await self.answers()
        return Ends(self.name, {at: len(each) + 1 for at, each in enumerate(self.partitions)})

    async def all_read(self, ends: Ends, groups: Collection[str]) -> bool:
        await self.answers()
        return ends.log == self.name and all(
            self.handled.get(group, {}).get(at, 0) >= end - 1
            for group in groups
            for at, end in ends.positions.items()
        )

    def subscribe(
        self, group: str, kinds: Collection[str], *, positions: Positions | None = None
    ) -> PartitionReader:
        del kinds
        assert positions is not None, "only folds read here"
        return PartitionReader(self, group, positions)

    async def lag(self, groups: Collection[str]) -> Mapping[str, int]:
        return dict.fromkeys(groups, 0)

    async def close(self) -> None:
        """Nothing is held."""


class OpenLane:
    """The right to append to one log, until somebody else has it."""

    def __init__(self, broker: Broker, lane: int) -> None:
        self._broker = broker
        self._lane = lane
        self._epoch = broker.epochs[lane]
        self.log = broker.name
        self.reached = broker.reached[lane]
        self.doubtful: frozenset[Id] = frozenset()

    async def append(self, records: Sequence[Record]) -> None:
        broker = self._broker
        await broker.answers()
        broker.lose_the_answer()
        if self.log != broker.name:
            raise Unavailable
        if broker.epochs[self._lane] != self._epoch:
            raise ShutOut
        for record in records:
            broker.partitions[record.key % PARTITIONS].append(record)
        broker.reached[self._lane] = records[-1].number
        broker.lose_the_answer()
        self.reached = records[-1].number
        await step()

    async def close(self) -> None:
        """Nothing is held."""


class PartitionReader:
    """One that reads every partition; another one may do so at the same time, thought dead."""

    def __init__(self, broker: Broker, group: str, positions: Positions) -> None:
        self._broker = broker
        self._group = group
        self._positions = positions
        self._log = ""
        self._reached: dict[int, int] | None = None

    async def batch(self, *, wait_s: float, linger_s: float = 0.0) -> Batch:
        del wait_s, linger_s
        broker = self._broker
        await broker.answers()
        everywhere = range(PARTITIONS)
        while self._reached is None or self._log != broker.name:
            self._log = broker.name
            self._reached = dict(await self._positions(self._log, everywhere))
        after, found = dict(self._reached), list[Delivered]()
        for partition in everywhere:
            start = after[partition]
            end = start + broker.dice.randint(1, 5)
            records = broker.partitions[partition][start:end]
            found += [Delivered(partition, start + n, r) for n, r in enumerate(records, 1)]
        batch = Batch(self._log, found, after)
        self._reached |= batch.reached
        return batch

    async def commit(self, batch: Batch) -> None:
        await step()
        if batch.log == self._broker.name:
            handled = self._broker.handled.setdefault(self._group, {})
            for partition, position in batch.reached.items():
                handled[partition] = max(position, handled.get(partition, 0))

    async def rewind(self) -> None:
        await step()
        self._reached = None

    async def close(self) -> None:
        """Nothing is held."""

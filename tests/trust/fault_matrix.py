"""E5, E6 and E20: everything that can happen to a fleet happens to one, under people.

``python -m tests.trust.fault_matrix`` lives through what continuous integration does and prints the
table; ``--long`` takes every fault and the full outages, ``--only`` some by words of their names.
``--sabotage lose-batch``, ``keep-notices`` and ``delete-early`` plant a bug that must turn it red.
``--evidence`` keeps logs, rows and every call of a row that was red, ``--record`` the rows of
docs/reference/feed-proof.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fleet import roomy_folder
from tests.proof import results
from tests.trust.faults import FAULTS, Fault, nothing
from tests.trust.fleet_faults import Rig
from tests.trust.fleet_load import Doors, Figures, Town, arrive
from tests.trust.fleet_outcome import HEAD, Outcome
from tests.trust.fleet_press import Press

_PEOPLE = 8
_AT_ONCE = 3
_BEFORE_S = 1.0
_POLL_S = 0.1
_BUG_S = 8.0
_BUG_PATIENCE_S = 30.0
_LONGEST_BUG_S = 60.0
_HEALTHY = "chronological"
_SABOTAGE = "sabotage"
BUGS = {"lose-batch": "worker-feed", "keep-notices": "api-1", "delete-early": "relay"}
_FLEETING = {"keep-notices"}
"""Bugs that only those see who are there: a look at the end finds everything right."""


class Matrix:
    """A fleet and its people, and one fault after the other."""

    def __init__(
        self, *, long: bool = False, patience_s: float = 180.0, evidence: Path | None = None
    ) -> None:
        self.rig = Rig(roomy_folder("tintype-faults-"))
        self.outcomes: list[Outcome] = []
        self._long = long
        self._patience_s = patience_s
        self._evidence = evidence
        self._generations = itertools.count(1)
        self._supervisor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.rig.start()
            self.doors = Doors(self.rig.doors)
            await self.settle_people()
        except BaseException:
            self.rig.close()
            raise
        self._supervisor = asyncio.create_task(self.rig.look_after())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._supervisor is not None:
            self._supervisor.cancel()
        await self.doors.client.aclose()
        self.rig.close()

    async def settle_people(self) -> None:
        """New people, whom nothing has happened to yet."""
        suffix = f"_{next(self._generations)}"
        people = [await arrive(self.doors, f"person{each}{suffix}") for each in range(_PEOPLE)]
        self.town = Town(self.doors, list(people), seed=5)
        self.press = Press(self.doors)
        await self.press.open(suffix)
        await self._healthy()

    async def see(self, bug: str) -> Outcome:
        """Live with a planted bug for a while; its people are nobody's afterwards."""
        role = self.rig.roles[BUGS[bug]]
        if self.outcomes and self.outcomes[-1].violations:
            await self.settle_people()
        patience, self._patience_s = self._patience_s, _BUG_PATIENCE_S
        await self.rig.do(role.plant, bug)
        # Only a timeline that is there can lack something.
        await asyncio.gather(*(person.feed() for person in self.town.people.values()))
        strike = self._until_seen if bug in _FLEETING else nothing
        try:
            return await self.live_through(Fault(f"bug: {bug}", _SABOTAGE, strike, hold_s=_BUG_S))
        finally:
            self._patience_s = patience
            await self.rig.do(role.plant)

    async def _until_seen(self, _: Rig) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_BUG_S):
                while not self.town.violations + self.press.violations:  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)

    async def live_through(self, fault: Fault) -> Outcome:
        """Let it happen under people, heal it, and find out what it did."""
        outcome = Outcome(fault)
        figures = self.doors.figures = Figures()
        done, deaths = self.town.done, len(self.rig.deaths)
        self.town.violations.clear()
        self.press.violations.clear()
        async with self._people():
            await asyncio.sleep(_BEFORE_S)
            # What was done at either door so far was heard at the other one.
            async with self.town.turn:
                self.town.patient = self.press.patient = not fault.notices
            struck = time.monotonic()
            await fault.strike(self.rig)
            outcome.held_s = fault.long_hold_s if self._long and fault.long_hold_s else fault.hold_s
            await asyncio.sleep(outcome.held_s)
            await fault.heal(self.rig)
            healed = time.monotonic()
            if fault.experiment != _SABOTAGE:
                outcome.recovery_s = await self._healthy() - healed
            outcome.retried = figures.refused_writes.total()
            reads = [read for read in figures.reads if read.at >= struck]
        self.town.patient = self.press.patient = False
        for look in (self.town.settle, self.town.audit, self._told):
            # A planted bug need not be seen twice.
            if fault.experiment != _SABOTAGE or not self.town.violations + self.press.violations:
                await look(self._patience_s)
        outcome.equal_s = time.monotonic() - healed
        outcome.reads = len(reads)
        outcome.refused = sum(not read.tier for read in reads)
        outcome.refusals = Counter(read.refusal for read in reads if read.refusal)
        outcome.refusals += figures.refused_writes
        outcome.tiers = Counter(read.tier or "nobody" for read in reads)
        taken = sorted(read.ms for read in reads)
        outcome.median_ms, outcome.slowest_ms = taken[len(taken) // 2], taken[-1]
        outcome.slowest_write_ms, outcome.stale_ms = figures.slowest_write_ms, figures.stale_ms
        outcome.delivery_s = max(figures.deliveries_s, default=0.0)
        outcome.deeds = self.town.done - done
        outcome.violations += [*self.town.violations, *self.press.violations]
        outcome.violations += [f"died: {death}" for death in self.rig.deaths[deaths:]]
        outcome.violations += outcome.beyond()
        self.outcomes.append(outcome)
        if outcome.violations and fault.experiment != _SABOTAGE:
            await self._clean_up(outcome)
        return outcome

    async def _clean_up(self, outcome: Outcome) -> None:
        """Write down what is known, and let the next fault happen to people without a past."""
        if self._evidence is not None:
            folder = self._evidence / re.sub(r"\W+", "-", outcome.fault.name)
            self.doors.history.say(datetime.now(UTC), violations=outcome.violations)
            await self.doors.history.save(folder, self.rig.folder / "roles", self.rig.postgres.url)
        await self.settle_people()

    @contextlib.asynccontextmanager
    async def _people(self) -> AsyncIterator[None]:
        """People come, and when they are to go the crowd ends what it began."""
        closing = asyncio.Event()

        async def act() -> None:
            while not closing.is_set():
                await self.town.act(_AT_ONCE, at_once=_AT_ONCE)
                await asyncio.sleep(_POLL_S)

        crowd = asyncio.create_task(act())
        writing = asyncio.create_task(self.press.keep_posting(closing))
        reading = asyncio.create_task(self.press.keep_reading())
        try:
            yield
            closing.set()
            await asyncio.wait((crowd, writing))
        finally:
            for task in (crowd, writing, reading):
                task.cancel()
            ended = await asyncio.gather(crowd, writing, reading, return_exceptions=True)
            self.press.violations += [repr(each) for each in ended if isinstance(each, Exception)]

    async def _healthy(self) -> float:
        """When both doors answered healthily and a new post had arrived at both."""
        post = await self.press.post()
        for door in self.doors.addresses:
            deadline = time.monotonic() + self._patience_s
            while not await self._serves(door, post):
                if time.monotonic() > deadline:
                    self.press.violations.append(f"not healthy after {self._patience_s:.0f} s")
                    break
                await asyncio.sleep(_POLL_S)
        return time.monotonic()

    async def _serves(self, door: str, post: str) -> bool:
        tier, found = await self.press.seen(door)
        return tier == _HEALTHY and {post, *self.press.secrets} <= found

    async def _told(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while wrong := await self.press.differences():
            if time.monotonic() > deadline:
                self.press.violations += wrong
                return
            await asyncio.sleep(_POLL_S)


async def run(
    faults: list[Fault],
    *,
    long: bool = False,
    bugs: Sequence[str] = (),
    evidence: Path | None = None,
    record: Path | None = None,
) -> Matrix:
    """Live through these faults, and with these bugs, on one fleet, printing as it goes."""
    async with Matrix(long=long, evidence=evidence) as matrix:
        print(HEAD, flush=True)
        for fault in faults:
            outcome = await matrix.live_through(fault)
            _tell(outcome)
            if record is not None:
                results.keep("faults", fault.name, outcome.facts() | results.taken(), record)
        for bug in bugs:
            _tell(await matrix.see(bug))
        return matrix


def _tell(outcome: Outcome) -> None:
    print(outcome.row(), flush=True)
    said = [f"{times} x {why}" for why, times in outcome.refusals.most_common(5)]
    for line in [*outcome.violations, *said]:
        print(f"    {line}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--evidence", type=Path, help="a folder for what is known of a red row")
    parser.add_argument("--record", type=Path, help="a folder for the rows of the page of proof")
    parser.add_argument("--sabotage", nargs="*", choices=BUGS, default=None)
    chosen = parser.parse_args()
    faults = [
        fault
        for fault in FAULTS
        if (not chosen.only and (chosen.long or fault.always))
        or any(word.lower() in fault.name.lower() for word in chosen.only)
    ]
    if chosen.sabotage is None:
        matrix = asyncio.run(
            run(faults, long=chosen.long, evidence=chosen.evidence, record=chosen.record)
        )
    else:
        matrix = asyncio.run(run([], bugs=chosen.sabotage or list(BUGS)))
    return 1 if any(outcome.violations for outcome in matrix.outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

"""The invariants of the feed by their names, on real engines, while processes are killed.

``python -m tests.trust.fleet_properties --minutes 10`` starts a fleet, lets walkers write and read
at both doors while a seeded schedule kills APIs, workers, the relay, Redis and PostgreSQL by
SIGKILL, and prints how often each invariant was checked and how often it did not hold.
``--sabotage`` plants bugs, each of which must turn its invariant red. ``--record`` keeps the rows
of docs/reference/feed-proof.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from tests.fleet import roomy_folder
from tests.proof import results
from tests.simulation import invariants as named
from tests.trust.fleet_audit import Audit
from tests.trust.fleet_faults import Rig, Role
from tests.trust.fleet_judge import WATCHED
from tests.trust.fleet_load import Doors
from tests.trust.fleet_walkers import Walkers
from tools.engines.postgres import PostgresServer
from tools.engines.redis import RedisCluster

_PATIENCE_S = 120.0
_BUG_PATIENCE_S = 6.0
_BUG_DEEDS = 3
_BUG_S = 60.0
_GRACE_S = 10.0
_POLL_S = 0.1
_LONGEST_DOWN_S = 2.0
_LONGEST_CALM_S = 6.0
_SHORT_CALM_S = 2.5
_REDIS, _POSTGRESQL = "redis", "postgresql"
QUICK = ("worker-feed", "api-2", _REDIS, "relay", _POSTGRESQL)
"""Who is killed in the tests, each once."""
VICTIMS = (*QUICK, "api-1", "worker-rest", "worker-media", "worker-feed", "relay", _REDIS)
"""Who is killed in the long version, some more often than others."""


class Bug(NamedTuple):
    """A planted bug: the role that has it, and the invariant that it has to turn red."""

    role: str
    invariant: str


BUGS = {
    "keep-cards": Bug("api-2", named.VERSIONS),
    "count-twice": Bug("worker-feed", named.COUNTED),
    "keep-notices": Bug("api-1", named.REVOKED),
    "lose-batch": Bug("worker-feed", named.CONVERGES),
    "delete-early": Bug("relay", named.OUTBOX),
    "hide-own": Bug("api-2", named.OWN),
    "forget-floor": Bug("api-2", named.FLOOR),
    # The last: what it leaves behind stays in the database.
    "keep-mirror": Bug("api-1", named.MIRRORED),
}
_IN_THE_END = {named.COUNTED, named.CONVERGES, named.OUTBOX}
"""What is judged when people have gone; everything else they have to see themselves."""
TOGETHER = ("keep-cards", "keep-mirror", "count-twice")
"""Bugs of different roles that do not hide each other: the tests plant them at once."""


class Properties:
    """Walkers on a fleet that somebody else has started, and those who kill its processes."""

    def __init__(self, rig: Rig, doors: Doors, seed: int = 1) -> None:
        self.rig = rig
        self.kills: Counter[str] = Counter()
        self.walkers = Walkers(doors, seed)
        self.audit = Audit(rig, self.walkers)
        self.judge = self.walkers.judge
        self._dice = random.Random(seed)

    def shuffled(self, victims: Sequence[str]) -> list[str]:
        """These in the order that the seed says."""
        return self._dice.sample(victims, len(victims))

    async def live(self, victims: Iterable[str], calm_s: float = _SHORT_CALM_S) -> None:
        """People go on until the last of these was killed and came back; ``calm_s``, at most,
        between two kills.
        """
        async with self._people():
            for names in _pairs(victims, self._dice):
                await asyncio.sleep(self._dice.uniform(0.3, calm_s))
                await self._kill(names)
            await asyncio.sleep(calm_s)

    async def see(self, bugs: Iterable[str], *, mend: bool = True) -> set[str]:
        """Live with these bugs for a while; returns those that turned their invariant red.

        Afterwards the roles are started without them, unless nobody needs them any more.
        """
        self.judge.clear()
        planted = [*bugs]
        wanted = {BUGS[bug].invariant for bug in planted}
        deadline = time.monotonic() + _BUG_S
        await asyncio.gather(*(self._plant(BUGS[bug].role, bug) for bug in planted))
        try:
            async with self._people(_GRACE_S):
                while time.monotonic() < deadline:
                    seen = wanted - _IN_THE_END <= self.judge.failed.keys()
                    if seen and self.walkers.deeds >= _BUG_DEEDS:
                        break
                    await asyncio.sleep(_POLL_S)
            for look in (self.audit.mirrored, self._counted, self._feeds, self._outbox):
                if not wanted <= self.judge.failed.keys():
                    await look()
        finally:
            if mend:
                await asyncio.gather(*(self._plant(BUGS[bug].role) for bug in planted))
        return {bug for bug in planted if BUGS[bug].invariant in self.judge.failed}

    async def settle(self) -> None:
        """Nothing is killed any more: whatever was written is to be seen everywhere."""
        await self.audit.all(_PATIENCE_S)
        await self.audit.returned(_PATIENCE_S)
        await self.audit.tiers(_PATIENCE_S)

    def report(self) -> str:
        """How often each invariant was checked, and how often it did not hold."""
        checked, failed = self.judge.checked, self.judge.failed
        rows = [f"| {name} | {checked[name]} | {failed[name]} |" for name in WATCHED]
        killed = ", ".join(f"{name} {times}" for name, times in self.kills.most_common())
        slowest = self.walkers.facts.slowest_s
        return "\n".join(
            [
                "| invariant | checked | violated |",
                "|---|---|---|",
                *rows,
                f"killed: {killed or 'nobody'}; the slowest delivery took {slowest:.1f} s",
                *(f"    {violation}" for violation in self.judge.violations[:20]),
            ]
        )

    async def _feeds(self) -> None:
        await self.audit.feeds(named.CONVERGES, _BUG_PATIENCE_S)

    async def _counted(self) -> None:
        await self.audit.counted(_BUG_PATIENCE_S)

    async def _outbox(self) -> None:
        await self.audit.outbox(_BUG_PATIENCE_S)

    async def _plant(self, role: str, *bugs: str) -> None:
        await self.rig.do(self.rig.roles[role].plant, *bugs)

    @asynccontextmanager
    async def _people(self, grace_s: float | None = None) -> AsyncIterator[None]:
        """Walkers walk, and end what they began. With ``grace_s`` one may fail to: what a planted
        bug broke may be broken for good.
        """
        self.walkers.closing.clear()
        self.walkers.deeds = 0
        walking = asyncio.create_task(self.walkers.live(self.audit.evict, _PATIENCE_S))
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self.walkers.closing.set()
            await asyncio.wait((walking,), timeout=grace_s)
            for task in (looking, walking):
                task.cancel()
            ended = await asyncio.gather(looking, walking, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and grace_s is None:
                raise error

    async def _look(self) -> None:
        """Both sides of every relation agree, whenever one looks."""
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self.audit.mirrored()

    async def _kill(self, names: Iterable[str]) -> None:
        """All at once; each comes back when its time is over."""
        self.walkers.struck()
        await asyncio.gather(*(self._kill_one(name) for name in names))
        self.walkers.mended()

    async def _kill_one(self, name: str) -> None:
        rig, down_s = self.rig, self._dice.uniform(0.0, _LONGEST_DOWN_S)
        self.kills[name] += 1
        engines: dict[str, RedisCluster | PostgresServer | Role]
        engines = {_REDIS: rig.redis, _POSTGRESQL: rig.postgres, **rig.roles}
        engine = engines[name]
        await rig.do(engine.kill)
        await asyncio.sleep(down_s)
        await rig.do(engine.start)


def _pairs(victims: Iterable[str], dice: random.Random) -> Iterator[list[str]]:
    """One after the other, and now and then two at once."""
    waiting = iter(victims)
    for name in waiting:
        together = {name}
        if dice.random() < 0.3:
            together |= {*itertools.islice(waiting, 1)}
        yield sorted(together)


def _until(end: float, dice: random.Random) -> Iterator[str]:
    while time.monotonic() < end:
        yield dice.choice(VICTIMS)


@asynccontextmanager
async def _fleet() -> AsyncIterator[tuple[Rig, Doors]]:
    rig = Rig(roomy_folder("tintype-properties-"))
    try:
        await rig.start()
        doors = Doors(rig.doors)
        supervisor = asyncio.create_task(rig.look_after())
        yield rig, doors
        supervisor.cancel()
        await doors.client.aclose()
    finally:
        rig.close()


async def run(minutes: float, seed: int, record: Path | None) -> bool:
    """A fleet under walkers and killers for so long; returns whether everything held."""
    async with _fleet() as (rig, doors):
        properties = Properties(rig, doors, seed)
        await properties.walkers.open(f"_{seed}")
        end = time.monotonic() + minutes * 60
        await properties.live(_until(end, random.Random(seed)), _LONGEST_CALM_S)
        await properties.settle()
        await properties.audit.close()
        print(properties.report(), *rig.deaths, sep="\n", flush=True)
        if record is not None:
            judge = properties.judge
            facts = {
                "minutes": minutes,
                "seed": seed,
                "kills": dict(properties.kills),
                "slowest_s": round(properties.walkers.facts.slowest_s, 1),
                "posts": len(properties.walkers.facts.published),
                "checked": {name: judge.checked[name] for name in WATCHED},
                "violated": {name: judge.failed[name] for name in WATCHED},
            }
            results.keep("walked", "fleet", facts | results.taken(), record)
        return not properties.judge.violations and not rig.deaths


async def sabotage(bugs: Iterable[str], record: Path | None) -> bool:
    """Each bug on its own, on one fleet; returns whether each was seen."""
    seen = True
    async with _fleet() as (rig, doors):
        for number, bug in enumerate(bugs):
            properties = Properties(rig, doors, number)
            await properties.walkers.open(f"_{bug.replace('-', '_')}"[:14])
            caught = await properties.see([bug])
            await properties.audit.close()
            red = sorted(properties.judge.failed, key=lambda name: int(name.split()[0]))
            print(f"{bug}: {'seen' if caught else 'NOT SEEN'}; red: {red}", flush=True)
            seen = seen and bool(caught)
            if record is not None:
                facts = {"invariant": BUGS[bug].invariant, "caught": bool(caught), "red": red}
                results.keep("walked_bugs", bug, facts | results.taken(), record)
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, help="a folder for the rows of the page of proof")
    parser.add_argument("--sabotage", nargs="*", choices=BUGS, default=None)
    asked = parser.parse_args()
    if asked.sabotage is not None:
        return 0 if asyncio.run(sabotage(asked.sabotage or BUGS, asked.record)) else 1
    return 0 if asyncio.run(run(asked.minutes, asked.seed, asked.record)) else 1


if __name__ == "__main__":
    sys.exit(main())

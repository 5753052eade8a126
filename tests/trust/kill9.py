"""E1: kill -9 the server again and again under a mix of writes, and lose or double nothing.

``python -m tests.trust.kill9 --kills 200`` runs the long version; ``--sabotage forget-answers``,
``lose-events`` and ``acknowledge-early`` must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.trust.server import ServerProcess
from tests.trust.social import Crowd, Session, join

_PEOPLE = 12


@dataclass
class Report:
    """What a run did and found."""

    experiment: str
    seed: int
    kills: int = 0
    operations: int = 0
    calls: int = 0
    retries: int = 0
    posts: int = 0
    slowest_start_s: float = 0.0
    violations: list[str] = field(default_factory=list)


async def run(
    *, kills: int, seed: int, sabotage: str | None = None, operations: int | None = None
) -> Report:
    """Kill the server so many times (or act so many times), then compare everything."""
    report = Report("E1", seed)
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder) / "data", sabotage=sabotage)
        try:
            await _experiment(server, report, kills, operations)
        finally:
            server.kill()
        _check_file(server.data / "tintype.sqlite", report)
    return report


async def _experiment(
    server: ServerProcess, report: Report, kills: int, operations: int | None
) -> None:
    await server.start()
    session = Session(server.base_url)
    people = [await join(session, f"person{number}") for number in range(_PEOPLE)]
    crowd = Crowd(people, report.seed)
    nemesis = asyncio.create_task(_nemesis(server, report, kills, report.seed))
    while not nemesis.done() or (operations is not None and crowd.done < operations):
        await crowd.act(10)
    await nemesis
    # A sabotaged server never converges; there is no point in waiting for it long.
    patience = 10.0 if server.sabotage else 120.0
    await crowd.settle(patience)
    await crowd.audit(patience / 4)
    await session.client.aclose()
    report.operations, report.posts = crowd.done, len(crowd.truth.posts)
    report.calls, report.retries = session.calls, session.retries
    report.slowest_start_s = round(server.slowest_start_s, 2)
    report.violations += crowd.violations


async def _nemesis(server: ServerProcess, report: Report, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    while report.kills < kills:
        await asyncio.sleep(dice.uniform(0.1, 1.2))
        server.kill()
        report.kills += 1
        await server.start()


def _check_file(path: Path, report: Report) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    if found != [("ok",)]:
        report.violations.append(f"integrity: {found}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sabotage")
    chosen = parser.parse_args()
    report = asyncio.run(run(kills=chosen.kills, seed=chosen.seed, sabotage=chosen.sabotage))
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""N3: what a feed page costs as a viewer follows more people, and as the server has more of them.

Peer: the same page of the same server with 10 followees, or with 1 000 accounts. Measured in
process, as processor time, which other programs on the machine hardly touch: each figure is the
tenth percentile of many rounds. The accounts, posts and follows are rows made by SQL. A *cold* page
is the first one of a viewer of whom nothing is held: follows, cards and marks are read and the
timeline is built.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from tintype.entry.compose import Server, compose
from tintype.entry.settings import DATABASE, Settings
from tintype.kernel.ids import EPOCH_MS

FOLLOWEES_BAR, ACCOUNTS_BAR = 2.0, 1.3
FEW, MANY, USUAL = 10, 5_000, 250
TOWN, SMALL, LARGE = 10_000, 1_000, 1_000_000
POSTS = 4
WARM_ROUNDS, PAGES, COLD_ROUNDS = 60, 100, 15
_NOTE = (
    "a first page searches the index of posts for 250 authors and looks nobody up; what is left to "
    "grow is the depth of the indexes and what of the file is cached (1.2 GB against 1 MB)."
)
_HERE = "http://127.0.0.1:8000"
_BORN_MS = 1_735_689_600_000
_CAPTION = "A scene, seen from the shore, as long as captions usually are. " * 4

# Numbers from 0, in the order of the tables' keys: all of one shard, then those of the next.
_ROWS = """
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :accounts),
people(n, shard, id) AS (
  SELECT n, n / :each, ((:born + n % :each) << 22) | ((n / :each) << 10) FROM numbers
)
"""
_ACCOUNTS = """INSERT INTO accounts
  (shard, id, handle, display_name, bio, private, state, admin, created_ms)
  SELECT shard, id, 'person_' || n, 'Person ' || n, '', 0, 'active', 0, 0 FROM people"""
_POSTS = """INSERT INTO posts
  (shard, id, author, state, caption, comments_enabled, version, delivery)
  SELECT shard, ((:born + 1000000 + :turn * 10000000 + n) << 22) | (shard << 10),
    id, 'published', :caption, 1, 1, 'push' FROM people"""
_FOLLOWS = """INSERT INTO following (shard, follower, followee, id)
  SELECT :shard, :viewer, id, id FROM people WHERE n % :step = 0 AND id <> :viewer
  LIMIT :followees"""


class Cost(NamedTuple):
    """Processor µs of a page, and of a first page."""

    warm: float
    cold: float


def settle_world(path: Path, accounts: int, viewers: dict[int, int]) -> dict[int, int]:
    """Fill a fresh database; ``viewers`` says how many people each account (by its number) follows.

    Returns the ids of the viewers, by how many they follow.
    """
    each = max(accounts // 4_000, 4)
    born = _BORN_MS - EPOCH_MS
    people: dict[str, object] = {"accounts": accounts, "each": each, "born": born}
    ids = {}
    with sqlite3.connect(path) as database:
        database.execute(_ACCOUNTS.replace("INSERT", _ROWS + "INSERT", 1), people)
        for turn in range(POSTS):
            row = people | {"turn": turn, "caption": _CAPTION}
            database.execute(_POSTS.replace("INSERT", _ROWS + "INSERT", 1), row)
        for number, followees in viewers.items():
            shard = number // each
            viewer = (born + number % each) << 22 | shard << 10
            ids[followees] = viewer
            row = people | {"shard": shard, "viewer": viewer, "followees": followees}
            row["step"] = max(accounts // followees - 1, 1)
            database.execute(_FOLLOWS.replace("INSERT", _ROWS + "INSERT", 1), row)
    database.close()
    return ids


async def cost_of(server: Server, viewer: int, followees: int) -> Cost:
    """What pages of one viewer cost."""
    home = server.feed.home

    async def page() -> None:
        found = json.loads(await home.first_page(viewer, _HERE))
        authors = {each["author"]["id"] for each in found["items"]}
        assert len(found["items"]) == 20, found
        assert len(authors) > min(followees, 20) // 3, authors

    async def cold() -> None:
        await server.engines.timelines.drop(viewer)
        server.database.notices._forget_all()  # as after a start
        await home.first_page(viewer, _HERE)

    async def warm() -> None:
        for _ in range(PAGES):
            await home.first_page(viewer, _HERE)

    await page()
    first = await _least(cold, COLD_ROUNDS)
    await warm()
    return Cost(await _least(warm, WARM_ROUNDS) / PAGES, first)


async def _least(work: Callable[[], Awaitable[None]], rounds: int) -> float:
    """Processor µs of one round: the tenth percentile, past which others' noise begins."""
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        await work()
        took.append(time.process_time() - begun)
    return sorted(took)[rounds // 10] * 1e6


def costs(folder: Path, accounts: int, viewers: dict[int, int]) -> dict[int, Cost]:
    """The cost of pages where there are so many accounts, by how many people the viewer follows."""
    settings = Settings(data=folder, bind="127.0.0.1:0")

    async def measured() -> dict[int, Cost]:
        server = compose(settings)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        try:
            return {
                followees: await cost_of(server, viewer, followees)
                for followees, viewer in ids.items()
            }
        finally:
            await server.stop()

    async def made() -> None:
        await compose(settings).stop()

    asyncio.run(made())
    ids = settle_world(folder / DATABASE, accounts, viewers)
    return asyncio.run(measured())


def row(what: str, fewer: Cost, more: Cost, bar: float, *, cold_counts: bool) -> dict[str, Any]:
    warm, cold = more.warm / fewer.warm, more.cold / fewer.cold
    return {
        "n": "N3",
        "figure": f"feed page, {what}",
        "measured": (
            f"{warm:.2f} × ({fewer.warm:.1f} and {more.warm:.1f} µs of processor); a first page "
            f"{cold:.2f} × ({fewer.cold / 1000:.1f} and {more.cold / 1000:.1f} ms)"
        ),
        "ratio": round(warm, 3),
        "bar": f"≤ {bar} ×",
        "ok": warm <= bar and (cold <= bar or not cold_counts),
        "note": _NOTE if cold_counts else None,
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        town = costs(folder / "town", TOWN, {0: FEW, 5: MANY})
        small = costs(folder / "small", SMALL, {0: USUAL})[USUAL]
        large = costs(folder / "large", LARGE, {0: USUAL})[USUAL]
    rows = [
        row(f"{FEW} → {MANY:,} followees", town[FEW], town[MANY], FOLLOWEES_BAR, cold_counts=False),
        row(f"{SMALL:,} → {LARGE:,} accounts", small, large, ACCOUNTS_BAR, cold_counts=True),
    ]
    for each in rows:
        print(json.dumps(each, ensure_ascii=False))
    return 0 if all(each["ok"] for each in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

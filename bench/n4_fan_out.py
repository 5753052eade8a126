"""N4: deliveries a second into timelines that are full.

Peer (the limit): a blocking socket that sends the very same commands, made beforehand, with as many
under way. The two take turns on the same server; the figure is the median of the ratios. Server and
client have a core each. Every timeline holds its cap before the clock starts, so every delivery
inserts, trims and raises the floor.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hiredis
import uvloop
from pydantic import SecretStr

from bench.stage import CLIENT_CORE, SERVER_CORE
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import (
    BATCH,
    GROUP,
    RedisTimelines,
    entry_of,
    push_command,
    tag_of,
)
from tintype.kernel.clock import SystemClock
from tintype.ports.timelines import CAP, Timelines
from tools.engines.redis import RedisServer

BAR, EMBEDDED_BAR = 0.9, 500_000
FOLLOWERS, POSTS, ROUNDS = 4_000, 5, 7
FIRST = 1 << 60
STEP = 7_919
ACCOUNTS = [number * 2_654_435_761 % (1 << 62) for number in range(1, FOLLOWERS + 1)]


@contextmanager
def redis(folder: Path) -> Iterator[RedisServer]:
    """A server on its core, and this process on the other."""
    server = RedisServer(folder, config={"appendonly": "no"})
    server.start()
    os.sched_setaffinity(server.process.pid, {SERVER_CORE})
    os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        yield server
    finally:
        server.kill()


async def prefill(timelines: Timelines) -> None:
    """Every timeline at its cap."""
    ids = range(FIRST, FIRST + CAP * STEP, STEP)
    for account in ACCOUNTS:
        build = await timelines.begin(account, CAP)
        assert await timelines.finish(account, build, ids, 0)


class Posts:
    """Ids that nobody has seen, each newer than the one before."""

    def __init__(self) -> None:
        self._last = FIRST + CAP * STEP

    def take(self) -> list[int]:
        first, self._last = self._last, self._last + POSTS * STEP
        return list(range(first, self._last, STEP))


async def ours(timelines: Timelines, posts: list[int]) -> float:
    begun = time.perf_counter()
    for post in posts:
        assert await timelines.push(ACCOUNTS, post) == FOLLOWERS
    return FOLLOWERS * POSTS / (time.perf_counter() - begun)


def raw(port: int, batches: list[tuple[bytes, int]]) -> float:
    """Send what was made beforehand, two batches under way, and count the replies."""
    reader = hiredis.Reader()
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        waiting = delivered = 0
        for payload, replies in batches:
            link.sendall(payload)
            waiting += replies
            while waiting > replies:
                waiting, delivered = _receive(link, reader, waiting, delivered)
        while waiting:
            waiting, delivered = _receive(link, reader, waiting, delivered)
        took = time.perf_counter() - begun
    assert delivered == FOLLOWERS * POSTS, delivered
    return delivered / took


def _receive(
    link: socket.socket, reader: hiredis.Reader, waiting: int, delivered: int
) -> tuple[int, int]:
    reader.feed(link.recv(65_536))
    while (reply := reader.gets()) is not False:
        waiting -= 1
        delivered += int(reply)
    return waiting, delivered


def scripted(posts: list[int], reign: bytes) -> list[tuple[bytes, int]]:
    """The commands that our client sends for these posts."""
    end = b"$8\r\n%b\r\n" % reign
    batches = []
    for post in posts:
        tail = b"$8\r\n%b\r\n" % entry_of(post)
        for start in range(0, FOLLOWERS, BATCH):
            commands = [
                push_command(ACCOUNTS[at : at + GROUP], b"$1\r\ne\r\n", tail) + end
                for at in range(start, min(start + BATCH, FOLLOWERS), GROUP)
            ]
            batches.append((b"".join(commands), len(commands)))
    return batches


def bare(posts: list[int]) -> list[tuple[bytes, int]]:
    """ZADD and nothing else: no floor, no trim, timelines made by deliveries."""
    batches = []
    for post in posts:
        entry = entry_of(post)
        for start in range(0, FOLLOWERS, BATCH):
            commands = [
                b"*4\r\n$4\r\nZADD\r\n$14\r\nh{%b}\r\n$1\r\n0\r\n$8\r\n%b\r\n"
                % (tag_of(account), entry)
                for account in ACCOUNTS[start : start + BATCH]
            ]
            batches.append((b"".join(commands), len(commands)))
    return batches


async def on_redis(server: RedisServer) -> dict[str, object]:
    client = Redis(RedisSettings(url=SecretStr(server.url), timeout_ms=10_000))
    timelines = RedisTimelines(client, SystemClock())
    await prefill(timelines)
    fresh = Posts()
    mine, theirs = [], []
    for _ in range(1 + ROUNDS):
        mine.append(await ours(timelines, fresh.take()))
        batches = scripted(fresh.take(), await client.reign_of(0))
        theirs.append(raw(server.port, batches))
    del mine[0], theirs[0]  # the first ones warm up
    unguarded = raw(server.port, bare(fresh.take()))
    await timelines.close()
    ratio = statistics.median(one / other for one, other in zip(mine, theirs, strict=True))
    rates = [statistics.median(each) / 1000 for each in (mine, theirs)]
    return {
        "n": "N4",
        "figure": "deliveries into full timelines against a raw client with the same commands",
        "measured": f"{ratio:.2f} ({rates[0]:.0f} of {rates[1]:.0f} k/s)",
        "ratio": round(ratio, 3),
        "bar": f"≥ {BAR}",
        "ok": ratio >= BAR,
        "note": (
            f"a delivery is one step of a script that checks, inserts, trims and raises the floor, "
            f"{GROUP} to a call; {unguarded / 1000:.0f} k/s is what plain ZADDs reach that check "
            "nothing and let timelines grow."
        ),
    }


async def embedded() -> dict[str, object]:
    timelines = MemoryTimelines(SystemClock())
    await prefill(timelines)
    fresh = Posts()
    rates = [await ours(timelines, fresh.take()) for _ in range(1 + ROUNDS)][1:]
    rate = statistics.median(rates)
    return {
        "n": "N4",
        "figure": "deliveries into full timelines, embedded, one core",
        "measured": f"{rate / 1000:,.0f} k/s",
        "bar": f"≥ {EMBEDDED_BAR // 1000} k/s",
        "ok": rate >= EMBEDDED_BAR,
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, redis(Path(folder)) as server:
        rows = [uvloop.run(on_redis(server)), asyncio.run(embedded())]
    for row in rows:
        print(json.dumps(row))
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

"""N5: bytes that an entry of a timeline takes in Redis, at the cap.

What Redis itself says of both keys of a timeline (``MEMORY USAGE``, allocator classes included),
and what the whole server grew by, which adds the times at which the keys expire.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from pydantic import SecretStr

from bench.n4_fan_out import ACCOUNTS, FIRST, FOLLOWERS, STEP, Posts, prefill
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines, tag_of
from tintype.kernel.clock import SystemClock
from tintype.ports.timelines import CAP
from tools.engines.redis import RedisServer

BAR = 12.5


def used(server: RedisServer) -> int:
    facts = server.ask("INFO", "memory").splitlines()
    return next(int(line[12:]) for line in facts if line.startswith("used_memory:"))


async def measure(server: RedisServer) -> dict[str, object]:
    client = Redis(RedisSettings(url=SecretStr(server.url), timeout_ms=10_000))
    timelines = RedisTimelines(client, SystemClock())
    await timelines.page(1, FIRST, 1)
    await timelines.push([1], 1)
    before = used(server)
    await prefill(timelines)
    for post in Posts().take():
        await timelines.push(ACCOUNTS, post)
    page = await timelines.page(ACCOUNTS[0], FIRST * 2, CAP * 2)
    assert len(page.ids) == CAP, len(page.ids)
    assert page.floor > FIRST + STEP
    grown = (used(server) - before) / FOLLOWERS / CAP
    sizes = []
    for account in ACCOUNTS[:200]:
        tag = tag_of(account).decode()
        keys = (f"h{{{tag}}}", f"m{{{tag}}}")
        assert server.ask("OBJECT", "ENCODING", keys[0]) == "listpack"
        sizes.append(sum(int(server.ask("MEMORY", "USAGE", key)) for key in keys) / CAP)
    await timelines.close()
    size = max(sizes)
    return {
        "n": "N5",
        "figure": f"bytes an entry of a timeline in Redis, {CAP} entries",
        "measured": f"{size:.2f} ({grown:.2f} by the growth of the whole server)",
        "ratio": round(size, 2),
        "bar": f"≤ {BAR}",
        "ok": size <= BAR,
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), config={"appendonly": "no"})
        server.start()
        try:
            row = asyncio.run(measure(server))
        finally:
            server.kill()
    print(json.dumps(row))
    return 0 if row["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

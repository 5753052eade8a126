"""N2: the feed page of N1 with its timelines in Redis and its posts in PostgreSQL, on one core.

Peer (the limit): the bare app of N1 that does one pipelined Redis read before it answers, on the
same core and client. Every page of ours asks Redis three things: what other processes changed,
whether the caller may go on, and the timeline. Both share the second core with Redis and the load.
The latency is taken at half of the rate that the server could do, from 16 connections.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from bench.n1_feed import duel
from bench.stage import serving
from tools.engines.postgres import PostgresServer
from tools.engines.redis import RedisServer

BAR, P99_BAR_MS = 0.55, 5.0
SECONDS, CLIENTS = 8.0, 4

_NOTE = (
    "three commands to Redis a page against one of the peer's: notices, rate limit, timeline. "
    "Calls of one moment share a round trip on both sides."
)


def p99_at(rate: float, address: str, tokens: list[str]) -> float:
    """The 99th percentile in ms of pages asked for at this rate, by a clock and not by answers."""
    took: list[float] = []
    lock = threading.Lock()
    pause = CLIENTS / rate

    def ask(number: int) -> None:
        mine = []
        headers = {"Authorization": f"Bearer {tokens[number]}"}
        with httpx.Client(base_url=address, headers=headers) as client:
            due = time.perf_counter()
            ends = due + SECONDS
            while due < ends:
                time.sleep(max(0.0, due - time.perf_counter()))
                client.get("/v1/feed").raise_for_status()
                # From when it was due: a server that stalls is not let off by a client that waits.
                mine.append(time.perf_counter() - due)
                due += pause
        with lock:
            took.extend(mine)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(took)[int(len(took) * 0.99)] * 1000


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, redis = PostgresServer(folder / "postgresql"), RedisServer(folder / "redis")
        postgres.start()
        redis.start()
        engines = {
            "TINTYPE_DATABASE__URL": postgres.url,
            "TINTYPE_REDIS__URL": redis.url,
            "TINTYPE_REDIS__TIMEOUT_MS": "5000",
        }
        with serving(folder / "data", **engines) as (address, pid):
            found = duel(address, pid, folder, "bench.bare_redis", BENCH_REDIS_URL=redis.url)
            script = (folder / "viewers.lua").read_text()
            tokens = re.findall(r'"([^"]{30,})"', script)
            p99 = p99_at(min(found.ours / 2, 400.0), address, tokens)
        redis.stop()
        postgres.stop()
    measured = f"{found.measured}; p99 {p99:.1f} ms"
    ok = found.ratio >= BAR and p99 < P99_BAR_MS
    row = {
        "n": "N2",
        "figure": "the same on Redis, against the bare app with one pipelined Redis read",
        "measured": measured,
        "ratio": round(found.ratio, 3),
        "bar": f"≥ {BAR}, p99 < {P99_BAR_MS:.0f} ms",
        "ok": ok,
        "note": _NOTE,
    }
    print(f"N2 {measured}, rounds {', '.join(f'{each:.2f}' for each in found.rounds)}")
    print(json.dumps(row))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

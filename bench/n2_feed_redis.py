"""N2: the feed page of N1 with its timelines in Redis and its posts in PostgreSQL, on one core.

Peer (the limit): the bare app of N1 that does one pipelined Redis read before it answers, on the
same core and client. Every page of ours needs three things of Redis: what other processes changed,
whether the caller may go on, and the timeline. Both share the second core with Redis and the load.
The latency is taken at half of the rate that the server could do, by a clock, from 16 connections;
the peer's at the same rate stands beside it, since on a busy machine both wait for a processor.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.n1_feed import duel
from bench.n11_start import free_port
from bench.paced import latencies
from bench.stage import pinned, serving
from tools.engines.postgres import PostgresServer
from tools.engines.redis import RedisServer

BAR, P99_BAR_MS = 0.55, 5.0
SECONDS, SPELLS = 3.0, 5

_NOTE = (
    "pages of one moment are asked for by one pipeline, a look at the notices and their timelines; "
    "the peer's calls of one moment share a round trip, too."
)


def p99(url: str, tokens: Sequence[str], rate: float) -> float:
    """The 99th percentile in ms of pages at this rate: the median of several spells."""
    spells = [latencies(url, tokens, rate, SECONDS) for _ in range(SPELLS)]
    return statistics.median(took[int(len(took) * 0.99)] for took in spells) * 1000


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
            tokens = re.findall(r'"([^"]{30,})"', (folder / "viewers.lua").read_text())
            slow = p99(f"{address}/v1/feed", tokens, found.ours / 2)
            port = free_port()
            bare, told = f"http://127.0.0.1:{port}", {"BENCH_REDIS_URL": redis.url}
            with pinned(["bench.bare_redis", str(port), str(folder)], bare, **told):
                slow_bare = p99(bare, tokens, found.ours / 2)
        redis.stop()
        postgres.stop()
    measured = (
        f"{found.measured}; at {found.ours / 2:,.0f} req/s p99 {slow:.1f} ms (bare {slow_bare:.1f})"
    )
    ok = found.ratio >= BAR and slow < P99_BAR_MS
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

"""N6: from publishing a post to its being in a follower's feed, on an idle embedded server.

Peer: none; the bar is absolute. The clock starts when the author sends the post (its photo was
uploaded before) and stops when a follower, who had read the feed already and asks every two
milliseconds, is answered with it: the follower's timeline is written by fan-out, nothing is built.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.stage import Someone, photo, serving

BAR_S = 1.0
POSTS, FOLLOWERS = 120, 20
POLL_S, PAUSE_S = 0.002, 0.05


def visible_after(author: Someone, follower: Someone, upload: str) -> float:
    """Seconds from sending a post to seeing it."""
    began = time.perf_counter()
    post = author.post(upload, "now")
    while True:
        page = follower.call("GET", "/v1/feed?limit=1")
        if page["items"] and page["items"][0]["id"] == post:
            return time.perf_counter() - began
        time.sleep(POLL_S)


def main() -> int:
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "data") as (address, _):
        author = Someone(address, "author")
        followers = [Someone(address, f"follower_{number}") for number in range(FOLLOWERS)]
        for follower in followers:
            follower.call("POST", "/v1/follows", {"followed_id": author.id})
            follower.call("GET", "/v1/feed")
        took = []
        for number in range(POSTS):
            upload = author.upload(photo(number, 160, 120))
            time.sleep(PAUSE_S)
            took.append(visible_after(author, followers[number % FOLLOWERS], upload))
    middle = statistics.median(took)
    p99 = statistics.quantiles(took, n=100)[98]
    measured = f"p99 {p99 * 1000:.0f} ms (median {middle * 1000:.0f} ms, {POSTS} posts)"
    row = {
        "n": "N6",
        "figure": "publish to visible for a follower, idle, embedded",
        "measured": measured,
        "seconds": round(p99, 4),
        "bar": f"p99 < {BAR_S:.0f} s",
        "ok": p99 < BAR_S,
    }
    print(f"N6 {measured}")
    print(json.dumps(row))
    return 0 if row["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""N6: from publishing a post to its being in a follower's feed, on an idle server and fleet.

Peer: none; the bars are absolute. The clock starts when the author sends the post (its photo was
uploaded before) and stops when a follower, who had read the feed already and asks every two
milliseconds, is answered with it: the follower's timeline is written by fan-out, nothing is built.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.stage import Someone, photo, serving
from tests.fleet import FleetProcess, roomy_folder

BAR_S, FLEET_BAR_S = 1.0, 2.0
POSTS, FLEET_POSTS, FOLLOWERS = 120, 80, 20
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


def embedded() -> dict[str, Any]:
    """The figure of ``tintype serve`` on its own."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "data") as (address, _):
        author = Someone(address, "author")
        followers = [Someone(address, f"follower_{number}") for number in range(FOLLOWERS)]
        return row("embedded", BAR_S, times(author, followers, POSTS))


def on_a_fleet() -> dict[str, Any]:
    """The figure of ``make fleet``: gateway, two API processes, relay, Kafka, worker, Redis."""
    folder = roomy_folder("tintype-bench-")
    fleet = FleetProcess(folder / "fleet", variables={"TINTYPE_RATE_LIMITS__FACTOR": "100000"})
    fleet.start("Tintype is on")
    try:
        author = Someone(fleet.address, "author")
        followers = [Someone(fleet.address, f"follower_{number}") for number in range(FOLLOWERS)]
        return row("on a fleet with Kafka", FLEET_BAR_S, times(author, followers, FLEET_POSTS))
    finally:
        fleet.stop()
        shutil.rmtree(folder, ignore_errors=True)


def times(author: Someone, followers: list[Someone], posts: int) -> list[float]:
    """How long each of some posts took."""
    for follower in followers:
        follower.call("POST", "/v1/follows", {"followed_id": author.id})
        follower.call("GET", "/v1/feed")
    took = []
    for number in range(posts):
        upload = author.upload(photo(number, 160, 120))
        time.sleep(PAUSE_S)
        took.append(visible_after(author, followers[number % len(followers)], upload))
    return took


def row(where: str, bar_s: float, took: list[float]) -> dict[str, Any]:
    middle = statistics.median(took)
    p99 = statistics.quantiles(took, n=100)[98]
    return {
        "n": "N6",
        "figure": f"publish to visible for a follower, idle, {where}",
        "measured": f"p99 {p99 * 1000:.0f} ms (median {middle * 1000:.0f} ms, {len(took)} posts)",
        "seconds": round(p99, 4),
        "bar": f"p99 < {bar_s:.0f} s",
        "ok": p99 < bar_s,
    }


def main() -> int:
    found = [embedded(), on_a_fleet()]
    for each in found:
        print(json.dumps(each))
    return 0 if all(each["ok"] for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())

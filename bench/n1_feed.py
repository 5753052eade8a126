"""N1: a feed page of 20 hydrated posts, embedded, on one core.

Peer (the limit): a bare ASGI app that returns the same bytes, head and body, on the same uvicorn
with uvloop and httptools, on the same core. The two take turns, so that a noisy machine is noisy
for both; the figure is the median of the ratios. Every request comes from another viewer, each with
likes and saves of their own.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.n11_start import free_port
from bench.stage import Someone, photo, pinned, processor_seconds, serving, wrk

BAR = 0.55
AUTHORS, POSTS, VIEWERS = 8, 30, 64
ROUNDS, SECONDS = 7, 3

_NOTE = (
    "runs on the shared machine moved between 0.46 and 0.69, rounds within a run further still, so "
    "the bar is met or missed by noise. Called in process, without a network, a page costs 15 µs. "
    "What gave most: answering ahead of the framework, cards kept as encoded bytes with only the "
    "viewer's marks spliced in, one join a page, collector tuned at start. Whole pages are not "
    "cached: what must be checked for them costs nearly what making them costs."
)
_SCRIPT = """
local tokens = {%s}
local requests, turn = {}, 0
init = function(args)
  for i, token in ipairs(tokens) do
    requests[i] = wrk.format("GET", nil, {["Authorization"] = "Bearer " .. token})
  end
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
"""


def people(address: str) -> list[Someone]:
    """Authors who posted, and viewers who follow them and like some of it."""
    authors = [Someone(address, f"author_{number}") for number in range(AUTHORS)]
    posts = []
    for number in range(POSTS):
        author = authors[number % AUTHORS]
        upload = author.upload(photo(number))
        posts.append(author.post(upload, f"Scene {number}, seen from the shore #bench"))
    viewers = [Someone(address, f"viewer_{number}") for number in range(VIEWERS)]
    for number, viewer in enumerate(viewers):
        for author in authors:
            viewer.call("POST", "/v1/follows", {"followed_id": author.id})
        for post in posts[number % 7 :: 7]:
            viewer.call("PUT", f"/v1/posts/{post}/like")
        viewer.call("PUT", f"/v1/posts/{posts[-1 - number % 5]}/save")
    return viewers


def main() -> int:
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "data") as (address, pid):
        folder = Path(name)
        viewers = people(address)
        for viewer in viewers:
            page = viewer.client.get("/v1/feed")
            seen = page.json()
            assert len(seen["items"]) == 20, page.text
            assert seen["tier"] == "chronological", seen["tier"]
        head = {name: value for name, value in page.headers.items() if name != "date"}
        (folder / "head.json").write_text(json.dumps(head))
        (folder / "body.json").write_bytes(page.content)
        tokens = ", ".join(f'"{viewer.token}"' for viewer in viewers)
        script = folder / "viewers.lua"
        script.write_text(_SCRIPT % tokens)
        port = free_port()
        bare = f"http://127.0.0.1:{port}"
        with pinned(["bench.bare", str(port), str(folder)], bare) as bare_pid:
            ratios, costs_ratio, ours, theirs, costs = [], [], [], [], []
            for turn in range(-1, ROUNDS):
                before = processor_seconds(pid), processor_seconds(bare_pid)
                ours.append(wrk(f"{address}/v1/feed", SECONDS, script))
                theirs.append(wrk(bare, SECONDS, script))
                costs.append(
                    [
                        (processor_seconds(process) - start) / rate / SECONDS * 1e6
                        for process, start, rate in zip(
                            (pid, bare_pid), before, (ours[-1], theirs[-1]), strict=True
                        )
                    ]
                )
                if turn >= 0:  # the first one warms up
                    ratios.append(ours[-1] / theirs[-1])
                    costs_ratio.append(costs[-1][1] / costs[-1][0])
    ratio = statistics.median(ratios)
    mine, bare_cost = (statistics.median(cost[side] for cost in costs) for side in (0, 1))
    measured = (
        f"{ratio:.2f} ({statistics.median(ours):,.0f} of {statistics.median(theirs):,.0f} req/s; "
        f"{mine:.1f} and {bare_cost:.1f} µs of processor a request, "
        f"{statistics.median(costs_ratio):.2f}; {len(page.content):,} bytes)"
    )
    row = {
        "n": "N1",
        "figure": "feed page of 20 against a bare app with the same bytes",
        "measured": measured,
        "ratio": round(ratio, 3),
        "bar": f"≥ {BAR}",
        "ok": ratio >= BAR,
        "note": _NOTE,
    }
    print(f"N1 {measured}, rounds {', '.join(f'{each:.2f}' for each in sorted(ratios))}")
    print(json.dumps(row))
    return 0 if row["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

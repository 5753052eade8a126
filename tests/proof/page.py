"""Write docs/reference/feed-proof.md from what the experiments found.

Run it by ``python -m tests.proof.page``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.proof import results
from tests.simulation.invariants import ALL

PAGE = results.ROOT / "docs" / "reference" / "feed-proof.md"
_HEAD = """# Proof of the feed

What the long experiments found, written from their result files by `python -m tests.proof.page`. \
[The invariants](../explanation/invariants.md) says what each one means and where the simulator \
looks, [Faults](../explanation/faults.md) what people notice when an engine breaks. Load is the \
load average of a machine with two processors; code is a digest of the source that was run.

Take the figures again, in this order:

```
make simulate
python -m tests.simulation.planted
python -m tests.trust.fault_matrix --long --record tests/proof/found
python -m tests.trust.fleet_properties --minutes 10 --record tests/proof/found
python -m tests.trust.fleet_properties --sabotage --record tests/proof/found
python -m tests.proof.page
```
"""
_KINDS = ("lost", "doubled", "forbidden", "miscounted", "other")


def page(folder: Path = results.RESULTS) -> str:
    """The whole page."""
    found = {
        name: results.read(name, folder)
        for name in ("simulated", "planted", "walked", "walked_bugs", "faults")
    }
    return "\n".join(
        [
            _HEAD,
            *_simulated(found["simulated"].get("simulator"), found["walked"].get("fleet")),
            *_planted(found["planted"], found["walked_bugs"]),
            *_faults(found["faults"]),
        ]
    )


def _simulated(simulator: dict[str, Any] | None, fleet: dict[str, Any] | None) -> list[str]:
    """Both ways of checking, side by side."""
    lines = ["## The invariants", ""]
    checked: defaultdict[str, list[str]] = defaultdict(list)
    if simulator is not None:
        failed = simulator["failed"]
        lines.append(
            f"**Simulated**: {_number(simulator['seeds'])} of {_number(simulator['wanted'])} seeds "
            f"on {_when(simulator)}; "
            f"{simulator['median_s']:.2f} s each in the middle, {simulator['slowest_s']:.2f} s at "
            f"most. Failed: {', '.join(failed) or 'none'}.\n"
        )
        broken = [_place(name) for name in failed.values() if name != "code"]
        checks = {_place(name): times for name, times in simulator["checks"].items()}
        for name in ALL:
            number = _place(name)
            checked[name] += [_number(checks[number]), str(broken.count(number))]
    if fleet is not None:
        kills = ", ".join(f"{name} {times}" for name, times in sorted(fleet["kills"].items()))
        lines.append(
            f"**On real engines** (PostgreSQL, a Redis Cluster, Kafka, S3; two APIs, three workers "
            f"and a relay): {fleet['minutes']:g} minutes on {_when(fleet)}, seed {fleet['seed']}, "
            f"{fleet['posts']} posts. Killed by SIGKILL: {kills}. The slowest delivery took "
            f"{fleet['slowest_s']} s.\n"
        )
        times = {_place(name): _number(times) for name, times in fleet["checked"].items()}
        bad = {_place(name): str(times) for name, times in fleet["violated"].items()}
        for name in ALL:
            checked[name] += [times.get(_place(name), ""), bad.get(_place(name), "")]
    else:
        lines.append("**On real engines**: no run has been kept.\n")
    rows = ([name, *checked[name], "", "", "", ""][:5] for name in ALL)
    head = ["Invariant", "Simulated: checks", "violations", "Engines: checks", "violations"]
    return [*lines, *_table(head, rows), ""]


def _planted(planted: dict[str, Any], walked: dict[str, Any]) -> list[str]:
    """Every planted bug and what caught it."""
    caught = sum(facts["seed"] is not None for facts in planted.values())
    seen = sum(facts["caught"] for facts in walked.values())
    rows = (
        [f"`{name}`", facts["invariant"], facts["first"] or "", _text(facts["seed"])]
        for name, facts in sorted(planted.items(), key=lambda each: _place(each[1]["invariant"]))
    )
    head = ["Planted bug", "Has to turn red", "Turned red first", "Its own at seed"]
    lines = ["## Planted bugs", ""]
    lines += [
        f"In the simulator: {len(planted)}, of which {caught} turned their own invariant red.\n"
    ]
    lines += [*_table(head, rows), ""]
    fleet = (
        [f"`{name}`", facts["invariant"], ", ".join(facts["red"]), str(facts["load"])]
        for name, facts in sorted(walked.items(), key=lambda each: _place(each[1]["invariant"]))
    )
    told = f"{len(walked)}, of which {seen} turned their own invariant red."
    lines += [f"In a role of a real fleet: {told}\n"]
    return [*lines, *_table(["Planted bug", "Has to turn red", "Turned red", "Load"], fleet), ""]


def _faults(faults: dict[str, Any]) -> list[str]:
    rows = (
        [
            name,
            f"{facts['held_s']:g} s" if facts["held_s"] else "",
            str(facts["reads"]),
            str(facts["refused"]),
            str(facts["deeds"]),
            *(str(facts[kind]) for kind in _KINDS),
            f"{facts['recovery_s']:.1f}",
            f"{facts['equal_s']:.1f}",
            f"{facts['at']}, {facts['load']}",
        ]
        for name, facts in faults.items()
    )
    head = ["Fault", "Lasted", "Feeds read", "Refused", "Deeds", *map(str.capitalize, _KINDS)]
    head += ["Healthy again s", "All equal s", "When (UTC), load"]
    told = "Whoever acts is compared with a plain model after each fault; a violation is counted \
under what it was.\n"
    return ["## Faults of engines and processes", "", told, *_table(head, rows)]


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _when(facts: dict[str, Any]) -> str:
    return f"{facts['at']} UTC, load {facts['load']}, code `{facts['code']}`"


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _place(invariant: str) -> int:
    return int(invariant.split(maxsplit=1)[0])


def main() -> None:
    PAGE.write_text(page() + "\n", encoding="utf-8")
    print(PAGE.relative_to(results.ROOT))


if __name__ == "__main__":
    main()

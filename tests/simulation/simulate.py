"""Run simulated histories of the feed: ``python -m tests.simulation.simulate --seeds 200``.

A failing seed is printed and replays exactly: ``--seed 17``. ``--sabotage NAME`` plants a bug that
some invariant must catch.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

from tests.simulation import actors
from tests.simulation.invariants import (
    COMMUTES,
    CONVERGES,
    ENDS,
    REVOKED,
    TIERS,
    Violation,
    require,
)
from tests.simulation.sabotage import SABOTAGES
from tests.simulation.world import SteppedTimelines, World
from tintype.feed.model import NEWEST
from tintype.ports.timelines import TimelineState

STEPS = 3_500
CLIENTS = 5

USUAL = {
    "publish": 25,
    "walk": 30,
    "follow": 20,
    "accept": 4,
    "unfollow": 12,
    "block": 2,
    "change": 6,
    "delete": 5,
    "disturb": 6,
    "outage": 2,
    "replay": 3,
    "crash": 0.5,
}
"""What happens, and how often next to the others."""

ALONE = {
    "disturb": actors.disturb,
    "outage": actors.suffer_an_outage,
    "replay": actors.replay,
}
BY_ONE = {"publish": actors.publish, "walk": actors.walk}
BETWEEN_TWO = {
    "follow": actors.follow,
    "accept": actors.accept,
    "unfollow": actors.unfollow,
    "block": actors.block,
    "change": actors.change,
}

NEVER_ABSENT = {"publish", "walk", "follow"}


def simulate(seed: int, sabotage: str | None = None) -> None:
    """One history, then calm, then the final judgement.

    Raises:
        Violation: an invariant broke; the same seed breaks it again.
    """
    with nullcontext() if sabotage is None else SABOTAGES[sabotage].plant():
        world = World(seed)
        try:
            _history(world)
        finally:
            world.scheduler.kill_all()


def _history(world: World) -> None:
    world.scheduler.favour(actors.consume(world))
    weights = _weights(world)
    while world.scheduler.steps < STEPS:
        if len(world.scheduler) < CLIENTS:
            _something_happens(world, weights)
        world.scheduler.run_one()
    _settle(world)
    _judge(world)


def _weights(world: World) -> dict[str, float]:
    """Each history leans its own way: some know no deletions, some hardly anything else."""
    return {
        kind: weight * world.dice.choice((0.3, 1, 1, 3) if kind in NEVER_ABSENT else (0, 1, 1, 4))
        for kind, weight in USUAL.items()
    }


def _something_happens(world: World, weights: dict[str, float]) -> None:
    one, other = world.dice.sample(world.accounts, 2)
    match world.dice.choices([*weights], [*weights.values()])[0]:
        case "delete":
            if world.model.live:
                post = world.dice.choice(sorted(world.model.live))
                world.scheduler.spawn(actors.delete(world, post))
        case "crash":
            world.crash()
            world.scheduler.favour(actors.consume(world))
        case kind if kind in ALONE:
            world.scheduler.spawn(ALONE[kind](world))
        case kind if kind in BY_ONE:
            world.scheduler.spawn(BY_ONE[kind](world, one))
        case kind:
            world.scheduler.spawn(BETWEEN_TWO[kind](world, one, other))


def _settle(world: World) -> None:
    """Accidents end, every client finishes, the log is drained."""
    _drain(world)
    world.scheduler.dismiss()
    world.scheduler.spawn(actors.handle(world, range(world.offset, len(world.log))))
    _drain(world)
    world.offset = len(world.log)


def _drain(world: World) -> None:
    """Start nothing new and wait until nobody is waiting."""
    while len(world.scheduler):
        world.scheduler.run_one()


def _judge(world: World) -> None:
    """Drained: every feed is the specification's, whatever serves it, however often delivered."""
    _require_feeds(world, CONVERGES)
    _require_timelines(world)
    before = _timelines(world)
    dice = world.dice
    for _ in range(40):
        index = dice.randrange(len(world.log)) if world.log else 0
        if world.log:
            world.scheduler.spawn(actors.handle(world, range(index, index + 1)))
    _drain(world)
    _require_feeds(world, COMMUTES)
    for account, (ids, floor) in _timelines(world).items():
        if account in before:
            old, old_floor = before[account]
            # A timeline rebuilt meanwhile lacks the dead posts and has the pulled ones.
            counted = {p for p in world.model.live if p > max(floor, old_floor)} - _pulled(world)
            same = set(ids) & counted == set(old) & counted
            require(COMMUTES, same, f"redelivery changed the timeline of {account}")
    world.outage = True
    _require_feeds(world, TIERS)


def _require_feeds(world: World, invariant: str) -> None:
    for viewer in world.accounts:
        served: list[int] = []

        async def read(viewer: int = viewer, served: list[int] = served) -> None:
            below: int | None = NEWEST
            while below is not None:
                window = await world.feed.window(viewer, below, 3)
                served += window.ids
                moved = window.examined is None or window.examined < below
                require(ENDS, moved, f"{viewer} stays at {below}")
                below = window.examined

        world.scheduler.spawn(read())
        _drain(world)
        truth = world.model.feed(viewer)
        require(invariant, served == truth, f"{viewer} is served {served}, the truth is {truth}")


def _timelines(world: World) -> dict[int, tuple[list[int], int]]:
    timelines = world.feed.sources.timelines
    assert isinstance(timelines, SteppedTimelines)
    return {
        account: (list(timeline.ids), timeline.floor)
        for account, timeline in timelines._timelines.items()
        if timeline.state is TimelineState.READY
    }


def _pulled(world: World) -> set[int]:
    return {e.post.post for e in world.log if e.post is not None and e.post.delivery == "pull"}


def _require_timelines(world: World) -> None:
    model = world.model
    for account, (ids, floor) in _timelines(world).items():
        sources = model.sources(account)
        due = {p for p in model.live if model.authors[p] in sources and p > floor}
        missing = due - set(ids) - _pulled(world)
        require(CONVERGES, not missing, f"the timeline of {account} lacks {sorted(missing)}")
        residue = {p for p in ids if p in model.live and model.authors[p] not in sources}
        # A delivery that was late may leave some behind; then only reading hides it.
        require(
            REVOKED,
            world.zombies or not residue,
            f"the timeline of {account} keeps {sorted(residue)}",
        )


def first_failure(
    seeds: range,
    sabotage: str | None = None,
    invariant: str | None = None,
    report: Callable[[str], None] = print,
) -> Violation | None:
    """Run seeds until one breaks an invariant (or this invariant); tells how to replay it."""
    for seed in seeds:
        try:
            simulate(seed, sabotage)
        except Violation as violation:
            if invariant not in {None, violation.invariant}:
                continue
            planted = f" --sabotage {sabotage}" if sabotage else ""
            report(f"seed {seed}: {violation}")
            report(f"replay: python -m tests.simulation.simulate --seed {seed}{planted}")
            return violation
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run from 0 on")
    parser.add_argument("--seed", type=int, help="run only this one")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="plant a bug")
    asked = parser.parse_args()
    seeds = range(asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    began = time.perf_counter()
    failure = first_failure(seeds, asked.sabotage)
    print(f"{len(seeds)} seeds in {time.perf_counter() - began:.1f} s: {failure or 'all hold'}")
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())

"""One history of the feed: things happen, then it is calm, then it is judged."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import patch

from tests.simulation import actors
from tests.simulation.invariants import (
    COMMUTES,
    CONVERGES,
    ENDS,
    RETURN,
    REVOKED,
    TIERS,
    WHOLE,
    require,
)
from tests.simulation.scheduler import Silent
from tests.simulation.stored import IDLE_MS
from tests.simulation.world import HEAVY_FOLLOWEES, World
from tintype.database import notices
from tintype.feed.model import NEWEST, FeedFlags, Tier, tiers_of
from tintype.feed.service import reading
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
    "toggle": 1,
    "replay": 3,
    "work": 10,
    "crash": 0.5,
}
"""What happens, and how often next to the others."""

ALONE = {
    "disturb": actors.disturb,
    "outage": actors.suffer_an_outage,
    "toggle": actors.toggle,
    "replay": actors.replay,
    "work": actors.work,
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


def feed_history(seed: int) -> None:
    """One history, then calm, then the final judgement.

    Raises:
        Violation: an invariant broke; the same seed breaks it again.
    """
    world = World(seed)
    with (
        patch.object(notices, "asyncio", SimpleNamespace(get_running_loop=lambda: world.clock)),
        patch.object(notices, "log", Silent()),
        patch.object(reading, "HEAVY_FOLLOWEES", HEAVY_FOLLOWEES),
    ):
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
                world.scheduler.spawn(actors.delete(world, post), world.someone())
        case "crash":
            world.crash()
            world.scheduler.favour(actors.consume(world))
        case kind if kind in ALONE:
            world.scheduler.spawn(ALONE[kind](world), world.someone())
        case kind if kind in BY_ONE:
            world.scheduler.spawn(BY_ONE[kind](world, one), world.someone())
        case kind:
            world.scheduler.spawn(BETWEEN_TWO[kind](world, one, other), world.someone())


def _settle(world: World) -> None:
    """Accidents end, every client finishes, the log is drained."""
    world.scheduler.drain()
    for process in world.processes:
        process.cut = process.deaf = False
        process.feed.reading.allow(tiers_of(FeedFlags()))
    world.scheduler.dismiss()
    _handle_all(world)


def _handle_all(world: World) -> None:
    world.scheduler.spawn(actors.handle(world, range(world.offset, len(world.log))))
    world.scheduler.drain()
    world.offset = len(world.log)
    _carry_all(world)


def _carry_all(world: World) -> None:
    """Workers carry on until no task is left."""
    while world.kept.tasks:
        world.scheduler.spawn(actors.carry(world, world.someone()))
        world.scheduler.drain()


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
    world.scheduler.drain()
    _carry_all(world)
    _require_feeds(world, COMMUTES)
    for account, (ids, floor) in _timelines(world).items():
        if account in before:
            old, old_floor = before[account]
            # A timeline rebuilt meanwhile lacks the dead posts and has the pulled ones.
            counted = {
                p
                for p in world.model.live
                if p > max(floor, old_floor) and world.model.gets(account, p)
            } - _pulled(world)
            same = set(ids) & counted == set(old) & counted
            require(COMMUTES, same, f"redelivery changed the timeline of {account}")
    _require_return(world)
    for process in world.processes:
        process.cut = True
    _require_feeds(world, TIERS)
    for process in world.processes:
        process.cut = False
        process.feed.reading.allow((Tier.DATABASE,))
    _require_feeds(world, TIERS)


def _require_return(world: World) -> None:
    """All are away for long and lose their timelines; then all come back while posts arrive."""
    world.clock.advance(2 * IDLE_MS / 1000)
    world.stored.prune()
    world.scheduler.favour(actors.consume(world))
    for account in world.accounts:
        world.scheduler.spawn(actors.publish(world, account))
        world.scheduler.spawn(_read_all(world, account, []))
    world.scheduler.drain()
    world.scheduler.dismiss()
    _handle_all(world)
    _require_feeds(world, RETURN)
    _require_timelines(world, RETURN)


def _require_feeds(world: World, invariant: str) -> None:
    for viewer in world.accounts:
        served: list[int] = []
        world.scheduler.spawn(_read_all(world, viewer, served))
        world.scheduler.drain()
        truth = world.model.feed(viewer)
        named = WHOLE if invariant is CONVERGES and world.is_heavy(viewer) else invariant
        require(named, served == truth, f"{viewer} is served {served}, the truth is {truth}")


async def _read_all(world: World, viewer: int, served: list[int]) -> None:
    below: int | None = NEWEST
    while below is not None:
        process = world.someone()
        await process.notices.catch_up()
        window = await process.feed.window(viewer, below, 3)
        served += window.ids
        moved = window.examined is None or window.examined < below
        require(ENDS, moved, f"{viewer} stays at {below}")
        below = window.examined


def _timelines(world: World) -> dict[int, tuple[list[int], int]]:
    return {
        account: (list(timeline.ids), timeline.floor)
        for account, timeline in world.stored._timelines.items()
        if timeline.state is TimelineState.READY
    }


def _pulled(world: World) -> set[int]:
    return {e.post.post for e in world.log if e.post is not None and e.post.delivery == "pull"}


def _require_timelines(world: World, invariant: str = CONVERGES) -> None:
    model = world.model
    for account, (ids, floor) in _timelines(world).items():
        sources = model.sources(account)
        due = {
            p
            for p in model.live
            if model.authors[p] in sources and p > floor and model.gets(account, p)
        }
        missing = due - set(ids) - _pulled(world)
        require(invariant, not missing, f"the timeline of {account} lacks {sorted(missing)}")
        residue = {p for p in ids if p in model.live and model.authors[p] not in sources}
        # A delivery that was late may leave some behind; then only reading hides it.
        require(
            REVOKED,
            world.zombies or not residue,
            f"the timeline of {account} keeps {sorted(residue)}",
        )

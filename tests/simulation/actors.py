"""What happens in the world: people, the consumer of the log, and accidents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.invariants import ENDS, STABLE, THRESHOLD, Violation, Watch, require
from tests.simulation.processes import Card, Process
from tests.simulation.scheduler import step
from tests.simulation.world import Logged, World, notices_of
from tintype.feed.model import NEWEST, Delivery, FeedFlags, Reach, tiers_of
from tintype.feed.service.fan_out import Delivered
from tintype.feed.service.feed import Edge
from tintype.feed.service.reading import Window
from tintype.kernel.ids import shard_of
from tintype.kernel.problem import Unavailable

MOST_PAGES = 200


async def publish(world: World, author: int) -> None:
    """The id is minted first; the post becomes live now or much later, as media takes its time."""
    post = world.ids[author].next(shard_of(author))
    for _ in range(world.dice.choice((0, 0, 1, 40))):
        await step()
    while post in world.model.authors:  # minted elsewhere too: the transaction is run again
        post = world.ids[author].next(shard_of(author))
    delivery, pulled = _delivery(world, author)
    world.model.publish(author, post)
    event = Logged("published", author=author, post=Delivered(post, author, delivery))
    await _commit(world, notices_of(event, pulled=pulled))


def _delivery(world: World, author: int) -> tuple[Delivery, bool]:
    """As ``ByReach``: the stamp, and whether the post is merged by readers as well."""
    now = world.clock.now_ms()
    before = world.reaches.get(author, Reach())
    after = world.threshold.next(before, len(world.model.followers(author)), now)
    if after is not before:
        switches = world.switches.setdefault(author, [])
        spaced = not switches or now - switches[-1] >= world.threshold.dwell_ms
        require(THRESHOLD, spaced, f"{author} switched at {switches} and {now}")
        switches.append(now)
        world.reaches[author] = after
    overlap = world.threshold.overlaps(after, now)
    return "push" if overlap else after.delivery, overlap or after.delivery == "pull"


async def _commit(world: World, *events: Logged) -> None:
    """Commit, tell, acknowledge: a crash may come between any two of them."""
    process = world.someone()
    place = world.commit(*events)
    await step()
    await world.tell(process, place)
    await step()


async def delete(world: World, post: int) -> None:
    world.model.delete(post)
    await _commit(world)


async def follow(world: World, viewer: int, author: int) -> None:
    already = author in world.model.following[viewer]
    if world.model.follow(viewer, author) == "following" and not already:
        await _commit(world, notices_of(Logged("followed", viewer, author)))


async def accept(world: World, author: int, viewer: int) -> None:
    if world.model.accept(author, viewer):
        await _commit(world, notices_of(Logged("followed", viewer, author)))


async def unfollow(world: World, viewer: int, author: int) -> None:
    if world.model.unfollow(viewer, author):
        await _commit(world, notices_of(Logged("unfollowed", viewer, author)))


async def block(world: World, actor: int, other: int) -> None:
    if actor != other:
        world.model.block(actor, other)
        await _commit(world, notices_of(Logged("blocked", actor, other)))


async def change(world: World, actor: int, other: int) -> None:
    """A change of visibility that fan-out has nothing to do with."""
    match world.dice.randrange(4):
        case 0:
            world.model.unblock(actor, other)
        case 1:
            world.model.mute(actor, other)
        case 2:
            world.model.unmute(actor, other)
        case _ if actor in world.model.private:
            asked = [f for f, them in world.model.requested.items() if actor in them]
            world.model.make_public(actor)
            accepted = (Logged("followed", follower, actor) for follower in asked)
            await _commit(world, *map(notices_of, accepted))
            return
        case _:
            world.model.make_private(actor)
    await _commit(world, notices_of(Logged("changed", actor, other)))


@contextmanager
def _watched(world: World, viewer: int, process: Process) -> Iterator[list[Watch]]:
    """Record what the viewer could rightly see while the block runs; the last one counts."""
    watches = [world.watch(viewer, process)]
    try:
        yield watches
    finally:
        world.watches = [watch for watch in world.watches if watch not in watches]


async def _read(world: World, viewer: int, below: int, limit: int) -> tuple[Watch, Window[Card]]:
    """One page, judged."""
    watch, window = await _look(world, viewer, below, limit)
    watch.check(window.ids, below, window.examined)
    return watch, window


async def _look(world: World, viewer: int, below: int, limit: int) -> tuple[Watch, Window[Card]]:
    """One page, of whichever process the balancer picks, and what it is to be judged by."""
    process = world.someone()
    with _watched(world, viewer, process) as watches:
        await process.notices.catch_up()
        if process.deaf:
            # It may serve what it was told a second ago: judged by that.
            watches.append(world.watch(viewer, process))
        window = await process.feed.window(viewer, below, limit)
    return watches[-1], window


async def walk(world: World, viewer: int) -> None:
    """Read a feed page by page, sometimes to the end, sometimes one page twice."""
    below = NEWEST
    limit = world.dice.choice((1, 2, 3, 5))
    for _ in range(MOST_PAGES):
        try:
            watch, window = await _read(world, viewer, below, limit)
            if world.dice.random() < 0.2:
                again, repeat = await _look(world, viewer, below, limit)
                due = again.always & (watch.settled | again.settled | again.own)
                kept = due.intersection(window.ids)
                lost = {id_ for id_ in kept if id_ >= (repeat.examined or 0)} - set(repeat.ids)
                require(STABLE, not lost, f"{viewer} below {below}: {sorted(lost)} vanished")
                # Only now: to this judge most of what vanishes is a skip like any other.
                again.check(repeat.ids, below, repeat.examined)
        except Unavailable:
            return  # a rung of the ladder is switched off: told to come back
        if window.examined is None or world.dice.random() < 0.1:
            return
        below = window.examined
    raise Violation(ENDS, f"{viewer} walked {MOST_PAGES} pages")


async def consume(world: World) -> None:
    """The consumer of the log: at least once, in order; the offset moves after the effect. Its
    process carries stored tasks on in between.
    """
    while True:
        await step()
        start = world.offset
        end = min(world.visible, start + world.dice.randint(1, 4))
        try:
            await handle(world, range(start, end))
        except Unavailable:
            continue
        await step()
        if world.dice.random() < 0.9:
            world.offset = end
        if world.kept.tasks:
            await carry(world, world.worker, most=world.dice.randrange(4))


async def handle(world: World, indexes: range) -> None:
    """Handle events the way the consumer groups do."""
    process, feed = world.worker, world.worker.feed
    await process.notices.catch_up()
    events = [world.log[index] for index in indexes]
    edges: list[Edge] = []
    for index, event in zip(indexes, events, strict=True):
        if world.fleet:
            await process.notices.repeat([process.notices.event_of(event.told, index)])
            world.note_repeated(index)
        if event.kind in {"followed", "unfollowed", "blocked"}:
            edges.append(Edge(event.viewer, event.author))
        if event.kind == "blocked":
            edges.append(Edge(event.author, event.viewer))
    posts = [event.post for event in events if event.post is not None]
    carried = [post.post for post in posts]
    world.in_flight.update(carried)
    try:
        await feed.take(edges, posts)
    finally:
        world.in_flight.subtract(carried)
    world.taken |= {*indexes}
    world.note_handled()


async def carry(world: World, process: Process, most: int = 1_000) -> None:
    """A worker goes on with the stored tasks, until none is left or it is called away."""
    if process.carrying:
        return
    process.carrying = True
    carrier = process.feed.carrier
    try:
        await process.notices.catch_up()
        await carrier.look()
        while most > 0 and await carrier.step():
            world.note_handled()
            most -= 1
    except Unavailable:
        process.feed.lanes.forget()
    finally:
        process.carrying = False
    world.note_handled()


async def work(world: World) -> None:
    """Some worker carries tasks on; whoever had them before finds itself shut out."""
    await carry(world, world.someone(), most=world.dice.randrange(1, 6))


async def replay(world: World) -> None:
    """A consumer that was thought dead handles an old event once more, at any later time."""
    if world.offset and world.zombies:
        index = world.dice.randrange(world.offset)
        post = world.log[index].post
        if post is not None:
            world.late.add(post.post)
        try:
            await handle(world, range(index, index + 1))
        except Unavailable:
            return


async def disturb(world: World) -> None:
    """Something happens to the timelines, or to a clock."""
    stored = world.stored
    account = world.dice.choice(world.accounts)
    match world.dice.randrange(9):
        case 0:
            await stored.advance_epoch()
        case 1:
            await stored.trim(account, world.dice.randrange(1, 6))
        case 2:
            stored.replicate()
        case 3:
            stored.fail_over()
        case 4:
            world.skew()
        case 5:
            stored.prune()
        case _:
            await stored.drop(account)


async def suffer_an_outage(world: World) -> None:
    """A process is cut off from the timelines or from the notices for a while."""
    process = world.someone()
    cut, deaf = world.dice.choice(((True, False), (False, world.fleet), (True, world.fleet)))
    process.cut, process.deaf = cut, deaf
    for _ in range(world.dice.choice((20, 60, 250))):
        await step()
    process.cut = process.deaf = False


async def toggle(world: World) -> None:
    """An operator takes rungs off the ladder for a while, in all processes one after the other."""
    off = world.dice.choice(({"timelines": False}, {"database": False}))
    for process in world.processes:
        process.feed.reading.allow(tiers_of(FeedFlags(**off)))
        await step()
    for _ in range(world.dice.choice((10, 80))):
        await step()
    # As on the console: distrusted first, then switched on.
    await world.stored.advance_epoch()
    for process in world.processes:
        await step()
        process.feed.reading.allow(tiers_of(FeedFlags()))

"""What happens in the world: people, the consumer of the log, and accidents."""

from __future__ import annotations

from tests.simulation.invariants import ENDS, FOLLOW, STABLE, THRESHOLD, Violation, require
from tests.simulation.scheduler import step
from tests.simulation.world import Logged, SteppedTimelines, World
from tintype.feed.model import NEWEST, Delivery, Reach
from tintype.feed.service.fan_out import Delivered
from tintype.kernel.ids import shard_of
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import TimelineState

MOST_PAGES = 200


async def publish(world: World, author: int) -> None:
    """The id is minted first; the post becomes live now or much later, as media takes its time."""
    post = world.ids.next(shard_of(author))
    for _ in range(world.dice.choice((0, 0, 1, 40))):
        await step()
    delivery = _delivery(world, author)
    world.model.publish(author, post)
    await _commit(world, Logged("published", author=author, post=Delivered(post, author, delivery)))
    world.acknowledged.add(post)


def _delivery(world: World, author: int) -> Delivery:
    now = world.clock.now_ms()
    before = world.reaches.get(author, Reach())
    after = world.threshold.next(before, len(world.model.followers(author)), now)
    if after is not before:
        switches = world.switches.setdefault(author, [])
        spaced = not switches or now - switches[-1] >= world.threshold.dwell_ms
        require(THRESHOLD, spaced, f"{author} switched at {switches} and {now}")
        switches.append(now)
        world.reaches[author] = after
    return after.delivery


async def _commit(world: World, *events: Logged) -> None:
    """Commit, note, acknowledge: a crash may come between any two of them."""
    place = world.commit(*events)
    await step()
    world.note(place)
    await step()


async def delete(world: World, post: int) -> None:
    world.model.delete(post)
    await _commit(world)


async def follow(world: World, viewer: int, author: int) -> None:
    already = author in world.model.following[viewer]
    if world.model.follow(viewer, author) == "following" and not already:
        await _commit(world, Logged("followed", viewer, author))


async def accept(world: World, author: int, viewer: int) -> None:
    if world.model.accept(author, viewer):
        await _commit(world, Logged("followed", viewer, author))


async def unfollow(world: World, viewer: int, author: int) -> None:
    if world.model.unfollow(viewer, author):
        await _commit(world, Logged("unfollowed", viewer, author))


async def block(world: World, actor: int, other: int) -> None:
    if actor != other:
        world.model.block(actor, other)
        await _commit(world, Logged("blocked", actor, other))


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
            await _commit(world, *(Logged("followed", follower, actor) for follower in asked))
            return
        case _:
            world.model.make_private(actor)
    await _commit(world, Logged("changed", actor, other))


async def walk(world: World, viewer: int) -> None:
    """Read a feed page by page, sometimes to the end, sometimes one page twice."""
    below = NEWEST
    limit = world.dice.choice((1, 2, 3, 5))
    for _ in range(MOST_PAGES):
        watch = world.watch(viewer)
        window = await world.feed.window(viewer, below, limit)
        world.watches.remove(watch)
        watch.check(window.ids, below, window.examined)
        if world.dice.random() < 0.2:
            again = world.watch(viewer)
            repeat = await world.feed.window(viewer, below, limit)
            world.watches.remove(again)
            kept = {id_ for id_ in window.ids if id_ in watch.settled & again.always}
            lost = {id_ for id_ in kept if id_ >= (repeat.examined or 0)} - set(repeat.ids)
            require(STABLE, not lost, f"{viewer} below {below}: {sorted(lost)} vanished")
            again.check(repeat.ids, below, repeat.examined)
        if window.examined is None or world.dice.random() < 0.1:
            return
        below = window.examined
    raise Violation(ENDS, f"{viewer} walked {MOST_PAGES} pages")


async def consume(world: World) -> None:
    """The consumer of the log: at least once, in order; the offset moves after the effect."""
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


async def handle(world: World, indexes: range) -> None:
    """Handle events the way the consumer group does: edges in order, then posts in turns."""
    events = [world.log[index] for index in indexes]
    for index, event in zip(indexes, events, strict=True):
        match event.kind:
            case "followed":
                published = set(world.model.live)
                await world.feed.join(event.viewer, event.author)
                _check_follow(world, index, published)
            case "unfollowed":
                await world.feed.part(event.viewer, event.author)
            case "blocked":
                await world.feed.part(event.viewer, event.author)
                await world.feed.part(event.author, event.viewer)
    await world.feed.deliver([event.post for event in events if event.post is not None])
    world.handled.update(indexes)


def _check_follow(world: World, index: int, published: set[int]) -> None:
    _, viewer, author, _ = world.log[index]
    timelines = world.feed.sources.timelines
    assert isinstance(timelines, SteppedTimelines)
    timeline = timelines._timelines.get(viewer)
    if timeline is None or timeline.state is not TimelineState.READY:
        return
    if any({viewer, author} == {later.viewer, later.author} for later in world.log[index + 1 :]):
        return  # they parted since, whatever they are now
    due = {
        post
        for post in published & world.model.live
        if world.model.authors[post] == author and post > timeline.floor
    }
    missing = due - set(timeline.ids)
    require(FOLLOW, not missing, f"{viewer} lacks {sorted(missing)} of {author}")


async def replay(world: World) -> None:
    """A consumer that was thought dead handles an old event once more, at any later time."""
    if world.offset and world.zombies:
        index = world.dice.randrange(world.offset)
        try:
            await handle(world, range(index, index + 1))
        except Unavailable:
            return


async def disturb(world: World) -> None:
    """Something happens to the timelines."""
    timelines = world.feed.sources.timelines
    account = world.dice.choice(world.accounts)
    match world.dice.randrange(6):
        case 0:
            await timelines.advance_epoch()
        case 1:
            await timelines.trim(account, world.dice.randrange(1, 6))
        case _:
            await timelines.drop(account)


async def suffer_an_outage(world: World) -> None:
    """The timelines do not answer for a while, and lose nothing."""
    world.outage = True
    for _ in range(world.dice.randrange(5, 60)):
        await step()
    world.outage = False

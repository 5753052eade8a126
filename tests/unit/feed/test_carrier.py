"""Stored tasks are carried on from where they were left, wherever that is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pytest

from tests.simulation.kept import Kept, KeptTasks
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.feed.model import NEWEST, Lane, PostDelivered
from tintype.feed.service.carrier import Ways
from tintype.feed.service.fan_out import Delivered, Sizes
from tintype.feed.service.feed import Edge, Feed
from tintype.graph import h16
from tintype.kernel.clock import SystemClock
from tintype.kernel.problem import Unavailable

CY = 1
POST = 900
WHOLE = 7
FOLLOWERS = [*range(10, 30)]


@dataclass
class Card:
    author: int


class Fan:
    """What a follower's circle is: Cy and oneself."""

    def __init__(self, viewer: int, follows: bool) -> None:
        self.sources = self.shown = frozenset({viewer, CY} if follows else {viewer})


class Town:
    """Twenty follow Cy; a push that is told to fail does."""

    def __init__(self) -> None:
        self.live = {POST}
        self.follows = True
        self.asked: list[int] = []
        self.follows_many = 10**9

    async def crowded(self, accounts: Collection[int], followees: int) -> dict[int, int]:
        assert followees == WHOLE
        return {each: self.follows_many for each in accounts if each % 2}

    async def followers_in(
        self, author: int, first: int, last: int, *, after: int, limit: int
    ) -> Sequence[int]:
        assert author == CY
        self.asked.append(after)
        placed = sorted((h16(each), each) for each in FOLLOWERS)
        behind = (h16(after), after) if after else (-1, 0)
        return [
            each for place, each in placed if first <= place <= last and (place, each) > behind
        ][:limit]

    async def cards(self, ids: Sequence[int]) -> list[Card | None]:
        return [Card(CY) if id_ in self.live else None for id_ in ids]

    def cards_at_hand(self, ids: Sequence[int]) -> list[Card | None]:
        return [Card(CY) if id_ in self.live else None for id_ in ids]

    async def published_ids_of(
        self, authors: Collection[int], *, below: int, limit: int
    ) -> list[int]:
        return [*self.live][:limit] if CY in authors and below > POST else []

    async def sets(self, viewer: int) -> Fan:
        return Fan(viewer, self.follows)

    def cached_sets(self, viewer: int) -> Fan:
        return Fan(viewer, self.follows)

    async def sources_now(self, viewer: int) -> frozenset[int]:
        return Fan(viewer, self.follows).sources


class Flaky(MemoryTimelines):
    """Timelines that do not answer from the so-and-so-many-th push on."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.pushes_left = 10**9

    async def push(self, accounts: Sequence[int], post: int) -> int:
        self.pushes_left -= 1
        if self.pushes_left < 0:
            raise Unavailable
        return await super().push(accounts, post)


class Rig:
    """A process; ``another`` is one that takes over."""

    def __init__(self, town: Town, timelines: Flaky, kept: Kept) -> None:
        self.town, self.timelines, self.kept = town, timelines, kept
        self.told: list[PostDelivered] = []
        ways = Ways(announce=self._tell, sizes=Sizes(inline=6, chunk=4, span=1_000, edges=1))
        self.feed: Feed[Card] = Feed(timelines, town, town, KeptTasks(kept), ways=ways)

    def another(self) -> Rig:
        return Rig(self.town, self.timelines, self.kept)

    async def _tell(self, arrived: Sequence[PostDelivered]) -> None:
        self.told += arrived

    async def carry(self, most: int = 1_000) -> int:
        await self.feed.carrier.look()
        done = 0
        while done < most and await self.feed.carrier.step():
            done += 1
        return done

    async def who_has_it(self) -> list[int]:
        pages = [(each, await self.timelines.page(each, NEWEST, 5)) for each in FOLLOWERS]
        return [each for each, page in pages if POST in page.ids]


@pytest.fixture
async def rig() -> Rig:
    town = Town()
    opened = Rig(town, Flaky(), Kept())
    town.live = set()
    for viewer in (CY, *FOLLOWERS):
        await opened.feed.window(viewer, NEWEST, 5)
    town.live = {POST}
    return opened


async def _publish(rig: Rig) -> None:
    await rig.feed.take([], [Delivered(POST, CY, "push")])


async def test_a_post_of_a_big_author_is_stored_and_not_delivered_in_the_batch(rig: Rig) -> None:
    await _publish(rig)

    assert await rig.who_has_it() == []
    assert [task.lane for task in rig.kept.tasks.values()] == [Lane.LO]
    assert rig.told == []


async def test_it_is_carried_to_everybody_and_told_then(rig: Rig) -> None:
    await _publish(rig)

    assert await rig.carry() == 6  # five chunks of four, and the look that finds no more
    assert await rig.who_has_it() == FOLLOWERS
    assert rig.told == [PostDelivered(post=POST, author=CY)]
    assert not rig.kept.tasks


async def test_another_process_goes_on_where_one_was_killed(rig: Rig) -> None:
    await _publish(rig)
    await rig.carry(2)
    before = await rig.who_has_it()
    rig.town.asked.clear()

    other = rig.another()
    await other.carry()

    assert len(before) == 8
    assert rig.town.asked[0] != 0
    assert await rig.who_has_it() == FOLLOWERS


async def test_a_kill_in_the_middle_of_a_chunk_repeats_that_chunk(rig: Rig) -> None:
    await _publish(rig)
    rig.timelines.pushes_left = 2
    with pytest.raises(Unavailable):
        await rig.carry()
    rig.timelines.pushes_left = 10**9
    reached = next(iter(rig.kept.tasks.values())).after
    rig.town.asked.clear()

    await rig.another().carry()

    assert rig.town.asked[0] == reached != 0
    assert await rig.who_has_it() == FOLLOWERS


async def test_one_who_was_shut_out_leaves_it_to_the_other(rig: Rig) -> None:
    await _publish(rig)
    await rig.carry(1)
    other = rig.another()
    await other.carry(1)

    assert not await rig.feed.carrier.step()
    assert not rig.feed.lanes
    await other.carry()
    assert await rig.who_has_it() == FOLLOWERS


async def test_a_post_that_was_deleted_meanwhile_goes_no_further(rig: Rig) -> None:
    await _publish(rig)
    await rig.carry(2)
    rig.town.live = set()

    assert await rig.carry() == 1
    assert len(await rig.who_has_it()) == 8
    assert not rig.kept.tasks
    assert rig.told == []


async def test_a_few_edges_are_settled_at_once_and_many_are_stored(rig: Rig) -> None:
    await rig.feed.take([Edge(10, CY)], [])
    assert await rig.who_has_it() == [10]

    await rig.feed.take([Edge(11, CY), Edge(12, CY), Edge(12, CY)], [])

    assert await rig.who_has_it() == [10]
    assert [task.owner for task in rig.kept.tasks.values()] == [11, 12]
    assert await rig.carry() == 2
    assert await rig.who_has_it() == [10, 11, 12]


async def test_a_stored_edge_agrees_with_what_is_true_by_then(rig: Rig) -> None:
    await rig.feed.take([Edge(11, CY), Edge(12, CY)], [])
    await rig.carry()
    rig.town.follows = False

    await rig.feed.take([Edge(11, CY), Edge(12, CY)], [])
    await rig.carry()

    assert await rig.who_has_it() == []


async def test_an_author_who_posts_much_has_one_batch_of_deliveries(rig: Rig) -> None:
    few = Ways(sizes=Sizes(inline=30, chunk=4, span=1_000))
    feed: Feed[Card] = Feed(rig.timelines, rig.town, rig.town, KeptTasks(rig.kept), ways=few)
    rig.town.live = {POST, POST - 1}

    await feed.take([], [Delivered(POST, CY, "push"), Delivered(POST - 1, CY, "push")])

    assert [task.subject for task in rig.kept.tasks.values()] == [POST - 1]


async def test_the_pace_of_big_posts_is_measured(rig: Rig) -> None:
    await _publish(rig)
    await rig.carry()

    sample = rig.feed.carrier.pacing.take()

    assert (sample.pushes, sample.found) == (20, 20)
    assert sample.seconds > 0
    assert rig.feed.carrier.pacing.take().pushes == 0


@pytest.mark.parametrize("inline", [1, 1_000])
async def test_who_follows_too_many_is_left_out_by_the_batch_and_by_the_carrier(
    rig: Rig, inline: int
) -> None:
    limited = Ways(sizes=Sizes(inline=inline, chunk=4), whole=WHOLE)
    feed: Feed[Card] = Feed(rig.timelines, rig.town, rig.town, KeptTasks(rig.kept), ways=limited)
    foreign = POST + (3 << 10)  # of another shard than these viewers
    rig.town.live = {foreign}

    await feed.take([], [Delivered(foreign, CY, "push")])
    await feed.carrier.look()
    while await feed.carrier.step():
        pass

    pages = [(each, await rig.timelines.page(each, NEWEST, 5)) for each in FOLLOWERS]
    assert [each for each, page in pages if foreign in page.ids] == FOLLOWERS[::2]

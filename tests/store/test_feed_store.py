from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tintype.database import Database, counts
from tintype.feed import store
from tintype.feed.model import Pace, PostNoted, Reach, Threshold
from tintype.feed.service.pacing import Pacing
from tintype.feed.service.reach import ByReach, note_pace
from tintype.graph.events import Followed, Unfollowed
from tintype.kernel.clock import ManualClock

HOUR_S = 3600


class Stage:
    """A database, a clock, an author, and what was noted of the author's posts."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock = clock
        self.database = database
        self.author = self.database.ids.next(7)
        self.noted: list[tuple[int, bool]] = []
        self.policy = ByReach(Threshold(followers=3), clock)
        database.notices.hear(
            PostNoted, lambda notice: self.noted.append((notice.post, notice.pulled))
        )

    async def gain(self, followers: int) -> None:
        """Change how many followers are counted."""
        kind = Followed if followers > 0 else Unfollowed
        events = [
            kind(follower=number + 1, followee=self.author) for number in range(abs(followers))
        ]
        async with self.database.write() as tx:
            await counts.fold(tx, events)

    async def publish(self) -> tuple[str, bool]:
        """The class stamped on a post of now, and whether it was noted as pulled."""
        post = self.database.ids.next(7)
        async with self.database.write() as tx:
            delivery = await self.policy.class_for(tx, post=post, author=self.author)
            assert post not in [noted for noted, _ in self.noted], "noted before the commit"
        [pulled] = [pulled for noted, pulled in self.noted if noted == post]
        return delivery, pulled


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def stage(database: Database, clock: ManualClock) -> Stage:
    return Stage(database, clock)


async def test_a_reach_is_kept_until_it_is_forgotten(stage: Stage) -> None:
    async with stage.database.write() as tx:
        assert await store.reach_of(tx, stage.author) == Reach()
        await store.put_reach(tx, stage.author, Reach("pull", 5))
        await store.put_reach(tx, stage.author, Reach("push", 7))
        assert await store.reach_of(tx, stage.author) == Reach("push", 7)
        await store.forget_reach(tx, stage.author)
        assert await store.reach_of(tx, stage.author) == Reach()


async def test_an_ordinary_author_is_pushed(stage: Stage) -> None:
    await stage.gain(2)

    assert await stage.publish() == ("push", False)


async def test_a_risen_author_is_served_both_ways_for_a_minute_and_pulled_then(
    stage: Stage,
) -> None:
    await stage.gain(3)

    assert await stage.publish() == ("push", True)
    stage.clock.advance(61)
    assert await stage.publish() == ("pull", True)


async def test_an_author_who_fades_is_pulled_until_a_day_has_passed(stage: Stage) -> None:
    await stage.gain(3)
    await stage.publish()
    await stage.gain(-1)

    stage.clock.advance(23 * HOUR_S)
    assert await stage.publish() == ("pull", True)
    stage.clock.advance(2 * HOUR_S)
    assert await stage.publish() == ("push", True)
    stage.clock.advance(61)
    assert await stage.publish() == ("push", False)


async def test_a_post_that_is_rolled_back_is_never_noted(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stage.database.write() as tx:
            await stage.policy.class_for(tx, post=1, author=stage.author)
            raise ZeroDivisionError

    assert stage.noted == []


async def test_without_a_pin_it_goes_by_the_pace_that_was_measured(
    stage: Stage, clock: ManualClock
) -> None:
    stage.policy = ByReach(Threshold(pinned=False), clock)
    async with stage.database.write() as tx:
        await store.put_pace(tx, Pace(100.0, 1.0))
    await stage.gain(9_999)
    assert await stage.publish() == ("push", False)

    await stage.gain(1)

    assert await stage.publish() == ("push", True)
    async with stage.database.read() as reader:
        figures = await stage.policy.figures(reader)
    assert (figures.threshold, figures.pinned, figures.waiting) == (10_000, False, {})


async def test_what_was_measured_counts_for_all_from_the_next_look_on(
    stage: Stage, clock: ManualClock
) -> None:
    pacing = Pacing()
    async with stage.database.write() as tx:
        await note_pace(tx, pacing)
    clock.advance(24 * HOUR_S)
    pacing.note(10_000_000, 1_000_000, 5.0)
    async with stage.database.write() as tx:
        await note_pace(tx, pacing)

    async with stage.database.read() as reader:
        found = await store.pace(reader)

    assert found is not None
    assert found[0].deliveries_per_s > 150_000
    assert found[0].resident_share < 0.12

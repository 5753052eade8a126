"""The feed model says what a person would expect; it judges everything else."""

from __future__ import annotations

import pytest

from tests.model.feed import FeedModel

ADA, BO, CY, DEE = 1, 2, 3, 4


@pytest.fixture
def world() -> FeedModel:
    return FeedModel()


def test_a_feed_holds_the_own_posts_and_those_of_followees_newest_first(world: FeedModel) -> None:
    world.follow(ADA, BO)
    world.publish(BO, 30)
    world.publish(ADA, 10)
    world.publish(CY, 20)

    assert world.feed(ADA) == [30, 10]


def test_a_post_that_is_published_late_keeps_its_place(world: FeedModel) -> None:
    world.publish(ADA, 20)
    world.publish(ADA, 10)

    assert world.feed(ADA) == [20, 10]


def test_a_block_hides_both_ways_and_ends_the_follows_for_good(world: FeedModel) -> None:
    world.follow(ADA, BO)
    world.follow(BO, ADA)
    world.publish(ADA, 1)
    world.publish(BO, 2)

    world.block(ADA, BO)
    world.unblock(ADA, BO)

    assert (world.feed(ADA), world.feed(BO)) == ([1], [2])


def test_nobody_follows_across_a_block(world: FeedModel) -> None:
    world.block(ADA, BO)

    assert world.follow(ADA, BO) == world.follow(BO, ADA) == "refused"


def test_a_mute_hides_until_it_is_lifted(world: FeedModel) -> None:
    world.follow(ADA, BO)
    world.publish(BO, 2)

    world.mute(ADA, BO)
    muted = world.feed(ADA)
    world.unmute(ADA, BO)

    assert (muted, world.feed(ADA)) == ([], [2])


def test_a_private_account_is_asked_first_and_keeps_its_followers(world: FeedModel) -> None:
    world.publish(BO, 2)
    world.follow(ADA, BO)
    world.make_private(BO)

    assert world.follow(CY, BO) == "requested"
    assert (world.feed(ADA), world.feed(CY)) == ([2], [])

    world.accept(BO, CY)
    assert world.feed(CY) == [2]


def test_going_public_accepts_who_waits(world: FeedModel) -> None:
    world.make_private(BO)
    world.follow(CY, BO)

    world.make_public(BO)

    assert BO in world.following[CY]


def test_a_deleted_post_is_in_no_feed(world: FeedModel) -> None:
    world.follow(ADA, BO)
    world.publish(BO, 2)

    world.delete(2)

    assert (world.feed(ADA), world.feed(BO)) == ([], [])


def test_a_walk_pages_through_the_feed(world: FeedModel) -> None:
    for post in (1, 2, 3, 4, 5):
        world.publish(DEE, post)

    assert world.page(DEE, None, 2) == ([5, 4], True)
    assert world.page(DEE, 4, 2) == ([3, 2], True)
    assert world.page(DEE, 2, 2) == ([1], False)

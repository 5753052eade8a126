"""From how many followers on posts are pulled, by cost."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.feed import FeedSettings
from tintype.feed.model import (
    LEAST_THRESHOLD,
    MERGE_BUDGET_S,
    MERGE_S,
    MOST_THRESHOLD,
    Pace,
    Reach,
    Sample,
    Threshold,
    damped,
    is_hyperactive,
    merge_width,
    threshold_at,
)

DAY_S = 24 * 3600.0
MINUTE_S = 60.0


def test_before_anything_was_measured_it_is_a_hundred_thousand() -> None:
    assert threshold_at(Pace()) == 100_000
    assert FeedSettings().threshold() == Threshold(followers=100_000, pinned=False)


@pytest.mark.parametrize(
    ("pace", "followers"),
    [
        (Pace(25_000, 0.4), 470_000),  # one Redis
        (Pace(500_000, 0.4), 9_400_000),
        (Pace(500_000, 0.1), MOST_THRESHOLD),
        (Pace(100, 1.0), LEAST_THRESHOLD),
        (Pace(5_333, 0.8), 50_000),  # whoever follows reads: twice the deliveries
    ],
)
def test_it_is_what_can_be_delivered_within_the_deadline(pace: Pace, followers: int) -> None:
    assert threshold_at(pace) == followers


def test_readers_never_merge_more_than_their_budget() -> None:
    assert merge_width(LEAST_THRESHOLD) * MERGE_S <= MERGE_BUDGET_S


def test_who_posts_more_than_followers_read_is_hyperactive_and_stays_so_for_a_while() -> None:
    assert not is_hyperactive(1.4, "push")
    assert is_hyperactive(1.6, "push")
    assert is_hyperactive(1.3, "pull")
    assert not is_hyperactive(1.2, "pull")


def test_a_hyperactive_author_is_pulled_from_the_least_threshold_on() -> None:
    rule = Threshold(pinned=False)

    assert rule.at(Pace(), 5.0, "push").followers == LEAST_THRESHOLD
    assert rule.at(Pace(), 0.2, "push").followers == 100_000


def test_a_pin_stands_whatever_is_measured() -> None:
    pinned = FeedSettings(celebrity_threshold=12_345).threshold()

    assert pinned.at(Pace(500_000, 0.1), 50.0, "push") is pinned


def test_nothing_measured_changes_nothing() -> None:
    assert damped(Pace(), Sample(), DAY_S) == Pace()
    assert damped(Pace(), Sample(10**9, 10**9, 1.0), 0.0) == pytest.approx(Pace())


def test_after_two_days_it_is_what_was_measured() -> None:
    pace = Pace()
    for _ in range(2 * 24 * 60):
        pace = damped(pace, Sample(1_500_000, 300_000, 60.0), MINUTE_S)

    assert pace.deliveries_per_s == pytest.approx(5_000, rel=0.02)
    assert pace.resident_share == pytest.approx(0.2, rel=0.02)


def test_no_timeline_found_is_no_division_by_nothing() -> None:
    pace = damped(Pace(), Sample(10**9, 0, 60.0), 100 * DAY_S)

    assert threshold_at(pace) == MOST_THRESHOLD


@given(st.integers(0, 2**32))
def test_a_pace_that_wavers_by_a_fifth_switches_an_author_once_a_dwell(seed: int) -> None:
    dice, pace, reach, now = random.Random(seed), Pace(), Reach(), 1_800_000_000_000
    rule = Threshold(pinned=False)
    switched = []
    for _ in range(300):
        now += 600_000
        rate = 13_333 * dice.uniform(0.8, 1.2)
        pace = damped(pace, Sample(2_000_000, 800_000, 2_000_000 / rate), 600.0)
        followers = round(100_000 * dice.uniform(0.8, 1.2))
        after = rule.at(pace, 0.2, reach.delivery).next(reach, followers, now)
        if after is not reach:
            switched.append(now)
        reach = after

    assert all(b - a >= rule.dwell_ms for a, b in itertools.pairwise(switched))


def test_one_busy_hour_hardly_moves_it() -> None:
    pace = Pace()
    for _ in range(60):
        pace = damped(pace, Sample(60_000_000, 24_000_000, 600.0), MINUTE_S)

    assert 100_000 <= threshold_at(pace) <= 150_000

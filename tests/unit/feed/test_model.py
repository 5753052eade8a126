from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.feed import FeedSettings
from tintype.feed.model import Reach, Run, Threshold, merge, run_of

HOUR_MS = 3_600_000
RULE = Threshold(followers=100, hysteresis=0.8, dwell_ms=24 * HOUR_MS, overlap_ms=60_000)
START = 1_800_000_000_000


def test_a_source_that_gave_all_it_was_asked_for_may_have_more_below() -> None:
    assert run_of([9, 7, 5], 3, floor=2) == Run([9, 7, 5], 4)
    assert run_of([9, 7], 3, floor=2) == Run([9, 7], 2)
    assert run_of([], 3, floor=0) == Run([], 0)


def test_a_merge_ends_where_its_first_source_ends() -> None:
    deep = Run([9, 6, 3, 1], 0)
    shallow = Run([8, 5], 4)

    assert merge([deep, shallow]) == Run([9, 8, 6, 5], 4)


def test_an_id_of_two_sources_is_one_id() -> None:
    assert merge([Run([9, 5], 0), Run([9, 7], 0)]) == Run([9, 7, 5], 0)


@given(
    st.lists(st.sets(st.integers(1, 60)), min_size=1, max_size=4),
    st.integers(1, 6),
    st.integers(1, 70),
)
def test_a_merge_never_skips_an_id_of_any_source(
    sources: list[set[int]], limit: int, below: int
) -> None:
    runs = []
    for source in sources:
        rest = sorted((id_ for id_ in source if id_ < below), reverse=True)
        runs.append(run_of(rest[:limit], limit, 0))

    merged = merge(runs)

    everything = {id_ for source in sources for id_ in source if id_ < below}
    assert list(merged.ids) == sorted(
        (id_ for id_ in everything if id_ > merged.complete_above), reverse=True
    )


def test_an_author_goes_up_at_the_threshold_and_down_below_four_fifths() -> None:
    risen = RULE.next(Reach(), 100, START)
    later = START + 25 * HOUR_MS

    assert risen == Reach("pull", START)
    assert RULE.next(Reach(), 99, START) == Reach()
    assert RULE.next(risen, 80, later) is risen
    assert RULE.next(risen, 79, later) == Reach("push", later)


def test_an_author_stays_on_a_side_for_the_dwell() -> None:
    risen = Reach("pull", START)

    assert RULE.next(risen, 0, START + 24 * HOUR_MS - 1) is risen
    assert RULE.next(risen, 0, START + 24 * HOUR_MS).delivery == "push"


@given(st.lists(st.tuples(st.integers(80, 120), st.integers(0, 5 * HOUR_MS)), max_size=60))
def test_an_author_who_wavers_around_the_threshold_switches_once_a_dwell(
    posts: list[tuple[int, int]],
) -> None:
    reach, now, switched = Reach(), START, []
    for followers, pause in posts:
        now += pause
        after = RULE.next(reach, followers, now)
        if after is not reach:
            switched.append(now)
        reach = after

    assert all(b - a >= RULE.dwell_ms for a, b in itertools.pairwise(switched))


def test_a_switch_is_followed_by_an_overlap() -> None:
    risen = Reach("pull", START)

    assert RULE.overlaps(risen, START + 59_999)
    assert not RULE.overlaps(risen, START + 60_000)
    assert not RULE.overlaps(Reach(), START)


def test_the_settings_make_the_rule() -> None:
    rule = FeedSettings(celebrity_threshold=10_000, dwell_hours=1).threshold()

    assert (rule.followers, rule.dwell_ms) == (10_000, HOUR_MS)


def test_a_threshold_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="celebrity_threshold"):
        FeedSettings(celebrity_threshold=0)

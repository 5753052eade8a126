"""Which posts reach somebody who follows more accounts than the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.feed import FeedSettings
from tintype.feed.model import Run, keeps, thinned
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import Ids, shard_of

WHOLE = 2_000
_ids = Ids(SystemClock())
VIEWER = _ids.next(7)
POSTS = [_ids.next(100 + number % 3_000) for number in range(20_000)]

some_id = st.integers(1, 2**63 - 1)


def test_there_is_no_limit_unless_it_is_set() -> None:
    assert FeedSettings().whole_followees is None


@given(some_id, some_id, st.integers(0, WHOLE))
def test_who_follows_few_enough_gets_everything(post: int, viewer: int, followees: int) -> None:
    assert keeps(post, viewer, followees, WHOLE)


@pytest.mark.parametrize("followees", [2_500, 4_000, 7_500])
def test_who_follows_more_gets_the_share_of_the_limit(followees: int) -> None:
    kept = sum(keeps(post, VIEWER, followees, WHOLE) for post in POSTS)

    assert kept / len(POSTS) == pytest.approx(WHOLE / followees, abs=0.015)


def test_two_viewers_get_different_posts() -> None:
    other = _ids.next(8)
    both = sum(
        keeps(post, VIEWER, 2 * WHOLE, WHOLE) and keeps(post, other, 2 * WHOLE, WHOLE)
        for post in POSTS
    )

    assert both / len(POSTS) == pytest.approx(0.25, abs=0.015)


@given(some_id, some_id, st.integers(1, 10_000), st.integers(1, 10_000))
def test_who_follows_fewer_keeps_all_that_they_had(
    post: int, viewer: int, followees: int, fewer: int
) -> None:
    low, high = sorted((followees, fewer))

    assert keeps(post, viewer, low, WHOLE) or not keeps(post, viewer, high, WHOLE)


def test_own_posts_are_always_kept() -> None:
    own = [_ids.next(shard_of(VIEWER)) for _ in range(500)]

    assert all(keeps(post, VIEWER, 1_000_000, 1) for post in own)


def test_a_thinned_run_is_complete_above_the_same_bound() -> None:
    run = Run(POSTS[:50][::-1], 5)

    kept = thinned(run, VIEWER, 4 * WHOLE, WHOLE)

    assert kept.complete_above == 5
    assert kept.ids == [id_ for id_ in run.ids if keeps(id_, VIEWER, 4 * WHOLE, WHOLE)]
    assert 0 < len(kept.ids) < 50
    assert thinned(run, VIEWER, WHOLE, WHOLE) is run

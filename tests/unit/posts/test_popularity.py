from __future__ import annotations

from tintype.posts.model import popularity

HOUR_MS = 3600 * 1000


def test_more_likes_are_more_popular_at_the_same_age() -> None:
    assert popularity(11, age_ms=HOUR_MS) > popularity(10, age_ms=HOUR_MS)


def test_the_same_likes_are_less_popular_a_day_later() -> None:
    assert popularity(10, age_ms=25 * HOUR_MS) < popularity(10, age_ms=HOUR_MS) / 10


def test_a_new_post_without_likes_is_not_nothing() -> None:
    assert popularity(0, age_ms=0) > popularity(0, age_ms=HOUR_MS) > 0


def test_a_clock_that_is_behind_makes_no_post_older_than_new() -> None:
    assert popularity(3, age_ms=-HOUR_MS) == popularity(3, age_ms=0)

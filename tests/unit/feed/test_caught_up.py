"""What is remembered as seen, and where a viewer is all caught up."""

from __future__ import annotations

import pytest

from tintype.feed.model import (
    CAUGHT_UP_MS,
    NOTHING_SEEN,
    SEEN_FOR_MS,
    SEEN_KEPT,
    SeenPosts,
    caught_up_at,
    news_may_follow,
    oldest_news,
)
from tintype.kernel.ids import lowest_id_at

NOW = 1_780_000_000_000
HOUR = 3600 * 1000
PAGE = [lowest_id_at(NOW - hours * HOUR) for hours in (1, 2, 3, 4)]
OLD = [lowest_id_at(NOW - CAUGHT_UP_MS - hours * HOUR) for hours in (1, 2)]
SINCE = oldest_news(NOW)


@pytest.mark.parametrize(
    ("seen", "marker"),
    [
        ([], None),
        ([0, 1, 2, 3], 0),
        ([1, 2, 3], 1),
        ([3], 3),
        ([0, 1, 3], 3),
        ([0, 1, 2], None),
    ],
    ids=["nothing", "all", "all but the newest", "the last", "a new one between", "a new one last"],
)
def test_the_marker_is_before_the_newest_seen_post_with_nothing_new_below(
    seen: list[int], marker: int | None
) -> None:
    posts = SeenPosts(PAGE[place] for place in seen)

    assert caught_up_at(PAGE, posts, SINCE) == (None if marker is None else PAGE[marker])


def test_posts_of_more_than_three_days_ago_need_not_have_been_seen() -> None:
    posts = SeenPosts([PAGE[1], PAGE[2], PAGE[3]])

    assert caught_up_at([*PAGE, *OLD], posts, SINCE) == PAGE[1]
    assert caught_up_at(OLD, posts, SINCE) is None
    assert caught_up_at(OLD, SeenPosts(OLD[1:]), SINCE) == OLD[1]


def test_a_marker_between_two_pages_is_the_first_post_of_the_second() -> None:
    posts = SeenPosts(PAGE[2:])

    assert caught_up_at(PAGE[:2], posts, SINCE) is None
    assert caught_up_at(PAGE[2:], posts, SINCE) == PAGE[2]


def test_nothing_new_follows_the_end_or_the_last_three_days() -> None:
    assert news_may_follow(PAGE[3], SINCE)
    assert not news_may_follow(None, SINCE)
    assert not news_may_follow(OLD[0], SINCE)
    assert not news_may_follow(SINCE, SINCE)


def test_exactly_what_was_seen_is_remembered() -> None:
    posts = SeenPosts([7, 3, 5, 3])

    assert [id_ for id_ in range(10) if id_ in posts] == [3, 5, 7]
    again = SeenPosts.of_bytes(posts.to_bytes())
    assert [id_ for id_ in range(10) if id_ in again] == [3, 5, 7]
    assert len(again) == 3
    assert len(SeenPosts.of_bytes(b"")) == len(NOTHING_SEEN) == 0


def test_the_newest_thousand_of_thirty_days_are_remembered() -> None:
    many = [lowest_id_at(NOW - minute * 60_000) for minute in range(SEEN_KEPT + 10)]
    aged = lowest_id_at(NOW - SEEN_FOR_MS - 1)

    posts = NOTHING_SEEN.and_also([aged, *many], NOW)

    assert len(posts) == SEEN_KEPT
    assert many[SEEN_KEPT - 1] in posts
    assert many[SEEN_KEPT] not in posts
    later = posts.and_also([lowest_id_at(NOW + 1)], NOW + SEEN_FOR_MS - 5 * 60_000)
    assert len(later) == 7
    assert aged not in later


def test_what_is_known_changes_nothing() -> None:
    posts = SeenPosts(PAGE)

    assert posts.and_also(PAGE[1:3], NOW) is posts
    assert posts.and_also([], NOW) is posts
    assert posts.and_also([lowest_id_at(NOW - SEEN_FOR_MS - 1)], NOW) is posts

from __future__ import annotations

from collections import Counter

from tintype.kernel.event import Event
from tintype.posts.events import (
    CommentDeleted,
    Commented,
    PostDeleted,
    PostLiked,
    PostPublished,
    PostUnliked,
)


def _sum(*events: Event) -> dict[tuple[int, str], int]:
    sums: Counter[tuple[int, str]] = Counter()
    for event in events:
        for delta in event.deltas():
            sums[delta.subject, delta.name] += delta.by
    return {key: value for key, value in sums.items() if value}


def test_a_published_post_counts_for_its_author_until_it_is_deleted() -> None:
    published = PostPublished(post=1, author=2, delivery="push")

    assert _sum(published) == {(2, "posts"): 1}
    assert _sum(published, PostDeleted(post=1, author=2, published=True)) == {}


def test_a_post_that_was_never_published_counts_for_nobody() -> None:
    assert _sum(PostDeleted(post=1, author=2, published=False)) == {}


def test_a_like_and_its_withdrawal_cancel_out() -> None:
    assert _sum(PostLiked(post=1, author=2, actor=3), PostUnliked(post=1, actor=3)) == {}


def test_a_comment_takes_its_replies_out_of_the_count_with_it() -> None:
    thread = [
        Commented(comment=10, post=1, post_author=2, actor=3),
        Commented(comment=11, post=1, post_author=2, actor=4, reply_to=10, answered=3),
        Commented(comment=12, post=1, post_author=2, actor=5, reply_to=10, answered=4),
    ]

    assert _sum(*thread) == {(1, "comments"): 3, (10, "replies"): 2}
    gone = CommentDeleted(comment=12, post=1, reply_to=10)
    assert _sum(*thread, gone) == {(1, "comments"): 2, (10, "replies"): 1}
    assert (1, "comments") not in _sum(*thread, gone, CommentDeleted(comment=10, post=1, replies=1))

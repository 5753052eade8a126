"""Requests made of arrivals, from what was learnt and what was made before."""

from __future__ import annotations

import asyncio
import json

from tintype.entry.bench.arrivals import Arrival, Kind
from tintype.entry.bench.asking import Asking, Caller
from tintype.entry.bench.lag import planned
from tintype.entry.bench.lines import Lines
from tintype.entry.bench.plan import Reader, spread

VIEWERS = [Caller("1", "one"), Caller("2", "two")]
AUTHORS = [Caller("2", "two"), Caller("7", "seven")]
PAGE = json.dumps(
    {"items": [{"id": "50", "author": {"id": "9"}}], "next_cursor": None, "tier": "chronological"}
).encode()


def _asking(*, learnt: bool) -> Asking:
    asking = Asking("host", VIEWERS, AUTHORS)
    if learnt:
        asyncio.run(asking.learn(Lines("http://127.0.0.1:1", 1), 1, PAGE))
    return asking


def test_what_there_is_nothing_to_do_to_becomes_a_first_page() -> None:
    asking = _asking(learnt=False)

    made = [asking.asked(Arrival(0.0, kind, 1, 0.5)) for kind in Kind]

    assert {each.kind for each in made} == {Kind.FEED}
    assert all(each.data.startswith(b"GET /v1/feed HTTP/1.1\r\n") for each in made)


def test_viewers_like_and_look_up_what_their_pages_showed() -> None:
    asking = _asking(learnt=True)

    liked = asking.asked(Arrival(0.0, Kind.LIKE, 1, 0.99))
    profile = asking.asked(Arrival(0.0, Kind.PROFILE, 0, 0.0))

    assert liked.data.startswith(b"PUT /v1/posts/50/like ")
    assert b"Bearer two\r\n" in liked.data
    assert profile.data.startswith(b"GET /v1/accounts/9 ")
    assert b"Bearer one\r\n" in profile.data


def test_only_a_follow_that_was_answered_is_taken_back_and_by_who_made_it() -> None:
    asking = _asking(learnt=True)
    followed = asking.asked(Arrival(0.0, Kind.FOLLOW, 0, 0.0))
    early = asking.asked(Arrival(0.0, Kind.UNFOLLOW, 1, 0.0))

    assert followed.followed == (0, "9")
    asking.made(followed.followed)
    late = asking.asked(Arrival(0.0, Kind.UNFOLLOW, 1, 0.0))

    assert early.kind is Kind.FOLLOW
    assert late.data.startswith(b"DELETE /v1/follows/9 ")
    assert b"Bearer one\r\n" in late.data


def test_each_photo_is_posted_once_and_by_its_author() -> None:
    asking = _asking(learnt=True)
    asking.put_in_stock(1, "77")

    first, second = (asking.asked(Arrival(0.0, Kind.POST, 1, 0.0)) for _ in range(2))

    assert (first.kind, second.kind) == (Kind.POST, Kind.FEED)
    assert b'"upload_id": "77"' in first.data
    assert b"Bearer seven\r\n" in first.data


def test_nobody_waits_for_the_own_posts() -> None:
    deliveries = planned(["a", "b"], AUTHORS, [0, 1], VIEWERS, 5, 1)

    assert [sorted(each.followers) for each in deliveries] == [[0], [0, 1]]


def test_a_few_viewers_are_taken_from_every_kind() -> None:
    readers = [Reader(Caller(str(n), ""), n, "10" if n < 8 else "5000") for n in range(10)]

    assert [each.stratum for each in spread(readers, 4)] == ["10", "5000", "10", "5000"]
    assert len(spread(readers, 100)) == 10

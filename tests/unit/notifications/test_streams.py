"""What a live stream says next, whatever happened since it last spoke."""

from __future__ import annotations

from tintype.notifications.service.live import Stream

ADA = 7 << 22


async def test_whatever_happens_each_kind_of_news_is_said_once() -> None:
    stream = Stream(ADA, "token")
    for _ in range(3):
        stream.tell_feed()
        stream.tell_notifications()
        stream.tell_post(11)

    assert await stream.next(0.1) == (True, True, [11])
    assert await stream.next(0) == (False, False, [])


async def test_of_many_own_posts_the_last_ones_are_said() -> None:
    stream = Stream(ADA, "token")
    for post in range(1000):
        stream.tell_post(post)

    _, _, posts = await stream.next(0.1)

    assert posts == list(range(950, 1000))


async def test_a_stream_that_ends_says_what_is_left() -> None:
    stream = Stream(ADA, "token")
    stream.tell_feed()
    stream.end()

    assert await stream.next(0.1) == (True, False, [])
    assert stream.ended

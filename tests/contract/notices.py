"""What every NoticeChannel promises. Subclass it and give it ``ada`` and ``bo``: the channel
objects of two processes. Both forget all but the last few hundred messages.

A third fixture ``unplug`` is an async callable after which ada's channel no longer answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticeChannel, NoticesMissed

Unplug = Callable[[], Awaitable[None]]


async def heard(channel: NoticeChannel) -> list[bytes]:
    """What one ``catch_up`` hands over."""
    messages: list[bytes] = []
    await channel.catch_up(messages.extend)
    return messages


class NoticesContract:
    async def test_who_listens_hears_what_is_published_from_then_on(
        self, ada: NoticeChannel, bo: NoticeChannel
    ) -> None:
        await ada.publish([b"before"])
        assert await heard(bo) == []

        await ada.publish([b"1", b"2"])
        await ada.publish([])
        await ada.publish([b"3"])

        assert await heard(bo) == [b"1", b"2", b"3"]
        assert await heard(bo) == []

    async def test_messages_are_any_bytes(self, ada: NoticeChannel, bo: NoticeChannel) -> None:
        await heard(bo)

        await ada.publish([b"", bytes(range(256)), b"\r\n"])

        assert await heard(bo) == [b"", bytes(range(256)), b"\r\n"]

    async def test_every_process_hears_every_message_once_and_in_one_order(
        self, ada: NoticeChannel, bo: NoticeChannel
    ) -> None:
        await heard(ada)
        await heard(bo)
        lists: dict[str, list[bytes]] = {"ada": [], "bo": []}

        for number in range(20):
            await asyncio.gather(
                ada.publish([b"a%d" % number]),
                bo.publish([b"b%d" % number]),
                ada.catch_up(lists["ada"].extend),
                bo.catch_up(lists["bo"].extend),
            )
        await ada.catch_up(lists["ada"].extend)
        await bo.catch_up(lists["bo"].extend)

        assert lists["ada"] == lists["bo"]
        assert sorted(lists["bo"]) == sorted(b"%c%d" % (who, n) for who in b"ab" for n in range(20))

    async def test_whoever_waits_is_answered_by_a_look_that_began_after_the_call(
        self, ada: NoticeChannel, bo: NoticeChannel
    ) -> None:
        known: set[bytes] = set()

        def hand(messages: Sequence[bytes]) -> None:
            known.update(messages)

        async def write_and_ask(number: int) -> bool:
            message = b"%d" % number
            await ada.publish([message])
            await bo.catch_up(hand)
            return message in known

        await bo.catch_up(hand)
        for start in range(0, 100, 10):
            told = await asyncio.gather(*map(write_and_ask, range(start, start + 10)))
            assert all(told)

    async def test_whoever_gives_up_takes_nothing_from_the_others(
        self, ada: NoticeChannel, bo: NoticeChannel
    ) -> None:
        await heard(bo)
        await ada.publish([b"1"])
        messages: list[bytes] = []

        first = asyncio.create_task(bo.catch_up(messages.extend))
        second = asyncio.create_task(bo.catch_up(messages.extend))
        await asyncio.sleep(0)
        first.cancel()
        await second
        await bo.catch_up(messages.extend)

        assert messages == [b"1"]

    async def test_whoever_lags_too_far_behind_is_told_that_messages_are_missed(
        self, ada: NoticeChannel, bo: NoticeChannel
    ) -> None:
        await heard(bo)
        for start in range(0, 3000, 100):
            await ada.publish([b"%d" % number for number in range(start, start + 100)])

        with pytest.raises(NoticesMissed):
            await heard(bo)

        await ada.publish([b"on"])
        assert await heard(bo) == [b"on"]

    # ---- outage ----------------------------------------------------------------------------------

    async def test_an_unplugged_channel_answers_unavailable_to_everything(
        self, ada: NoticeChannel, unplug: Unplug
    ) -> None:
        await heard(ada)

        await unplug()

        with pytest.raises(Unavailable):
            await ada.publish([b"1"])
        with pytest.raises(Unavailable):
            await heard(ada)

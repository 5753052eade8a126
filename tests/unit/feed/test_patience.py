"""How long a feed waits, and whom it suspects."""

from __future__ import annotations

import asyncio

import pytest

from tintype.database import DatabaseUnavailable
from tintype.feed.errors import FeedUnavailable
from tintype.feed.service.patience import DatabasePatience

_FOR_EVER_S = 30.0


async def _slow(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "a page"


async def test_a_page_that_something_else_held_up_does_not_silence_the_database() -> None:
    async def knock() -> None:
        """The database answers at once."""

    patience = DatabasePatience(knock, budget_s=0.2, at_hand_s=0.01)
    with pytest.raises(DatabaseUnavailable):
        await patience.give(_slow(5))
    await asyncio.sleep(0.01)

    assert await patience.give(_slow(0.05)) == "a page"


async def test_while_the_database_is_silent_pages_take_what_is_at_hand() -> None:
    async def knock() -> None:
        await asyncio.sleep(5)

    patience = DatabasePatience(knock, budget_s=0.1, at_hand_s=0.02, rest_s=0.2)
    with pytest.raises(DatabaseUnavailable):
        await patience.give(_slow(5))
    await asyncio.sleep(0.01)

    with pytest.raises(DatabaseUnavailable):
        await patience.give(_slow(0.06))
    assert await patience.give(_slow(0)) == "a page"


async def _nothing() -> str:
    raise FeedUnavailable("Nothing is at hand.")


async def test_a_page_that_nothing_can_stand_in_for_is_waited_for() -> None:
    async def knock() -> None:
        await asyncio.sleep(5)

    patience = DatabasePatience(knock, budget_s=0.01, at_hand_s=0.01, longest_s=30, rest_s=30)

    assert await patience.give(_slow(0.1), instead=_nothing) == "a page"


async def test_what_can_stand_in_for_a_late_page_is_served_instead() -> None:
    async def knock() -> None:
        await asyncio.sleep(5)

    async def popular() -> str:
        return "popular posts"

    patience = DatabasePatience(knock, budget_s=0.01, longest_s=30)

    assert await patience.give(_slow(30), instead=popular) == "popular posts"


async def test_nobody_waits_for_a_database_that_is_silent_for_certain() -> None:
    unanswered = asyncio.Event()

    async def knock() -> None:
        unanswered.set()
        raise DatabaseUnavailable

    patience = DatabasePatience(knock, budget_s=0.01, at_hand_s=0.01, longest_s=_FOR_EVER_S)
    first = asyncio.create_task(patience.give(_slow(_FOR_EVER_S), instead=_nothing))
    await unanswered.wait()
    await asyncio.sleep(0.01)

    async with asyncio.timeout(_FOR_EVER_S / 2):
        with pytest.raises(FeedUnavailable):
            await patience.give(_slow(_FOR_EVER_S), instead=_nothing)
    first.cancel()

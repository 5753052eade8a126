"""How long a feed waits, and whom it suspects."""

from __future__ import annotations

import asyncio

import pytest

from tintype.database import DatabaseUnavailable
from tintype.feed.service.patience import DatabasePatience


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

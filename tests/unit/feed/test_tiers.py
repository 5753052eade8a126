"""Which rung of the ladder a feed may stand on, and how long it waits there."""

from __future__ import annotations

import asyncio

import pytest

from tintype.database import DatabaseUnavailable
from tintype.feed import FeedFlags, Tier
from tintype.feed.model import tiers_of
from tintype.feed.service.patience import DatabasePatience

CHRONOLOGICAL, DATABASE, TRENDING = Tier.CHRONOLOGICAL, Tier.DATABASE, Tier.TRENDING


@pytest.mark.parametrize(
    ("off", "left"),
    [
        ((), (CHRONOLOGICAL, DATABASE, TRENDING)),
        (("timelines",), (DATABASE, TRENDING)),
        (("database",), (CHRONOLOGICAL, TRENDING)),
        (("timelines", "database"), (TRENDING,)),
        (("timelines", "database", "trending"), ()),
    ],
)
def test_a_flag_that_is_off_takes_its_rung_out(off: tuple[str, ...], left: tuple[Tier]) -> None:
    assert tiers_of(FeedFlags(**dict.fromkeys(off, False))) == left


def test_no_feed_is_ranked_because_of_a_flag_alone() -> None:
    assert tiers_of(FeedFlags(ranked=True)) == tiers_of(FeedFlags())


class SlowDatabase:
    """Pages that need it wait until it is awake; pages at hand do not."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.patience = DatabasePatience(self.awake.wait, budget_s=0.1, at_hand_s=0.05, rest_s=0.05)

    async def page(self) -> str:
        await self.awake.wait()
        return "from the database"

    async def at_hand(self) -> str:
        return "at hand"


async def test_a_page_that_waits_too_long_for_the_database_is_given_up() -> None:
    database = SlowDatabase()

    with pytest.raises(DatabaseUnavailable):
        await database.patience.give(database.page())


async def test_what_is_at_hand_is_served_while_the_database_is_silent() -> None:
    database = SlowDatabase()
    with pytest.raises(DatabaseUnavailable):
        await database.patience.give(database.page())

    assert await database.patience.give(database.at_hand()) == "at hand"


async def test_one_silent_page_makes_the_next_ones_give_up_sooner() -> None:
    database = SlowDatabase()
    loop = asyncio.get_running_loop()
    with pytest.raises(DatabaseUnavailable):
        await database.patience.give(database.page())

    begun = loop.time()
    with pytest.raises(DatabaseUnavailable):
        await database.patience.give(database.page())

    assert loop.time() - begun < 0.09


async def test_a_database_that_answers_again_gets_its_time_back() -> None:
    database = SlowDatabase()
    with pytest.raises(DatabaseUnavailable):
        await database.patience.give(database.page())
    database.awake.set()
    await asyncio.sleep(0.06)

    assert await database.patience.give(database.at_hand()) == "at hand"
    await asyncio.sleep(0.06)
    assert await database.patience.give(_within(0.07)) == "slowly"


async def _within(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slowly"

"""Bells: nobody misses a commit that concerns them, and nobody is woken by another."""

from __future__ import annotations

import asyncio

from tintype.database.waking import News, Waking

LONG_S = 60.0


async def test_a_bell_that_was_taken_before_looking_has_rung_by_then() -> None:
    waking = Waking()
    bell = waking.bell(News.JOBS)

    waking.ring([News.JOBS])

    async with asyncio.timeout(LONG_S / 2):
        await bell.rung(LONG_S)


async def test_a_bell_rings_for_its_own_news_alone_and_then_another_one_does() -> None:
    waking = Waking()
    events, asked = waking.bell(News.EVENTS), waking.bell(News.JOBS)

    waking.ring([News.EVENTS])

    assert waking.bell(News.JOBS) is asked
    assert waking.bell(News.EVENTS) is not events


async def test_everybody_who_waits_is_woken() -> None:
    waking = Waking()
    waiting = [asyncio.create_task(waking.bell(News.RECORDS).rung(LONG_S)) for _ in range(3)]
    await asyncio.sleep(0)

    waking.ring([News.RECORDS, News.JOBS])

    async with asyncio.timeout(LONG_S / 2):
        await asyncio.gather(*waiting)


async def test_who_is_not_woken_goes_on_after_a_while() -> None:
    await Waking().bell(News.EVENTS).rung(0.01)

"""Who is away is known exactly from the moment that an account's change is acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection

from tintype.graph.service.away import Away


class Registry:
    """Accounts that leave and come back while they are read."""

    def __init__(self, *away: int) -> None:
        self.away = set(away)
        self.pause: asyncio.Event | None = None
        self.loads = 0
        self.looks: list[set[int]] = []

    async def load(self, limit: int) -> list[int]:
        self.loads += 1
        read = sorted(self.away)[:limit]
        if self.pause is not None:
            await self.pause.wait()
        return read

    async def look(self, accounts: Collection[int]) -> list[int]:
        self.looks.append(set(accounts))
        read = [account for account in accounts if account in self.away]
        if self.pause is not None:
            await self.pause.wait()
        return read


EVERYBODY = frozenset(range(20))


async def test_all_that_are_away_are_read_once_and_nobody_is_looked_up() -> None:
    registry = Registry(3, 5, 99)
    away = Away(registry.load, registry.look)

    found = [await away.among(EVERYBODY), await away.among(frozenset({5, 6}))]

    assert found == [{3, 5}, {5}]
    assert (registry.loads, registry.looks) == (1, [])


async def test_whoever_changed_is_looked_at_again_once_and_alone() -> None:
    registry = Registry(3)
    away = Away(registry.load, registry.look)
    await away.among(EVERYBODY)

    registry.away = {7}
    for account in (3, 7, 8):
        away.doubt(account)

    assert await away.among(frozenset({1, 2})) == frozenset()
    assert await away.among(EVERYBODY) == {7}
    assert await away.among(EVERYBODY) == {7}
    assert (registry.loads, registry.looks) == (1, [{3, 7, 8}])


async def test_a_change_while_all_are_read_is_in_the_next_answer() -> None:
    registry = Registry(3)
    registry.pause = asyncio.Event()
    away = Away(registry.load, registry.look)
    asked = asyncio.create_task(away.among(EVERYBODY))
    await asyncio.sleep(0)

    registry.away = {4}
    away.doubt(3)
    away.doubt(4)
    registry.pause.set()

    assert await asked == {4}
    assert await away.among(EVERYBODY) == {4}


async def test_a_change_while_it_is_looked_at_is_looked_at_once_more() -> None:
    registry = Registry(3)
    away = Away(registry.load, registry.look)
    await away.among(EVERYBODY)
    registry.pause = asyncio.Event()
    registry.away = set()
    away.doubt(3)
    asked = asyncio.create_task(away.among(EVERYBODY))
    await asyncio.sleep(0)

    registry.away = {3}
    away.doubt(3)
    registry.pause.set()

    assert await asked == {3}


async def test_after_a_doubt_about_everything_all_are_read_anew() -> None:
    registry = Registry(3)
    registry.pause = asyncio.Event()
    away = Away(registry.load, registry.look)
    asked = asyncio.create_task(away.among(EVERYBODY))
    await asyncio.sleep(0)

    registry.away = {4}
    away.clear()
    registry.pause.set()

    assert await asked == {4}
    assert registry.loads == 2


async def test_more_than_there_is_room_for_are_looked_up_when_they_are_asked_for() -> None:
    registry = Registry(*range(5))
    away = Away(registry.load, registry.look, most=4)

    assert await away.among(frozenset({4, 9})) == {4}
    registry.away = {9}
    away.doubt(9)
    assert await away.among(frozenset({4, 9})) == {9}

    away.clear()
    assert await away.among(frozenset({4, 9})) == {9}
    assert (registry.loads, len(registry.looks)) == (2, 2)


async def test_no_interleaving_answers_with_anything_older_than_the_question() -> None:
    dice = random.Random(7)
    registry = Registry()

    async def slow_load(limit: int) -> list[int]:
        read = await Registry.load(registry, limit)
        await asyncio.sleep(0)
        return read

    async def slow_look(accounts: Collection[int]) -> list[int]:
        read = await Registry.look(registry, accounts)
        await asyncio.sleep(0)
        return read

    away = Away(slow_load, slow_look, most=12)

    async def change() -> None:
        for _ in range(300):
            account = dice.randrange(20)
            registry.away ^= {account}
            away.doubt(account)
            if dice.random() < 0.05:
                away.clear()
            await asyncio.sleep(0)

    async def ask() -> None:
        for _ in range(300):
            # What does not change while it is asked about must be as it is.
            before = set(registry.away)
            seen: list[set[int]] = [before]
            question = asyncio.create_task(away.among(EVERYBODY))
            while not question.done():
                await asyncio.sleep(0)
                seen.append(set(registry.away))
            found = question.result()
            always, ever = set.intersection(*seen), set.union(*seen)
            assert always & EVERYBODY <= found <= ever

    await asyncio.gather(change(), ask(), ask())

"""Held facts are never older than an acknowledged change, and never more than there is room for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tintype.graph.service.held import Held


class Shelf:
    """Facts that change under the reader, handed out after a pause."""

    def __init__(self, **facts: str) -> None:
        self.facts = {int(key.removeprefix("n")): value for key, value in facts.items()}
        self.pause: asyncio.Event | None = None
        self.asked: list[set[int]] = []

    async def load(self, accounts: Collection[int]) -> dict[int, str]:
        self.asked.append(set(accounts))
        read = {account: self.facts[account] for account in accounts if account in self.facts}
        if self.pause is not None:
            await self.pause.wait()
        return read


async def test_a_fact_is_loaded_once_and_then_at_hand() -> None:
    shelf = Shelf(n1="one", n2="two")
    held = Held(shelf.load, room=10)

    first = await held.get([1, 2])
    second = await held.get([2, 1])

    assert first == second == {1: "one", 2: "two"}
    assert shelf.asked == [{1, 2}]
    assert held.peek(1) == "one"


async def test_what_the_loader_does_not_know_is_left_out() -> None:
    held = Held(Shelf(n1="one").load, room=10)

    assert await held.get([1, 9]) == {1: "one"}
    assert held.peek(9) is None


async def test_a_forgotten_fact_is_loaded_again() -> None:
    shelf = Shelf(n1="old")
    held = Held(shelf.load, room=10)
    await held.get([1])

    shelf.facts[1] = "new"
    held.forget([1])

    assert await held.get([1]) == {1: "new"}


async def test_a_fact_that_changes_while_it_is_read_is_not_kept() -> None:
    shelf = Shelf(n1="old")
    shelf.pause = asyncio.Event()
    held = Held(shelf.load, room=10)
    reading = asyncio.create_task(held.get([1]))
    await asyncio.sleep(0)

    shelf.facts[1] = "new"
    held.forget([1])
    shelf.pause.set()

    assert await reading == {1: "old"}
    assert await held.get([1]) == {1: "new"}


async def test_forgetting_by_a_condition_reaches_what_is_held_and_what_is_being_read() -> None:
    shelf = Shelf(n1="red", n2="blue", n3="red")
    held = Held(shelf.load, room=10)
    await held.get([1, 2])
    shelf.pause = asyncio.Event()
    reading = asyncio.create_task(held.get([3]))
    await asyncio.sleep(0)

    held.forget_where(lambda fact: fact == "red")
    shelf.pause.set()
    await reading

    assert [held.peek(account) for account in (1, 2, 3)] == [None, "blue", None]


async def test_the_fact_unused_for_longest_makes_room() -> None:
    shelf = Shelf(n1="x", n2="x", n3="xx")
    held = Held(shelf.load, room=3, weigh=len)
    await held.get([1])
    await held.get([2])
    held.peek(1)

    await held.get([3])

    assert [held.peek(account) for account in (1, 2, 3)] == ["x", None, "xx"]


async def test_a_fact_too_big_for_the_room_is_answered_and_not_kept() -> None:
    held = Held(Shelf(n1="xxxx").load, room=3, weigh=len)

    assert await held.get([1]) == {1: "xxxx"}
    assert held.peek(1) is None

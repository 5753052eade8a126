"""What every Neighbours promises. Subclass it and give it a ``neighbours`` fixture.

A second fixture ``unplug`` is an async callable after which they no longer answer.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from tintype.kernel.ids import MAX_ID
from tintype.kernel.problem import Unavailable
from tintype.ports.neighbours import Common, Neighbours

Unplug = Callable[[], Awaitable[None]]

CY, DEE = 77 << 22, (78 << 22) + 5


class NeighboursContract:
    async def test_an_account_that_was_never_kept_is_not_there(
        self, neighbours: Neighbours
    ) -> None:
        assert await neighbours.common(CY, frozenset({1})) is None

    async def test_those_who_follow_are_found_among_the_wanted(
        self, neighbours: Neighbours
    ) -> None:
        await neighbours.keep(CY, [9, 3, 3, 7, MAX_ID], 500)

        assert await neighbours.common(CY, frozenset({1, 3, 8, 9, MAX_ID})) == Common(
            frozenset({3, 9, MAX_ID}), 500
        )
        assert await neighbours.common(CY, frozenset()) == Common(frozenset(), 500)

    async def test_an_account_that_nobody_follows_is_kept_as_that(
        self, neighbours: Neighbours
    ) -> None:
        await neighbours.keep(CY, [], 500)

        assert await neighbours.common(CY, frozenset({1})) == Common(frozenset(), 500)

    async def test_what_is_kept_later_takes_the_place_of_what_was(
        self, neighbours: Neighbours
    ) -> None:
        await neighbours.keep(CY, [1, 2], 500)
        await neighbours.keep(DEE, [1], 400)
        await neighbours.keep(CY, [2, 3], 600)

        assert await neighbours.common(CY, frozenset({1, 2, 3})) == Common(frozenset({2, 3}), 600)
        assert await neighbours.common(DEE, frozenset({1, 2})) == Common(frozenset({1}), 400)

    async def test_a_dropped_account_is_not_there_and_others_are(
        self, neighbours: Neighbours
    ) -> None:
        await neighbours.keep(CY, [1], 500)
        await neighbours.keep(DEE, [1], 500)

        await neighbours.drop(CY)
        await neighbours.drop(4)

        assert await neighbours.common(CY, frozenset({1})) is None
        assert await neighbours.common(DEE, frozenset({1})) is not None

    @pytest.mark.parametrize(
        ("followers", "wanted"), [(20_000, 5), (20_000, 250), (20_000, 5_000), (30, 5_000)]
    )
    async def test_the_answer_is_the_intersection_whichever_is_longer(
        self, neighbours: Neighbours, followers: int, wanted: int
    ) -> None:
        dice = random.Random(followers + wanted)
        kept = {dice.randrange(1 << 62) for _ in range(followers)}
        some = {*dice.sample(sorted(kept), min(followers, wanted) // 3), min(kept), max(kept)}
        asked = frozenset(some | {dice.randrange(1 << 62) for _ in range(wanted - len(some))})

        await neighbours.keep(CY, kept, 1)

        assert await neighbours.common(CY, asked) == Common(frozenset(kept & asked), 1)
        assert some <= kept & asked

    # ---- outage ----------------------------------------------------------------------------------

    async def test_unplugged_neighbours_answer_unavailable_to_everything(
        self, neighbours: Neighbours, unplug: Unplug
    ) -> None:
        await neighbours.keep(CY, [1], 500)

        await unplug()

        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: neighbours.common(CY, frozenset({1})),
            lambda: neighbours.keep(CY, [1], 500),
            lambda: neighbours.drop(CY),
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                await call()

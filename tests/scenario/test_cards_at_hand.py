"""Posts at hand are not lost because something about them changes in the wrong moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.cast import World


async def test_a_card_that_is_dropped_while_others_are_read_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.join("ada")
    first, second = int(await ada.post("first")), int(await ada.post("second"))
    await world.settle()
    cards = world.server.posts._cards
    cards.drop([first, second])
    await cards.cards([first])
    honest, loads = cards._load, list[Sequence[int]]()

    async def load(ids: Sequence[int]) -> Any:
        """As it is, but the first time somebody likes the other post meanwhile."""
        loads.append(ids)
        found = await honest(ids)
        if len(loads) == 1:
            cards.recount([first])
        return found

    monkeypatch.setattr(cards, "_load", load)

    assert [card and card.id for card in await cards.cards([first, second])] == [first, second]
    assert loads == [[second], [first]]

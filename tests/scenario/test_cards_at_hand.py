from __future__ import annotations

import asyncio

from tests.cast import World


async def test_a_card_that_is_dropped_while_others_are_read_is_read_again(world: World) -> None:
    ada = await world.join("ada")
    first, second = int(await ada.post("first")), int(await ada.post("second"))
    await world.settle()
    cards = world.server.posts._cards
    cards.drop([first, second])
    await cards.cards([first])

    reading = asyncio.create_task(cards.cards([first, second]))
    await asyncio.sleep(0)
    cards.recount([first])

    assert [card and card.id for card in await reading] == [first, second]

"""What the graph does about facts of the accounts slice."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.accounts.events import PrivacyChanged
from tintype.database import Consumer
from tintype.graph.service import Graph
from tintype.kernel.event import Event


def consumers(graph: Graph) -> list[Consumer]:
    """The consumer groups of the graph slice."""

    async def accept_waiting(batch: Sequence[Event]) -> None:
        """An account that became public has nothing to decide: who waits, follows.

        What counts is whether it is public when the batch is handled, so delivery in any number
        ends the same.
        """
        for event in batch:
            if isinstance(event, PrivacyChanged) and not event.private:
                await graph.accept_waiting(event.account)

    return [Consumer("graph", (PrivacyChanged,), accept_waiting)]

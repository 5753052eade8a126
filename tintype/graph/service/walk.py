"""Going down a list until enough of it may be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence

from tintype.graph.model import Edge
from tintype.kernel.ids import Id

Gather = Callable[[Id, int], Awaitable[list[Edge]]]
"""The newest so many edges below an id, newest first; fewer only at the end."""

Keep = Callable[[Sequence[Id]], Awaitable[Container[Id]]]
"""Those of the accounts that may be shown."""

_MOST_GATHERED = 400


async def walk(gather: Gather, keep: Keep, below: Id, want: int) -> list[Edge]:
    """The newest so many edges below an id whose accounts are kept; fewer only at the end."""
    edges: list[Edge] = []
    asked = want
    while len(edges) < want:
        gathered = await gather(below, asked)
        kept = await keep([edge.account for edge in gathered])
        edges += [edge for edge in gathered if edge.account in kept]
        if len(gathered) < asked:
            break
        below = gathered[-1].id
        asked = min(2 * asked, _MOST_GATHERED)
    return edges[:want]

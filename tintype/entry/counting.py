"""The consumer group ``counters``: every count follows the events that move it."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.database import Fold, Transaction, counts
from tintype.kernel.event import Event
from tintype.posts import Posts

_WINDOW_S = 0.02


def counters(posts: Posts) -> Fold:
    """Counts are folded from the events; posts at hand are told, so that none shows an old one."""

    async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
        await counts.fold(tx, batch)
        posts.counted(tx, {subject for subject, _ in counts.changes(batch)})

    return Fold("counters", _counted_events(), fold, linger_s=_WINDOW_S)


def _counted_events() -> tuple[type[Event], ...]:
    """Every event type that moves a count, or ends one."""
    found: list[type[Event]] = []
    waiting = list(Event.__subclasses__())
    while waiting:
        event = waiting.pop()
        waiting += event.__subclasses__()
        if event.deltas is not Event.deltas or event.forgets is not Event.forgets:
            found.append(event)
    return tuple(found)

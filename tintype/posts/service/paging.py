"""Pages of lists of which a viewer may not see everything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from tintype.kernel import cursor
from tintype.kernel.ids import MAX_ID, Id

T = TypeVar("T")
_MOST_AT_ONCE = 500


async def fill(
    gather: Callable[[Id, int], Awaitable[Sequence[T]]],
    keep: Callable[[Sequence[T]], Awaitable[Collection[T]]],
    *,
    start: Id,
    limit: int,
    place: Callable[[T], Id],
) -> tuple[list[T], Id | None]:
    """The first ``limit`` rows beyond ``start`` that are kept, and where the next page starts.

    ``gather`` reads rows beyond a place in list order, ``keep`` tells which of them are shown. The
    next start is ``None`` when nothing more is shown, and only then: no page is empty but the only
    one.
    """
    found: list[T] = []
    want = limit + 1
    while True:
        rows = await gather(start, want)
        kept = await keep(rows)
        for row in rows:
            if row in kept:
                if len(found) == limit:
                    return found, start
                found.append(row)
            start = place(row)
        if len(rows) < want:
            return found, None
        want = min(2 * want, _MOST_AT_ONCE)


def newest_first(kind: str, text: str | None) -> Id:
    """The bound below which a page of a list starts, newest first.

    Raises:
        UnknownCursor: the cursor is of another list.
    """
    start = cursor.decode(kind, text)
    return MAX_ID if start is None else start[0]


def oldest_first(kind: str, text: str | None) -> Id:
    """The bound above which a page of a list starts, oldest first.

    Raises:
        UnknownCursor: the cursor is of another list.
    """
    start = cursor.decode(kind, text)
    return 0 if start is None else start[0]


def next_cursor(kind: str, start: Id | None) -> str | None:
    return None if start is None else cursor.encode(kind, start)

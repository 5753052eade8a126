from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.kernel.cursor import UnknownCursor
from tintype.posts.service.paging import fill, newest_first, next_cursor, oldest_first


async def _walk(rows: Sequence[int], shown: Collection[int], limit: int) -> list[list[int]]:
    """Every page of a list in ascending order."""

    async def gather(above: int, count: int) -> list[int]:
        return [row for row in rows if row > above][:count]

    async def keep(found: Sequence[int]) -> set[int]:
        return {row for row in found if row in shown}

    pages, start = [], 0
    while True:
        page, following = await fill(gather, keep, start=start, limit=limit, place=lambda row: row)
        pages.append(page)
        if following is None:
            return pages
        assert following >= start
        start = following


@given(st.sets(st.integers(1, 200)), st.sets(st.integers(1, 200)), st.integers(1, 30))
async def test_a_walk_shows_every_visible_row_once_on_full_pages(
    rows: set[int], shown: set[int], limit: int
) -> None:
    pages = await _walk(sorted(rows), shown, limit)

    assert [row for page in pages for row in page] == sorted(rows & shown)
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages) == 1 or pages[-1]


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = next_cursor("tag dawn", 7)

    assert newest_first("tag dawn", cursor) == oldest_first("tag dawn", cursor) == 7
    with pytest.raises(UnknownCursor):
        newest_first("tag dusk", cursor)

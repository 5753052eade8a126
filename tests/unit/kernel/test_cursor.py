from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.kernel.cursor import UnknownCursor, decode, encode
from tintype.kernel.page import clamp_limit
from tintype.kernel.problem import Invalid

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(INT64, min_size=1, max_size=4))
def test_a_cursor_reads_back_as_it_was_written(parts: list[int]) -> None:
    assert decode("feed", encode("feed", *parts), len(parts)) == tuple(parts)


def test_no_cursor_is_the_beginning_of_the_list() -> None:
    assert decode("feed", None) is None
    assert decode("feed", "") is None


@given(st.text(max_size=40))
def test_a_forged_cursor_is_unknown(text: str) -> None:
    if text:
        with pytest.raises(UnknownCursor):
            decode("feed", text)


@given(INT64, st.integers(0, 16))
def test_a_cursor_with_one_changed_letter_is_unknown(part: int, place: int) -> None:
    letters = list(encode("feed", part))
    letters[place] = "A" if letters[place] != "A" else "B"

    with pytest.raises(UnknownCursor):
        decode("feed", "".join(letters))


def test_a_cursor_of_another_list_is_unknown() -> None:
    with pytest.raises(UnknownCursor):
        decode("comments", encode("feed", 1))


def test_a_limit_is_clamped_above_and_refused_below_one() -> None:
    assert clamp_limit(None) == 20
    assert clamp_limit(10**9) == 100
    for limit in (0, -1):
        with pytest.raises(Invalid) as refused:
            clamp_limit(limit)
        assert refused.value.extensions["errors"][0].pointer == "/limit"  # type: ignore[index]

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.media.model import Span, asked_span, names_etag


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, "all"),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-", Span(0, 100)),
        ("bytes=10-19", Span(10, 20)),
        ("bytes=90-1000", Span(90, 100)),
        ("bytes=-1", Span(99, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=99-", Span(99, 100)),
        ("bytes=100-", "none"),
        ("bytes=-0", "none"),
        ("bytes=5-4", "all"),
        ("bytes=-", "all"),
        ("Bytes=0-0", Span(0, 1)),
        ("BYTES=-", "all"),
        ("bytes=a-b", "all"),
        ("bytes=0-1,5-6", "all"),
        ("seconds=0-1", "all"),
        ("bytes=0-99999999999999999999", "all"),
    ],
)
def test_a_range_is_what_the_standard_says(header: str | None, span: object) -> None:
    assert asked_span(header, 100) == span


@given(header=st.from_regex(r"bytes=[0-9]{0,6}-[0-9]{0,6}", fullmatch=True), size=st.integers(1))
def test_a_span_is_never_empty_and_never_outside_the_file(header: str, size: int) -> None:
    span = asked_span(header, size)

    if isinstance(span, Span):
        assert 0 <= span.start < span.end <= size


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_a_condition_names_an_etag_weakly(header: str | None, named: bool) -> None:
    assert names_etag(header, '"a"') is named

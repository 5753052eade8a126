"""Slices of a list."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from tintype.kernel.problem import invalid_field

T = TypeVar("T")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Items in list order; ``next_cursor`` is ``None`` at the end and only there."""

    items: list[T]
    next_cursor: str | None = None


def clamp_limit(limit: int | None) -> int:
    """How many items to answer with: 20 unless asked, never more than 100.

    Raises:
        Invalid: less than one was asked for.
    """
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise invalid_field("/limit", "Ask for at least 1 item.")
    return min(limit, MAX_LIMIT)

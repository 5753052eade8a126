"""The words of a move: what it may refuse, how far it is, and what was found to differ."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Verify = Literal["all", "sample"]


class MoveRefused(Exception):  # noqa: N818 - it reads as what it says
    """The move can not be made; the message says why and what to do. The source is as it was."""


class Move(msgspec.Struct, frozen=True):
    """The note in the new home that says whose data it takes in.

    ``source`` stands for the instance, ``snapshot`` for its state at one moment: whoever has
    another snapshot of the same instance begins anew, as long as the move is not finished.
    """

    source: str
    snapshot: str
    state: Literal["copying", "moved"]


class TableMark(msgspec.Struct, frozen=True):
    """How far a table has come: the key of the last row that arrived (``None``: no row yet)."""

    after: list[str | int] | None = None
    rows: int = 0
    done: bool = False


class Difference(NamedTuple):
    """Something that is not the same on both sides, for a person to read."""

    where: str
    what: str


class Line(NamedTuple):
    """One line of the report: a table, or the blobs."""

    name: str
    source: str
    target: str
    equal: bool


class Verdict(msgspec.Struct, frozen=True):
    """What a verification found. ``tables`` and ``keys`` name what has to be copied again."""

    lines: list[Line]
    differences: list[Difference]
    tables: frozenset[str]
    keys: frozenset[str]

    @property
    def equal(self) -> bool:
        return not self.differences

"""What a run is to do, and who takes part in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from tintype.entry.bench.asking import Caller


class Reader(NamedTuple):
    """A viewer with what it is like: how many it follows, and the name of its kind."""

    caller: Caller
    followees: int
    stratum: str


class Cast(NamedTuple):
    """Who takes part. Without authors the load only reads."""

    readers: Sequence[Reader]
    authors: Sequence[Caller]
    weights: Sequence[float]


class Plan(NamedTuple):
    """What is asked for."""

    url: str
    rates: Sequence[float]
    until_late: bool
    seconds: float
    stratum_seconds: float
    stratum_rate: float
    connections: int
    late_ms: float
    lag_posts: int
    lag_followers: int
    seed: int


class Show(Protocol):
    """Where progress is shown."""

    def bar(self, title: str, total: float) -> Callable[[float], None]:
        """Begin a bar; call the result with how much of it is done."""

    def say(self, line: str) -> None:
        """Tell something that stays."""


def spread(readers: Sequence[Reader], most: int) -> list[Reader]:
    """At most so many, as many of each stratum as can be."""
    kinds: defaultdict[str, list[Reader]] = defaultdict(list)
    for reader in readers:
        kinds[reader.stratum].append(reader)
    return list(_in_turn(list(kinds.values())))[:most]


def _in_turn(rows: Sequence[Sequence[Reader]]) -> Iterator[Reader]:
    for place in range(max(map(len, rows), default=0)):
        yield from (row[place] for row in rows if place < len(row))

"""Answered requests, counted on the hot path and shown when somebody looks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Answers(Collector):
    """Requests by class of route and status, and the seconds that they took.

    Noting one costs about half a microsecond (the library's own counters: seven times that), for
    use within one thread.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._cells: dict[tuple[str, int], _Cell] = {}

    def note(self, route_class: str, status: int, seconds: float) -> None:
        cell = self._cells.get((route_class, status))
        if cell is None:
            cell = self._cells[route_class, status] = _Cell(len(self._bounds) + 1)
        cell.seconds += seconds
        cell.buckets[bisect_left(self._bounds, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "tintype_requests",
            "Requests answered, by class of route and status.",
            labels=["route_class", "status"],
        )
        by_class: dict[str, _Cell] = {}
        for (route_class, status), cell in self._cells.items():
            requests.add_metric([route_class, str(status)], sum(cell.buckets))
            by_class.setdefault(route_class, _Cell(len(cell.buckets))).add(cell)
        took = HistogramMetricFamily(
            "tintype_request_seconds",
            "Time from the request to the end of its answer, by class of route.",
            labels=["route_class"],
        )
        for route_class, cell in by_class.items():
            took.add_metric([route_class], self._cumulated(cell), cell.seconds)
        yield requests
        yield took

    def _cumulated(self, cell: _Cell) -> list[tuple[str, float]]:
        names = [*map(str, map(float, self._bounds)), "+Inf"]
        return [(name, sum(cell.buckets[: place + 1])) for place, name in enumerate(names)]


class FeedAnswers(Collector):
    """Feeds by the tier that answered: how often readers had to do with less than the best."""

    def __init__(self, counted: Callable[[], Mapping[str, int]]) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "tintype_feed_answers",
            "Feeds asked for, by the tier that answered; `none` when no tier could.",
            labels=["tier"],
        )
        for tier, feeds in self._counted().items():
            answers.add_metric([str(tier)], feeds)
        yield answers


class WarmedFiles(Collector):
    """Files fetched through CDNs ahead of those who want them, by outcome."""

    def __init__(self, counted: Callable[[], Mapping[str, int]]) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        fetched = CounterMetricFamily(
            "tintype_media_warmed",
            "Files fetched through CDNs before they were wanted, by outcome.",
            labels=["outcome"],
        )
        for outcome, files in self._counted().items():
            fetched.add_metric([outcome], files)
        yield fetched


class _Cell:
    __slots__ = ("buckets", "seconds")

    def __init__(self, buckets: int) -> None:
        self.buckets = [0] * buckets
        self.seconds = 0.0

    def add(self, other: _Cell) -> None:
        self.seconds += other.seconds
        self.buckets = [one + two for one, two in zip(self.buckets, other.buckets, strict=True)]

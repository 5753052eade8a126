"""The figures of this process and its database, as Prometheus reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from tintype import __version__
from tintype.admin import store
from tintype.admin.model import StoreFigures
from tintype.admin.service.answers import Answers, FeedAnswers
from tintype.database import Database
from tintype.feed import FanOutFigures
from tintype.kernel.problem import Unavailable

CONTENT_TYPE = CONTENT_TYPE_LATEST
_REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_DELIVERY_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 600)
_LAG_S = 2.0


class Metrics:
    """Counts what happens here; asks the database for the rest when somebody looks."""

    def __init__(
        self,
        database: Database,
        commits: Callable[[], int],
        feed_answers: Callable[[], Mapping[str, int]],
        lag: Callable[[], Awaitable[Mapping[str, int]]] | None = None,
        fan_out: Callable[[], Awaitable[FanOutFigures]] | None = None,
    ) -> None:
        self._database = database
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        info = Gauge("tintype_info", "This version of Tintype.", ["version"], registry=registry)
        info.labels(__version__).set(1)
        answers = Answers(_REQUEST_S)
        registry.register(answers)
        registry.register(FeedAnswers(feed_answers))
        self.answered = answers.note
        """Note one answered request: its class of route, its status and its seconds."""
        self._delivery = Histogram(
            "tintype_delivery_lag_seconds",
            "Time from the publishing of a post to its arrival in timelines.",
            buckets=_DELIVERY_S,
            registry=registry,
        )
        self._lag = lag
        """How far groups are behind, where the log of events is not in the database."""
        self._fan_out = fan_out
        self._tasks = self._gauge("fan_out_tasks", "Stored tasks of fan-out by lane.", "lane")
        self._task_age = self._gauge(
            "fan_out_oldest_seconds", "How long the oldest task of a lane waits.", "lane"
        )
        self._threshold = self._gauge(
            "pull_threshold_followers", "Followers from which on the posts of an author are pulled."
        )
        self._commits = commits
        self._commits_shown = 0
        self._durable = Counter(
            "tintype_commits", "Commits made durable by this process.", registry=registry
        )
        self._loop_lag = self._gauge("loop_lag_seconds", "How late the last heartbeat was.")
        self._outbox_age = self._gauge("outbox_oldest_seconds", "Age of the oldest unsent event.")
        self._outbox = self._gauge("outbox_events", "Events that were not relayed yet.")
        self._jobs = self._gauge("jobs", "Jobs by kind and state.", "kind", "state")
        self._queue_age = self._gauge(
            "queue_oldest_seconds", "How long the oldest due job of a kind waits.", "kind"
        )
        self._behind = self._gauge("consumer_behind_events", "Events before a group.", "group")
        self._event_age = self._gauge(
            "consumer_oldest_seconds",
            "Age of the oldest event that a group has in hand here; 0 when there is none.",
            "group",
        )
        self._oldest: Callable[[], Mapping[str, int | None]] = dict
        self._dead = self._gauge("dead_letters", "Events that a group gave up.", "group")

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"tintype_{name}", about, labels, registry=self.registry)

    def watch(self, oldest: Callable[[], Mapping[str, int | None]]) -> None:
        """Show, from now on, how long the oldest event of these groups waits: ``oldest`` says when
        it was committed, in ms since 1970, or ``None`` where none waits.
        """
        self._oldest = oldest

    def delivered(self, seconds: float) -> None:
        """Note how long after its publishing a post reached a range of timelines."""
        self._delivery.observe(seconds)

    async def page(self, *, loop_lag_s: float) -> bytes:
        """All figures as text, the database's as they are now."""
        async with self._database.read() as reader:
            found = await store.figures(reader)
        self._loop_lag.set(loop_lag_s)
        made = self._commits()
        self._durable.inc(made - self._commits_shown)
        self._commits_shown = made
        self._show(found, self._database.clock.now_ms())
        await self._show_lag()
        await self._show_fan_out(self._database.clock.now_ms())
        return generate_latest(self.registry)

    async def _show_fan_out(self, now_ms: int) -> None:
        if self._fan_out is None:
            return
        figures = await self._fan_out()
        self._threshold.set(figures.threshold)
        for labelled in (self._tasks, self._task_age):
            labelled.clear()
        for lane, waiting in figures.waiting.items():
            self._tasks.labels(str(lane)).set(waiting.tasks)
            self._task_age.labels(str(lane)).set(max(0, now_ms - waiting.oldest_ms) / 1000)

    async def _show_lag(self) -> None:
        if self._lag is None:
            return
        try:
            async with asyncio.timeout(_LAG_S):
                behind = await self._lag()
        except (Unavailable, TimeoutError):
            return  # the other figures are wanted most while the log is away
        for group, events in behind.items():
            self._behind.labels(group).set(events)

    def _show(self, found: StoreFigures, now_ms: int) -> None:
        oldest = found.outbox_oldest_ms
        self._outbox_age.set(0 if oldest is None else max(0, now_ms - oldest) / 1000)
        for group, at_ms in self._oldest().items():
            self._event_age.labels(group).set(0 if at_ms is None else max(0, now_ms - at_ms) / 1000)
        self._outbox.set(found.outbox_events)
        for labelled in (self._jobs, self._queue_age, self._behind, self._dead):
            labelled.clear()
        for queue in found.queues:
            self._jobs.labels(queue.kind, queue.state).set(queue.jobs)
            if queue.state == "queued":
                age = max(0, now_ms - queue.oldest_due_ms) / 1000
                self._queue_age.labels(queue.kind).set(age)
        for group, behind in found.behind.items():
            self._behind.labels(group).set(behind)
        for group, letters in found.dead_letters.items():
            self._dead.labels(group).set(letters)

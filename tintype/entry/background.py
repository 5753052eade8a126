"""Work beside the requests: relay, consumers, jobs and what happens on a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from tintype.database import (
    Consumer,
    ConsumerRunner,
    Database,
    Fold,
    JobHandler,
    JobRunner,
)
from tintype.database.tables import consumer_offsets, event_log, jobs, outbox
from tintype.ports.events import Events

log = structlog.get_logger(__name__)

_POLL_S = 0.01


@dataclass(frozen=True)
class Periodic:
    """Something to do every so many seconds; a failure is logged and tried again next time."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[object]]
    everywhere: bool = False
    """Whether every process does it for itself, and not one for all."""


@dataclass(frozen=True)
class Loop:
    """Work with a pace of its own: ``run`` goes on until cancelled, ``quiet`` tells whether nothing
    waits for it.
    """

    concern: str
    run: Callable[[], Coroutine[None, None, None]]
    quiet: Callable[[], Awaitable[bool]]


@dataclass
class Work:
    """What the slices want done in the background."""

    consumers: list[Consumer | Fold] = field(default_factory=list)
    handlers: list[JobHandler] = field(default_factory=list)
    slow_handlers: list[JobHandler] = field(default_factory=list)
    """Jobs that take minutes: they run one at a time, beside the others and never before them."""
    late_handlers: list[JobHandler] = field(default_factory=list)
    """Jobs that nobody waits for: one at a time as well, beside all others."""
    periodic: list[Periodic] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    job_concurrency: int = 2


@dataclass(frozen=True)
class Log:
    """Where consumers read events (``None``: in the database), and who fills that log here."""

    events: Events | None
    relay: Callable[[], Coroutine[None, None, None]] | None


class Background:
    """Runs the work in this process; every batch and job sees what was acknowledged before it."""

    def __init__(self, database: Database, work: Work, log_: Log) -> None:
        self._database = database
        self._work = work
        self._log = log_
        catch_up = database.notices.catch_up
        self._runners = [
            ConsumerRunner(database, consumer, log_.events, catch_up) for consumer in work.consumers
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def consumers(self) -> Sequence[Consumer | Fold]:
        """The groups that are looked after here."""
        return self._work.consumers

    def oldest_events(self) -> dict[str, int | None]:
        """When the oldest event in hand of each group that is looked after here was committed."""
        return {runner.group: runner.oldest_ms for runner in self._runners}

    def start(self) -> None:
        loops = [runner.run() for runner in self._runners]
        if self._log.relay is not None:
            loops.append(self._log.relay())
        work = self._work
        loops += [loop.run() for loop in work.loops]
        for handlers, concurrency in (
            (work.handlers, work.job_concurrency),
            (work.slow_handlers, 1),
            (work.late_handlers, 1),
        ):
            if handlers:
                loops.append(JobRunner(self._database, handlers, concurrency=concurrency).run())
        loops += [_every(periodic) for periodic in self._work.periodic]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Stop everything; jobs in hand are handed back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def settle(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - raises on its own terms
        """Return once every event is consumed and every due job is done.

        Raises:
            TimeoutError: it did not happen in time.
        """
        async with asyncio.timeout(timeout):
            while not await self._quiet():  # noqa: ASYNC110 - quiet is read from the store
                await asyncio.sleep(_POLL_S)
            # A commit can be read before it is acknowledged: wait for what is told after it.
            await self._database.told()

    async def _quiet(self) -> bool:
        """Whether nothing waits and nobody is behind: one statement, so one moment."""
        now = self._database.clock.now_ms()
        due = sa.and_(jobs.c.state == "queued", jobs.c.run_at_ms <= now)
        head = sa.func.coalesce(
            sa.select(sa.func.max(event_log.c.position)).scalar_subquery(), sa.literal(0)
        )
        arrived = (
            sa.select(sa.func.count())
            .where(
                consumer_offsets.c.consumer_group.in_(
                    [each.group for each in self._work.consumers]
                ),
                consumer_offsets.c.position >= head,
            )
            .scalar_subquery()
        )
        state = sa.select(
            sa.exists().where(outbox.c.shard >= 0).label("waiting"),
            sa.exists().where(sa.or_(jobs.c.state == "running", due)).label("busy"),
            head.label("head"),
            arrived.label("arrived"),
        )
        async with self._database.read() as reader:
            row = await reader.first(state)
        if row is None or row.waiting or row.busy:
            return False
        for loop in self._work.loops:
            if not await loop.quiet():
                return False
        if self._log.events is not None:
            behind = await self._log.events.lag([each.group for each in self._work.consumers])
            return not any(behind.values())
        return bool(row.head == 0 or row.arrived == len(self._work.consumers))


async def _every(periodic: Periodic) -> None:
    while True:
        await asyncio.sleep(periodic.every_s)
        try:
            await periodic.do()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            log.warning("periodic.failed", name=periodic.name, error=repr(error))

"""Runs jobs under leases: at least once, one worker at a time, retried, never silently lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from tintype.database.jobs import DEAD, QUEUED, RUNNING, LeaseLost, NotYet, Permanent
from tintype.database.session import Database, Reader, Row, Transaction, TryAgain
from tintype.database.tables import jobs
from tintype.database.waking import News
from tintype.kernel.ids import SHARDS, Id, timestamp_ms
from tintype.kernel.problem import OutOfSpace, Unavailable
from tintype.ports import errors as adapters

log = structlog.get_logger(__name__)

_IDLE_S = 1.0
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 600.0
_LONGEST_AWAY_S = 30.0
"""How long a job waits, at most, after an engine did not answer."""
_AWAY = (Unavailable, OutOfSpace, adapters.Unavailable, adapters.OutOfSpace)
"""What a job can not be blamed for."""
_BLAMELESS_MS = 3 * 24 * 3600 * 1000
"""How old a job may become that way; then its attempts count, so that somebody hears of it."""


@dataclass(frozen=True)
class JobHandler:
    """How one kind of job is done.

    ``handle`` may run more than once for the same job and must be idempotent; it may call
    ``job.finish(tx)`` to end the job in the transaction of its last effect. ``on_dead`` hears of a
    job that is given up, inside the transaction that buries it. Attempts that ended because an
    engine did not answer, or had no room, count as one of ``max_attempts`` together.
    """

    kind: str
    payload: type[msgspec.Struct]
    handle: Callable[[LeasedJob], Awaitable[None]]
    lease_seconds: float = 60.0
    max_attempts: int = 8
    on_dead: Callable[[Transaction, Any, str], Awaitable[None]] | None = None


class LeasedJob:
    """A job that this worker holds until its lease ends.

    The fence grows with every lease: a worker that slept through its lease can not write, because
    ``finish`` and ``hold`` compare fences inside the transaction.
    """

    def __init__(self, row: Row, payload: Any, fence: int) -> None:
        self.shard: int = row.shard
        self.id: Id = row.id
        self.attempt: int = row.attempts + 1
        self.payload = payload
        self.fence = fence
        self.finished = False

    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(jobs.c.shard == self.shard, jobs.c.id == self.id, jobs.c.fence == self.fence)

    async def hold(self, tx: Transaction) -> None:
        """Go on only if the lease is still ours.

        Raises:
            LeaseLost: another worker took over.
        """
        # Touched and not only looked at: whoever takes over waits for this transaction to end.
        touched = sa.update(jobs).where(self._mine()).values(fence=self.fence)
        if await tx.execute(touched) == 0:
            raise LeaseLost

    async def finish(self, tx: Transaction) -> None:
        """End the job with this transaction.

        Raises:
            LeaseLost: another worker took over.
        """
        if await tx.execute(sa.delete(jobs).where(self._mine())) == 0:
            raise LeaseLost
        self.finished = True


class JobRunner:
    """Takes due jobs of the given kinds, ``concurrency`` at a time, until stopped."""

    def __init__(
        self, database: Database, handlers: Sequence[JobHandler], *, concurrency: int = 2
    ) -> None:
        self._database = database
        self._handlers = {handler.kind: handler for handler in handlers}
        self._slots = asyncio.Semaphore(concurrency)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled; jobs in hand are then handed back at once."""
        try:
            while True:
                await self._slots.acquire()
                leased = await self._lease_or_wait()
                if leased is None:
                    self._slots.release()
                    continue
                task = asyncio.create_task(self._work(*leased))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def run_due(self) -> int:
        """Do every job that is due now, one after the other; returns how many."""
        done = 0
        while leased := await self._lease_of_many():
            await self._slots.acquire()
            await self._work(*leased)
            done += 1
        return done

    async def _lease_or_wait(self) -> tuple[JobHandler, LeasedJob] | None:
        bell = self._database.waking.bell(News.JOBS)
        try:
            leased = await self._lease_of_many()
        except Exception as error:  # noqa: BLE001 - the store is down: the loop outlives it
            log.warning("jobs.lease_failed", error=repr(error))
            leased = None
        if leased is None:
            await bell.rung(_IDLE_S)
        return leased

    def _due(self, now: int) -> sa.ColumnElement[bool]:
        return sa.and_(
            jobs.c.shard.between(0, SHARDS - 1),
            jobs.c.kind.in_(list(self._handlers)),
            sa.or_(
                sa.and_(
                    jobs.c.state == QUEUED,
                    # What was never tried is due, whatever the clock of its maker said.
                    sa.or_(jobs.c.attempts == 0, jobs.c.run_at_ms <= now),
                ),
                sa.and_(jobs.c.state == RUNNING, jobs.c.leased_until_ms <= now),
            ),
        )

    async def _lease_of_many(self) -> tuple[JobHandler, LeasedJob] | None:
        """A lease, or ``None`` once nothing is due; others may be taking jobs at the same time."""
        while True:
            try:
                return await self._lease()
            except TryAgain:
                await asyncio.sleep(random.uniform(0.0, 0.02))  # noqa: S311 - jitter

    async def _lease(self) -> tuple[JobHandler, LeasedJob] | None:
        now = self._database.clock.now_ms()
        query = (
            sa.select(jobs)
            .where(self._due(now))
            .order_by(jobs.c.priority, jobs.c.run_at_ms, jobs.c.id)
            .limit(1)
        )
        async with self._database.read() as reader:
            if await reader.first(query) is None:
                return None
        async with self._database.write() as tx:
            row = await tx.first(query)
            if row is None:
                return None
            handler = self._handlers[row.kind]
            taken = await tx.execute(
                sa.update(jobs)
                .where(jobs.c.shard == row.shard, jobs.c.id == row.id, jobs.c.fence == row.fence)
                .values(
                    state=RUNNING,
                    fence=row.fence + 1,
                    attempts=row.attempts + 1,
                    leased_until_ms=now + round(handler.lease_seconds * 1000),
                )
            )
            if not taken:
                raise TryAgain  # another worker was quicker; there may be more
        payload = msgspec.json.decode(row.payload, type=handler.payload)
        return handler, LeasedJob(row, payload, row.fence + 1)

    async def _work(self, handler: JobHandler, job: LeasedJob) -> None:
        beat = asyncio.create_task(self._heartbeat(handler, job))
        try:
            await self._database.notices.catch_up()
            await handler.handle(job)
            if not job.finished:
                async with self._database.write() as tx:
                    await job.finish(tx)
        except asyncio.CancelledError:
            await self._requeue(job, delay_s=0.0, reason="handed back at shutdown")
            raise
        except NotYet as wait:
            await self._requeue(job, delay_s=wait.seconds, reason=str(wait), tried=False)
        except LeaseLost:
            log.info("jobs.lease_lost", kind=handler.kind, job=job.id)
        except Exception as error:  # noqa: BLE001 - any failure of a handler means retry or burial
            await self._failed(handler, job, error)
        finally:
            beat.cancel()
            self._slots.release()

    async def _heartbeat(self, handler: JobHandler, job: LeasedJob) -> None:
        while True:
            await asyncio.sleep(handler.lease_seconds / 3)
            until = self._database.clock.now_ms() + round(handler.lease_seconds * 1000)
            async with self._database.write() as tx:
                await tx.execute(sa.update(jobs).where(job._mine()).values(leased_until_ms=until))  # noqa: SLF001 - the lease belongs to this module

    async def _failed(self, handler: JobHandler, job: LeasedJob, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        age_ms = self._database.clock.now_ms() - timestamp_ms(job.id)
        if isinstance(error, _AWAY) and age_ms < _BLAMELESS_MS:
            delay = min(_LONGEST_AWAY_S, max(_FIRST_RETRY_S, age_ms / 10_000))
            log.warning("jobs.waits", kind=handler.kind, job=job.id, reason=reason, delay_s=delay)
            delay *= random.uniform(0.8, 1.2)  # noqa: S311 - jitter
            await self._requeue(job, delay_s=delay, reason=reason, tried=False)
            return
        if isinstance(error, Permanent) or job.attempt >= handler.max_attempts:
            log.error("jobs.dead", kind=handler.kind, job=job.id, reason=reason)
            await self._bury(handler, job, reason)
            return
        delay = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (job.attempt - 1))
        log.warning("jobs.retry", kind=handler.kind, job=job.id, reason=reason, delay_s=delay)
        await self._requeue(job, delay_s=delay * random.uniform(0.8, 1.2), reason=reason)  # noqa: S311 - jitter

    async def _bury(self, handler: JobHandler, job: LeasedJob, reason: str) -> None:
        with contextlib.suppress(LeaseLost):
            async with self._database.write() as tx:
                await job.hold(tx)
                await tx.execute(
                    sa.update(jobs)
                    .where(job._mine())  # noqa: SLF001 - the lease belongs to this module
                    .values(state=DEAD, reason=reason, dedupe=f"dead:{job.id}")
                )
                if handler.on_dead is not None:
                    await handler.on_dead(tx, job.payload, reason)

    async def _requeue(
        self, job: LeasedJob, *, delay_s: float, reason: str, tried: bool = True
    ) -> None:
        run_at = self._database.clock.now_ms() + round(delay_s * 1000)
        # Never none at all: what was never tried is due whatever the clock says.
        attempts = job.attempt if tried else max(1, job.attempt - 1)
        async with self._database.write() as tx:
            await tx.execute(
                sa.update(jobs)
                .where(job._mine())  # noqa: SLF001 - the lease belongs to this module
                .values(
                    state=QUEUED,
                    run_at_ms=run_at,
                    attempts=attempts,
                    leased_until_ms=0,
                    reason=reason,
                )
            )


async def is_under_way(reader: Reader, shard: int, payload: msgspec.Struct) -> bool:
    """Whether a job with this payload, of whatever kind, waits or runs."""
    found = await reader.first(
        sa.select(jobs.c.id)
        .where(
            jobs.c.shard == shard,
            jobs.c.state.in_((QUEUED, RUNNING)),
            jobs.c.payload == msgspec.json.encode(payload),
        )
        .limit(1)
    )
    return found is not None


async def hand_back_all(database: Database) -> int:
    """Make every leased job due at once; returns how many.

    Only for a process that is alone on its database and has just started: whoever held those leases
    is dead. Fences still stand, so even a holder that lives could not write.
    """
    async with database.write() as tx:
        return await tx.execute(
            sa.update(jobs)
            .where(jobs.c.shard.between(0, SHARDS - 1), jobs.c.state == RUNNING)
            .values(
                state=QUEUED,
                fence=jobs.c.fence + 1,
                leased_until_ms=0,
                reason="handed back after a restart",
            )
        )

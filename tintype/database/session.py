"""What a slice may do with the database: read, or write in one transaction."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from tintype.database.idempotency import current_once
from tintype.database.jobs import Job, job_row
from tintype.database.sql import upsert
from tintype.database.tables import idempotency, jobs, outbox
from tintype.kernel.clock import Clock
from tintype.kernel.event import Event, wire_name
from tintype.kernel.ids import Ids, shard_of
from tintype.kernel.problem import Unavailable

Row = sa.Row[Any]
Parameters = Mapping[str, object] | Sequence[Mapping[str, object]]
_encode = msgspec.json.Encoder().encode


class DatabaseUnavailable(Unavailable):
    """The database is not answering; nothing was stored."""


class AlreadyAnswered(Exception):  # noqa: N818 - a state, not a fault of the code
    """Another process stored the answer to this very request first."""


class Reader(abc.ABC):
    """Runs queries and returns whole results."""

    @abc.abstractmethod
    async def _run(
        self, statement: Executable, parameters: Parameters | None
    ) -> sa.Result[Any]: ...

    async def all(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[Row]:
        """Every row of the result."""
        return (await self._run(statement, parameters)).all()

    async def first(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Row | None:
        """The first row, or ``None``."""
        return (await self._run(statement, parameters)).first()

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or ``None``."""
        row = await self.first(statement, parameters)
        return None if row is None else row[0]


class Transaction(Reader):
    """One unit of work: its effects, its events and the answer to its request commit together."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._events: list[Event] = []
        self._callbacks: list[Callable[[], None]] = []

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Run a statement; returns how many rows it touched."""
        result = await self._run(statement, parameters)
        return int(getattr(result, "rowcount", 0))

    def emit(self, event: Event) -> None:
        """Publish a fact: it is stored by this transaction and reaches every consumer after it."""
        self._events.append(event)

    async def enqueue(self, job: Job) -> None:
        """Ask for background work; a job with the same kind and dedupe text exists only once."""
        row = job_row(job, self._ids.next(job.shard), self._clock.now_ms())
        await self.execute(upsert(jobs, row, index=["shard", "kind", "dedupe"]))

    async def answer(self, view: object) -> None:
        """Keep the answer to the request at hand, so that a retry with its key gets the same.

        Does nothing when the request carried no ``Idempotency-Key``.

        Raises:
            AlreadyAnswered: the same request was finished elsewhere; undo this one.
        """
        once = current_once.get()
        if once is None or once.answered:
            return
        once.answered = True
        row = once.row(view, self._clock.now_ms())
        if not await self.execute(upsert(idempotency, row, index=["shard", "scope", "key_hash"])):
            raise AlreadyAnswered

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run after the commit is durable and before the caller is acknowledged."""
        self._callbacks.append(callback)

    async def _store_events(self) -> None:
        if not self._events:
            return
        now = self._clock.now_ms()
        rows = [
            {
                "shard": shard_of(event.key()),
                "id": self._ids.next(shard_of(event.key())),
                "kind": wire_name(type(event)),
                "key": event.key(),
                "payload": _encode(event),
                "at_ms": now,
            }
            for event in self._events
        ]
        await self.execute(sa.insert(outbox), rows)


class Database(abc.ABC):
    """The metadata store. Every slice gets this object and nothing lower."""

    clock: Clock
    ids: Ids

    @abc.abstractmethod
    def read(self) -> AbstractAsyncContextManager[Reader]:
        """Read what is committed, every acknowledged write included."""

    @abc.abstractmethod
    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction.

        Leaving the block normally returns only once the effect survives a power cut; leaving it by
        an exception leaves nothing behind. Transactions are serialised: await nothing slow inside.

        Raises:
            DatabaseUnavailable: the store did not answer in time.
            DiskFull: no room; nothing was stored and reads go on.
        """

    @abc.abstractmethod
    async def woken(self, timeout: float) -> None:  # noqa: ASYNC109 - the wait is the point
        """Return when events or jobs were committed here, or after ``timeout`` seconds."""

    @abc.abstractmethod
    async def close(self) -> None: ...

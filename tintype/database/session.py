"""What a slice may do with the database: read, or write in one transaction."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from tintype.database.idempotency import current_once
from tintype.database.jobs import Job, job_row
from tintype.database.notices import Notices
from tintype.database.sql import upsert
from tintype.database.tables import idempotency, jobs, outbox
from tintype.database.waking import News, Waking
from tintype.kernel.clock import Clock
from tintype.kernel.event import Event, wire_name
from tintype.kernel.ids import Id, Ids, following, shard_of
from tintype.kernel.notice import Notice
from tintype.kernel.problem import OutOfSpace, Unavailable

Row = sa.Row[Any]
Parameters = Mapping[str, object] | Sequence[Mapping[str, object]]
_encode = msgspec.json.Encoder().encode
current_trace: ContextVar[str | None] = ContextVar("trace", default=None)
"""The W3C ``traceparent`` of the work at hand; it travels with the events that come of it."""
writing: ContextVar[bool] = ContextVar("writing", default=False)
"""Whether this task is inside a transaction."""


def refuse_nesting() -> None:
    """Fail when this task is inside a transaction: a second one would wait for the first."""
    if writing.get():
        message = "a transaction is already open here; pass it on instead of opening another"
        raise RuntimeError(message)


class DatabaseUnavailable(Unavailable):
    """The database is not answering."""


class TryAgain(DatabaseUnavailable):
    """The database gave the work back undone; the same call again will very likely succeed."""


class DiskFull(OutOfSpace):
    """The database has no room left; nothing was stored and reading goes on."""


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

    serial: ClassVar[bool] = True
    """Whether nobody else commits between the start and the end of a transaction."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._events: list[Event] = []
        self._notices: list[Notice] = []
        self._brings: set[News] = set()

    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Run a statement; returns how many rows it touched."""
        result = await self._run(statement, parameters)
        return int(getattr(result, "rowcount", 0))

    def now_ms(self) -> int:
        """The time by the clock of this database, in milliseconds since 1970."""
        return self._clock.now_ms()

    async def lock(self, *ids: Id, shared: Collection[Id] = ()) -> None:
        """Let nobody else decide about these accounts or posts until this transaction has ended.

        Call it before reading what the decision depends on: other transactions then see all of
        this one or nothing, in the order in which they took the lock. Those that name an id as
        ``shared`` do not hold each other up, only those that name it alone. Reads are not held up,
        and neither are writers that do not ask. Does nothing where transactions are serialised
        anyway.
        """

    def emit(self, event: Event) -> None:
        """Publish a fact: it is stored by this transaction and reaches every consumer after it."""
        self._events.append(event)
        self.brings(News.EVENTS)

    async def enqueue(self, job: Job) -> None:
        """Ask for background work; a job with the same kind and dedupe text exists only once."""
        row = job_row(job, self._ids.next(job.shard), self._clock.now_ms())
        await self.execute(upsert(jobs, row, index=["shard", "kind", "dedupe"]))
        self.brings(News.JOBS)

    def brings(self, news: News) -> None:
        """Wake who waits for this in the same process, once it is committed. Asking for a job and
        publishing an event do so by themselves.
        """
        self._brings.add(news)

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

    def notify(self, notice: Notice) -> None:
        """Tell every process what to look up again: after the commit is durable and before the
        caller is acknowledged.
        """
        self._notices.append(notice)

    async def _store_events(self) -> None:
        if not self._events:
            return
        now, trace = self._clock.now_ms(), current_trace.get()
        shards = [shard_of(event.key()) for event in self._events]
        newest = {} if self.serial else await self._newest_waiting(set(shards))
        rows = []
        for event, shard in zip(self._events, shards, strict=True):
            # Relays send in the order of ids; another host's clock may be ahead of ours.
            minted, waiting = self._ids.next(shard), newest.get(shard)
            newest[shard] = minted if waiting is None else max(minted, following(waiting))
            rows.append(
                {
                    "shard": shard,
                    "id": newest[shard],
                    "kind": wire_name(type(event)),
                    "key": event.key(),
                    "payload": _encode(event),
                    "at_ms": now,
                    "trace": trace,
                }
            )
        await self.execute(sa.insert(outbox), rows)

    async def _newest_waiting(self, shards: set[int]) -> dict[int, Id]:
        rows = await self.all(
            sa.select(outbox.c.shard, sa.func.max(outbox.c.id).label("newest"))
            .where(outbox.c.shard.in_(sorted(shards)))
            .group_by(outbox.c.shard)
        )
        return {row.shard: row.newest for row in rows}


class Database(abc.ABC):
    """The metadata store. Every slice gets this object and nothing lower."""

    clock: Clock
    ids: Ids
    notices: Notices
    waking: Waking
    commits: int
    """How many commits were made durable since the start."""
    patience_s: float | None = None
    """How long a statement may take; ``None``: it is answered at once, or fails."""

    async def open(self) -> None:  # noqa: B027 - a file is open from the start
        """Connect, so that the first who asks does not wait for that; asking connects by itself.

        Raises:
            DatabaseUnavailable: the store does not answer now.
        """

    @abc.abstractmethod
    def read(self, *, stale: bool = False) -> AbstractAsyncContextManager[Reader]:
        """Read what is committed, every acknowledged write included.

        A ``stale`` read may miss the writes of the last seconds: a replica may answer it, when
        there is one.

        Raises:
            DatabaseUnavailable: the store did not answer in time.
            TryAgain: the connection was lost; another one will do.
        """

    @abc.abstractmethod
    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction.

        Leaving the block normally returns only once the effect survives a power cut; leaving it by
        an exception leaves nothing behind. Await nothing slow inside: others wait behind it.
        Transactions of several writers interleave (each statement sees what is committed by then),
        so one that decides on what it read asks for ``Transaction.lock`` first, or puts the
        condition into the statement and looks at the row count.

        Raises:
            DatabaseUnavailable: the store did not answer in time; when the connection broke in the
                very commit, nobody knows whether the effect was stored.
            TryAgain: nothing was stored and running the whole use case again will do.
            DiskFull: no room; nothing was stored and reads go on.
        """

    def expected_write_s(self, in_front: int = 0) -> float:
        """How long a write that begins now will wait for the others, where they take turns.

        ``in_front`` are some that will begin before it.
        """
        del in_front
        return 0.0

    @abc.abstractmethod
    async def told(self) -> None:
        """Return once the notices of every commit that can be read by now were applied here."""

    @abc.abstractmethod
    async def close(self) -> None: ...

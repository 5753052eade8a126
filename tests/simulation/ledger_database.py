"""A database in memory with a step around each statement; what it commits, it writes down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from tests.simulation.scheduler import step
from tintype.database.notices import Notices
from tintype.database.session import Database, Parameters, Reader, Transaction, TryAgain
from tintype.database.tables import (
    consumer_offsets,
    counts,
    dead_letters,
    leases,
    metadata,
    outbox,
    sent_events,
)
from tintype.database.waking import Waking
from tintype.graph import store as graph
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id, Ids

RELATIONS = (graph.FOLLOWS, graph.BLOCKS, graph.MUTES, graph.REQUESTS)
TABLES = [
    *(consumer_offsets, counts, dead_letters, leases, outbox, sent_events),
    *(ends.table for tie in RELATIONS for ends in tie),
]


class Emitted(NamedTuple):
    """An event as it stands in the outbox."""

    id: Id
    key: Id


@cache
def _connection() -> sa.Connection:
    """One for all histories: what SQLAlchemy compiled once is kept with it."""
    engine = sa.create_engine("sqlite://", isolation_level="AUTOCOMMIT", poolclass=sa.StaticPool)
    connection = engine.connect()
    metadata.create_all(connection, tables=TABLES)
    return connection


class _Reader(Reader):
    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        await step()
        return _connection().execute(statement, parameters)


class _Turn(Transaction):
    """A transaction that has the database for itself."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        super().__init__(clock, ids)
        self.emitted: list[Emitted] = []

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        await step()
        self._note(statement, parameters)
        return _connection().execute(statement, parameters)

    def _note(self, statement: Executable, parameters: Parameters | None) -> None:
        if isinstance(statement, sa.Insert) and statement.table is outbox:
            rows: Sequence[Mapping[str, Any]] = parameters  # type: ignore[assignment] # as written
            self.emitted += [Emitted(row["id"], row["key"]) for row in rows]


class _Beside(_Turn):
    """A transaction beside others, as on PostgreSQL: it sees what is committed by then, and what
    it writes is seen when it commits.
    """

    serial = False

    def __init__(self, clock: Clock, ids: Ids, locks: dict[Id, object]) -> None:
        super().__init__(clock, ids)
        self._locks = locks
        self.writes: list[tuple[Executable, Parameters | None]] = []

    async def lock(self, *ids: Id, shared: Collection[Id] = ()) -> None:
        del shared
        for id_ in sorted(ids):
            while self._locks.get(id_, self) is not self:
                await step()
            self._locks[id_] = self

    def unlock(self) -> None:
        for id_ in [id_ for id_, owner in self._locks.items() if owner is self]:
            del self._locks[id_]

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        if isinstance(statement, sa.Select):
            return await super()._run(statement, parameters)
        await step()
        self._note(statement, parameters)
        self.writes.append((statement, parameters))
        nothing: sa.Result[Any] = cast("Any", None)
        return nothing


class LedgerDatabase(Database):
    """``write`` is serialised, as on SQLite; ``beside`` is not, as on PostgreSQL."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ids = Ids(clock)
        self.notices = Notices()
        self.waking = Waking()
        self.commits = 0
        self.committed: list[Emitted] = []
        self._locks: dict[Id, object] = {}
        self._busy = False
        for table in TABLES:
            _connection().execute(sa.delete(table))

    @asynccontextmanager
    async def read(self, *, stale: bool = False) -> AsyncIterator[Reader]:
        del stale
        while self._busy:
            await step()
        yield _Reader()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        while self._busy:
            await step()
        self._busy = True
        turn = _Turn(self.clock, self.ids)
        _connection().exec_driver_sql("BEGIN")
        try:
            yield turn
            await turn._store_events()
            await step()
        except BaseException:
            _connection().exec_driver_sql("ROLLBACK")
            self._busy = False
            raise
        _connection().exec_driver_sql("COMMIT")
        self._busy = False
        self.committed += turn.emitted
        self.commits += 1
        await step()
        await self.notices.publish(turn._notices)

    @asynccontextmanager
    async def beside(self, ids: Ids) -> AsyncIterator[Transaction]:
        """A transaction of a host with a clock of its own."""
        turn = _Beside(self.clock, ids, self._locks)
        try:
            yield turn
            await turn._store_events()
            for _ in range(turn._ids.next(0) % 7):
                await step()
            while self._busy:
                await step()
        except BaseException:
            turn.unlock()
            raise
        turn.unlock()
        try:
            for statement, parameters in turn.writes:
                _connection().execute(statement, parameters)
        except sa.exc.IntegrityError as error:
            raise TryAgain from error
        self.committed += turn.emitted
        self.commits += 1

    def now(self, statement: Executable) -> list[sa.Row[Any]]:
        """What is committed; to be asked while no transaction is open."""
        return list(_connection().execute(statement).all())

    @property
    def busy(self) -> bool:
        return self._busy

    async def told(self) -> None:
        """Everybody is told before the commit returns."""

    async def close(self) -> None:
        """The connection is kept for the next history."""

"""PostgreSQL, for more than one process or machine: read committed, and locks that are asked for.

A read holds one connection that never opens a transaction: the transaction round every query costs
more than the driver. A write is one READ COMMITTED transaction on a connection of its own pool, so
that readers never starve writers. What two writers must not decide at once is said with
``Transaction.lock`` (why not SERIALIZABLE: docs/decisions/0015).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable

from tintype.database.notices import Notices
from tintype.database.postgres_faults import Phase, problems
from tintype.database.postgres_pool import Turn, Turns, autocommit, open_engine
from tintype.database.session import (
    Database,
    DatabaseUnavailable,
    Parameters,
    Reader,
    Transaction,
    refuse_nesting,
    writing,
)
from tintype.database.settings import DatabaseSettings
from tintype.database.waking import Waking
from tintype.kernel.clock import Clock
from tintype.kernel.ids import SHARDS, Id, Ids

log = structlog.get_logger(__name__)

_reading: ContextVar[_HeldReader | None] = ContextVar("reading", default=None)
"""What this task holds for reading."""
_lock = sa.text(
    "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(id) ELSE pg_advisory_xact_lock_shared(id) "
    "END FROM unnest(CAST(:ids AS bigint[]), CAST(:alone AS boolean[])) AS wanted (id, alone)"
)


class _HeldReader(Reader):
    """A connection that a block of reads holds, and the blocks inside it with it.

    A block within a block that waited for a second connection could wait for ever: everybody would
    hold one and want another.
    """

    def __init__(self, owner: Database, turn: Turn, *, stale: bool) -> None:
        self.turn = turn
        self.blocks = 1
        self._owner = owner
        self._stale = stale
        self._one_by_one = asyncio.Lock()

    def serves(self, database: Database, *, stale: bool) -> bool:
        """Whether another block may read with it."""
        return self.blocks > 0 and self._owner is database and (stale or not self._stale)

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        with problems(Phase.READING):
            async with self._one_by_one:
                return await self.turn.connection.execute(statement, parameters)


class _OpenTransaction(Transaction):
    serial = False

    def __init__(self, connection: AsyncConnection, clock: Clock, ids: Ids) -> None:
        super().__init__(clock, ids)
        self._connection = connection

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        with problems(Phase.WRITING):
            return await self._connection.execute(statement, parameters)

    async def lock(self, *ids: Id, shared: Collection[Id] = ()) -> None:
        wanted = dict.fromkeys(shared, False) | dict.fromkeys(ids, True)
        # In one order for everybody: two transactions never wait for each other.
        order = sorted(wanted)
        if order:
            await self._run(_lock, {"ids": order, "alone": [wanted[id_] for id_ in order]})


class PostgresDatabase(Database):
    """Any number of processes share it; each keeps two small pools of connections.

    A connection that breaks takes the idle ones of its pool with it, so that the next attempt
    starts afresh after a restart or a failover of the server.
    """

    def __init__(self, settings: DatabaseSettings, clock: Clock) -> None:
        if settings.url is None:
            message = "database.url is not set"
            raise ValueError(message)
        self.clock = clock
        # Others mint ids too: start somewhere in each millisecond, so that few meet.
        self.ids = Ids(clock, first=lambda: random.randrange(512))  # noqa: S311 - no secret
        self.notices = Notices(in_order=False)
        self.commits = 0
        self.engine = open_engine(settings.url, settings)
        self.reading_engine = autocommit(open_engine(settings.url, settings))
        self._writers = Turns(self.engine, settings.pool_size)
        self._readers = Turns(self.reading_engine, settings.pool_size)
        self._replica = None
        if settings.replica_url is not None:
            replica = autocommit(open_engine(settings.replica_url, settings))
            self._replica = Turns(replica, settings.pool_size)
        self.patience_s = settings.statement_timeout_ms / 1000
        self._committing: set[asyncio.Task[None]] = set()
        self.waking = Waking()

    async def open(self) -> None:
        for turns in (self._readers, self._writers):
            await turns.open()

    @asynccontextmanager
    async def read(self, *, stale: bool = False) -> AsyncIterator[Reader]:
        held = _reading.get()
        if held is not None and held.serves(self, stale=stale):
            held.blocks += 1
            token = None
        else:
            held = _HeldReader(self, await self._reading_turn(stale=stale), stale=stale)
            token = _reading.set(held)
        try:
            yield held
        except BaseException as error:
            held.blocks -= 1
            if not held.blocks:
                await held.turn.give_up(error)
            raise
        else:
            held.blocks -= 1
            if not held.blocks:
                await held.turn.end()
        finally:
            if token is not None:
                _reading.reset(token)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        refuse_nesting()
        turn = await self._writers.turn()
        transaction = _OpenTransaction(turn.connection, self.clock, self.ids)
        token = writing.set(True)
        try:
            yield transaction
            self._store_notices(transaction)
            await transaction._store_events()  # noqa: SLF001 - the transaction's own last step
        except BaseException as error:
            await turn.give_up(error)
            raise
        finally:
            writing.reset(token)
        # Once begun, a commit is seen to its end, whatever happens to this task.
        commit = asyncio.create_task(self._commit(turn, transaction))
        self._committing.add(commit)
        commit.add_done_callback(self._committing.discard)
        await asyncio.shield(commit)

    async def told(self) -> None:
        if self._committing:
            await asyncio.wait(self._committing)

    def _store_notices(self, transaction: _OpenTransaction) -> None:
        """Let the log tell the notices too: this process may die after the commit."""
        told = transaction._notices  # noqa: SLF001 - the transaction's own last step
        if told and not self.notices.alone:
            shard = random.randrange(SHARDS)  # noqa: S311 - no secret, only spread
            transaction.emit(self.notices.event_of(told, self.ids.next(shard)))

    async def close(self) -> None:
        """Wait for what is being committed, then close the connections."""
        if self._committing:
            await asyncio.wait(self._committing)
        for turns in (self._writers, self._readers, self._replica):
            if turns is not None:
                await turns.close()

    async def _reading_turn(self, *, stale: bool) -> Turn:
        if stale and self._replica is not None:
            try:
                return await self._replica.turn()
            except DatabaseUnavailable as error:
                log.warning("database.replica_away", error=repr(error))
        return await self._readers.turn()

    async def _commit(self, turn: Turn, transaction: _OpenTransaction) -> None:
        try:
            with problems(Phase.COMMITTING):
                await turn.connection.commit()
        except BaseException as error:
            await turn.give_up(error)
            raise
        self.commits += 1
        await turn.end()
        await self.notices.publish(transaction._notices)  # noqa: SLF001 - the transaction's own last step
        self.waking.ring(transaction._brings)  # noqa: SLF001 - the same

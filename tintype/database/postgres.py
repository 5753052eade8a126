"""PostgreSQL, for more than one process or machine: read committed, and locks that are asked for.

A read holds one connection that never opens a transaction: the transaction round every query costs
more than the driver. A write is one READ COMMITTED transaction on a connection of its own pool, so
that readers never starve writers. What two writers must not decide at once is said with
``Transaction.lock`` (why not SERIALIZABLE: docs/decisions/0015).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.base import Executable

from tintype.database.notices import Notices
from tintype.database.postgres_faults import Phase, problems
from tintype.database.postgres_sql import Compiler
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
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id, Ids

log = structlog.get_logger(__name__)

_CONNECT_S = 3.0
_QUEUE_S = 3.0
_GRACE_S = 2.0
_STATEMENTS = 500
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

    def __init__(self, owner: Database, connection: AsyncConnection, *, stale: bool) -> None:
        self.connection = connection
        self.blocks = 1
        self._owner = owner
        self._stale = stale
        self._turn = asyncio.Lock()

    def serves(self, database: Database, *, stale: bool) -> bool:
        """Whether another block may read with it."""
        return self.blocks > 0 and self._owner is database and (stale or not self._stale)

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        with problems(Phase.READING):
            async with self._turn:
                return await self.connection.execute(statement, parameters)


class _OpenTransaction(Transaction):
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
        self._readers = autocommit(open_engine(settings.url, settings))
        self._replica = (
            autocommit(open_engine(settings.replica_url, settings))
            if settings.replica_url
            else None
        )
        self._committing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    @property
    def reading_engine(self) -> AsyncEngine:
        return self._readers

    @asynccontextmanager
    async def read(self, *, stale: bool = False) -> AsyncIterator[Reader]:
        held = _reading.get()
        if held is not None and held.serves(self, stale=stale):
            held.blocks += 1
            token = None
        else:
            held = _HeldReader(self, await self._reading_connection(stale=stale), stale=stale)
            token = _reading.set(held)
        try:
            yield held
        except BaseException as error:
            held.blocks -= 1
            if not held.blocks:
                await _let_go(held.connection, error)
            raise
        else:
            held.blocks -= 1
            if not held.blocks:
                await held.connection.close()
        finally:
            if token is not None:
                _reading.reset(token)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        refuse_nesting()
        connection = await _connect(self.engine)
        transaction = _OpenTransaction(connection, self.clock, self.ids)
        token = writing.set(True)
        try:
            yield transaction
            await transaction._store_events()  # noqa: SLF001 - the transaction's own last step
        except BaseException as error:
            await _let_go(connection, error)
            raise
        finally:
            writing.reset(token)
        # Once begun, a commit is seen to its end, whatever happens to this task.
        commit = asyncio.create_task(self._commit(connection, transaction))
        self._committing.add(commit)
        commit.add_done_callback(self._committing.discard)
        await asyncio.shield(commit)

    async def told(self) -> None:
        if self._committing:
            await asyncio.wait(self._committing)

    async def woken(self, timeout: float) -> None:  # noqa: ASYNC109 - the wait is the point
        wake = self._wake
        try:
            async with asyncio.timeout(timeout):
                await wake.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Wait for what is being committed, then close the connections."""
        if self._committing:
            await asyncio.wait(self._committing)
        for engine in (self.engine, self._readers, self._replica):
            if engine is not None:
                await engine.dispose()

    async def _reading_connection(self, *, stale: bool) -> AsyncConnection:
        if stale and self._replica is not None:
            try:
                return await _connect(self._replica)
            except DatabaseUnavailable as error:
                log.warning("database.replica_away", error=repr(error))
        return await _connect(self._readers)

    async def _commit(self, connection: AsyncConnection, transaction: _OpenTransaction) -> None:
        try:
            with problems(Phase.COMMITTING):
                await connection.commit()
        except BaseException as error:
            await _let_go(connection, error)
            raise
        self.commits += 1
        await connection.close()
        # Told before the caller is acknowledged: nobody shows anything older from then on.
        await self.notices.publish(transaction._notices)  # noqa: SLF001 - the transaction's own
        # Whoever waits now is woken; whoever waits later waits for the next commit.
        self._wake.set()
        self._wake = asyncio.Event()


def open_engine(url: str, settings: DatabaseSettings) -> AsyncEngine:
    """An engine that opens connections as they are needed and waits a little for a free one."""
    patience_s = settings.statement_timeout_ms / 1000 + _GRACE_S
    prepared: dict[str, Any] = (
        {"prepared_statement_cache_size": _STATEMENTS}
        if settings.prepared_statements
        else {"prepared_statement_cache_size": 0, "statement_cache_size": 0}
    )
    engine = create_async_engine(
        sa.make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=_QUEUE_S,
        query_cache_size=2 * _STATEMENTS,
        isolation_level="READ COMMITTED",
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": patience_s,
            "server_settings": {
                "application_name": "tintype",
                "statement_timeout": str(settings.statement_timeout_ms),
                "idle_in_transaction_session_timeout": str(10 * settings.statement_timeout_ms),
                # An acknowledged commit is on disk, whatever the server's own default.
                "synchronous_commit": "on",
                "jit": "off",
            },
            **prepared,
        },
    )
    engine.dialect.statement_compiler = Compiler
    return engine


def autocommit(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, whose connections never open a transaction on their own."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    with problems(Phase.CONNECTING):
        return await engine.connect()


async def _let_go(connection: AsyncConnection, error: BaseException) -> None:
    """Roll back and give the connection back, or throw it away; never for long, never failing."""
    # After a cancelled or timed out statement the server may still be at it.
    busy = not isinstance(error, Exception) or isinstance(error.__cause__, OSError)
    letting_go = asyncio.create_task(_close(connection, busy=busy))
    try:
        await asyncio.shield(letting_go)
    except asyncio.CancelledError:
        await letting_go
        raise


async def _close(connection: AsyncConnection, *, busy: bool) -> None:
    try:
        if busy or connection.invalidated:
            await connection.invalidate()
        else:
            async with asyncio.timeout(_GRACE_S):
                await connection.rollback()
        await connection.close()
    except Exception as error:  # noqa: BLE001 - the connection is given up anyway
        log.info("database.connection_given_up", error=repr(error))
        with contextlib.suppress(Exception):
            await connection.invalidate(error)
            await connection.close()

"""Connections to PostgreSQL: opened as they are needed, taken in turns, given back whole."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tintype.database.postgres_faults import Phase, problems
from tintype.database.postgres_sql import Compiler
from tintype.database.session import DatabaseUnavailable
from tintype.database.settings import DatabaseSettings

log = structlog.get_logger(__name__)

_CONNECT_S = 3.0
_QUEUE_S = 10.0
_GRACE_S = 2.0
_STATEMENTS = 500
_READY = 4
"""Connections that are opened before anybody asks."""


class Turns:
    """At most so many connections at a time; whoever waits the longest is the next.

    SQLAlchemy's own queue lets newcomers overtake: under load somebody would wait for ever.
    """

    def __init__(self, engine: AsyncEngine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._free = asyncio.Semaphore(most)

    async def turn(self) -> Turn:
        """A connection of one's own, to be given back by ``end`` or ``give_up``.

        Raises:
            DatabaseUnavailable: none was free in time, or the server does not answer.
        """
        try:
            async with asyncio.timeout(_QUEUE_S):
                await self._free.acquire()
        except TimeoutError as error:
            message = "Every connection to the database is in use."
            raise DatabaseUnavailable(message, retry_after=1.0) from error
        try:
            with problems(Phase.CONNECTING):
                return Turn(await self._engine.connect(), self._free)
        except BaseException:
            self._free.release()
            raise

    async def open(self) -> None:
        """Have some connections ready.

        Raises:
            DatabaseUnavailable: the server does not answer.
        """
        turns = await asyncio.gather(
            *(self.turn() for _ in range(min(_READY, self._most))), return_exceptions=True
        )
        for turn in turns:
            if isinstance(turn, Turn):
                await turn.end()
        for turn in turns:
            if isinstance(turn, BaseException):
                raise turn

    async def close(self) -> None:
        await self._engine.dispose()


class Turn:
    """A connection for as long as somebody needs it."""

    def __init__(self, connection: AsyncConnection, free: asyncio.Semaphore) -> None:
        self.connection = connection
        self._free = free

    async def end(self) -> None:
        """Give the connection back."""
        try:
            await self.connection.close()
        finally:
            self._free.release()

    async def give_up(self, error: BaseException) -> None:
        """Roll back and give the connection back, or throw it away: not for long, never failing."""
        # After a cancelled or timed out statement the server may still be at it.
        busy = not isinstance(error, Exception) or isinstance(error.__cause__, OSError)
        giving_up = asyncio.create_task(self._give_up(busy=busy))
        try:
            await asyncio.shield(giving_up)
        except asyncio.CancelledError:
            await giving_up
            raise

    async def _give_up(self, *, busy: bool) -> None:
        connection = self.connection
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
        finally:
            self._free.release()


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

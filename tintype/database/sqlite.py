"""The embedded database: one SQLite file, one group-commit writer, readers beside it.

Transactions take turns on the writing connection. A finished one is not committed by itself: a
committer queues for its own turn behind everything that is already waiting and makes all of it
durable with a single fsync. Reads run inline on the event loop: a short indexed read costs less
than the hop to a thread (measured: 25 k against 11 k pages a second), only the fsync leaves it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.sql.base import Executable

from tintype.database.notices import Notices
from tintype.database.session import (
    Database,
    DatabaseUnavailable,
    DiskFull,
    Parameters,
    Reader,
    Transaction,
    refuse_nesting,
    writing,
)
from tintype.database.waking import News, Waking
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Ids
from tintype.kernel.notice import Notice
from tintype.kernel.turns import Turns

log = structlog.get_logger(__name__)

_BUSY_ATTEMPTS = 200
_BUSY_WAIT_S = 0.025
_LONGEST_TURN_S = 0.1


class _InlineReader(Reader):
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        return self._connection.execute(statement, parameters)


class _Turn(Transaction):
    """A transaction in its turn on the writing connection."""

    def __init__(self, connection: sa.Connection, clock: Clock, ids: Ids) -> None:
        super().__init__(clock, ids)
        self._connection = connection

    async def _run(self, statement: Executable, parameters: Parameters | None) -> sa.Result[Any]:
        return self._connection.execute(statement, parameters)


class _Pending:
    """A finished transaction that waits for the fsync."""

    def __init__(self, notices: list[Notice], brings: set[News]) -> None:
        self.notices = notices
        self.brings = brings
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()


def open_engine(path: Path | str, module: Any = sqlite3) -> sa.Engine:
    """An engine whose connections never begin or commit on their own.

    ``module`` is the DB-API driver; the power-cut experiment passes one with a lying disk.
    """
    engine = sa.create_engine(
        f"sqlite+pysqlite:///{path}",
        module=module,
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
        connect_args={"check_same_thread": False, "timeout": 0.0, "cached_statements": 512},
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16384",
            "temp_store=MEMORY",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


class SqliteDatabase(Database):
    """One process owns the file for writing; others may read or wait their turn.

    After a failed fsync nothing more is written: ``on_fatal`` is called once, every later write
    answers ``DatabaseUnavailable`` and the process is expected to stop and recover.
    """

    def __init__(
        self,
        path: Path | str,
        clock: Clock,
        *,
        module: Any = sqlite3,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.clock = clock
        self.ids = Ids(clock)
        self.notices = Notices()
        self.engine = open_engine(path, module)
        self._on_fatal = on_fatal
        self._writer = self.engine.connect()
        self._reader = _InlineReader(self.engine.connect())
        self._raw: Any = self._writer.connection.dbapi_connection
        _sync_folder(Path(path).parent)
        self._turn = asyncio.Lock()
        self._turns = Turns(_LONGEST_TURN_S)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._batch: list[_Pending] = []
        self._committer: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None
        self.waking = Waking()
        self.commits = 0

    @asynccontextmanager
    async def read(self, *, stale: bool = False) -> AsyncIterator[Reader]:
        del stale  # one file: nothing is ever behind
        yield self._reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        refuse_nesting()
        async with self._my_turn():
            token = writing.set(True)
            try:
                await self._begin()
                turn = _Turn(self._writer, self.clock, self.ids)
                try:
                    yield turn
                    await turn._store_events()  # noqa: SLF001 - the transaction's own last step
                    self._raw.execute("RELEASE turn")
                except BaseException as error:
                    self._roll_back(error)
                    raise
                pending = _Pending(turn._notices, turn._brings)  # noqa: SLF001 - the same
                self._batch.append(pending)
                if self._committer is None:
                    self._committer = asyncio.create_task(self._commit_in_turn())
            except sqlite3.OperationalError as error:
                raise _problem(error) from error
            except sa.exc.OperationalError as error:
                raise _problem(error.orig) from error
            finally:
                writing.reset(token)
        await asyncio.shield(pending.durable)

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        self._turns.came()
        try:
            await self._turn.acquire()
        finally:
            self._turns.began()
        try:
            yield
        finally:
            self._turn.release()

    def expected_write_s(self, in_front: int = 0) -> float:
        # As long again for the commit, which takes its turn behind all who wait by then.
        turns = self._turns
        return (turns.waiting + in_front) * turns.each_s * 2

    async def told(self) -> None:
        # The turn comes after everything that was committed before.
        async with self.write():
            pass

    async def empty_log(self) -> None:
        """Move everything from the write-ahead log into the file and empty the log.

        What was deleted is then overwritten on disk too, and not only unreachable.
        """
        async with self._turn:
            if not self._raw.in_transaction:
                statement = "PRAGMA wal_checkpoint(TRUNCATE)"
                await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._raw.execute, statement
                )

    async def close(self) -> None:
        """Wait for what is being committed, then let go of the file."""
        if self._committer is not None:
            await asyncio.wait([self._committer])
        self._thread.shutdown()
        self._reader._connection.close()  # noqa: SLF001 - ours
        self._writer.close()
        self.engine.dispose()

    async def _begin(self) -> None:
        if self._failed is not None:
            raise DatabaseUnavailable
        if not self._raw.in_transaction:
            for attempt in range(_BUSY_ATTEMPTS):
                try:
                    self._raw.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or attempt == _BUSY_ATTEMPTS - 1:
                        raise
                await asyncio.sleep(_BUSY_WAIT_S)
        self._raw.execute("SAVEPOINT turn")

    def _roll_back(self, error: BaseException) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK TO turn")
            self._raw.execute("RELEASE turn")
            if not self._batch:
                self._raw.execute("ROLLBACK")
            return
        # SQLite gave up the whole transaction (disk full, I/O error): the batch went with it.
        self._fail_batch(error)

    def _fail_batch(self, error: BaseException) -> None:
        batch, self._batch = self._batch, []
        for pending in batch:
            if not pending.durable.done():
                pending.durable.set_exception(_problem(getattr(error, "orig", error)))

    async def _commit_in_turn(self) -> None:
        async with self._turn:
            self._committer = None
            if not self._batch:
                return
            error = await self._commit()
            if error is not None:
                self._commit_failed(error)
                return
            self.commits += 1
            batch, self._batch = self._batch, []
        if self.notices.alone:
            for pending in batch:
                self.notices.apply(pending.notices)
        else:
            # What several processes could hold is told to all of them before it is acknowledged.
            await self.notices.publish([each for pending in batch for each in pending.notices])
        for pending in batch:
            if not pending.durable.done():
                pending.durable.set_result(None)
        self.waking.ring({news for pending in batch for news in pending.brings})

    async def _commit(self) -> BaseException | None:
        """COMMIT on the thread; once begun it is waited for, whatever happens to this task."""
        commit = asyncio.get_running_loop().run_in_executor(
            self._thread, self._raw.execute, "COMMIT"
        )
        cancelled = False
        while not commit.done():
            try:
                await asyncio.wait([commit])
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            log.info("database.commit_outlived_its_task")
        return commit.exception()

    def _commit_failed(self, error: BaseException) -> None:
        log.error("database.commit_failed", error=repr(error))
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")
        if not isinstance(_problem(error), DiskFull):
            # After a failed fsync a later one may falsely succeed: stop, never retry in place.
            self._failed = error
            if self._on_fatal is not None:
                self._on_fatal(error)
        self._fail_batch(error)


def _sync_folder(folder: Path) -> None:
    """Make the file names durable: a rollback journal that came back would undo what followed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(error: BaseException | None) -> Exception:
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return DiskFull()
    if isinstance(error, (DatabaseUnavailable, DiskFull)):
        return error
    return DatabaseUnavailable(retry_after=1.0)

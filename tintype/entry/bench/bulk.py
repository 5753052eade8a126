"""Rows in bulk, as columns: into SQLite by its own API, into PostgreSQL by binary COPY."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from tintype.database import Database, SqliteDatabase, metadata

Column = npt.NDArray[Any] | str | int | None
"""Numbers, or texts of one length as NumPy's bytes; or the same for every row."""
Columns = Mapping[str, Column]

_KEPT = frozenset(
    {"consumer_offsets", "event_log", "flags", "instance", "leases", "outbox", "sent_events"}
)
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_WIDTHS: Sequence[tuple[type[Any], str]] = (
    (sa.BigInteger, ">i8"),
    (sa.SmallInteger, ">i2"),
    (sa.Integer, ">i4"),
    (sa.Boolean, "i1"),
)


class Bulk(ABC):
    """Writes many rows into one database that nobody else uses meanwhile."""

    @abstractmethod
    async def put(self, table: sa.Table, columns: Columns) -> int:
        """Insert rows, durable at ``settle``; how many. What is not named stays as the schema has
        it, and ``None`` is NULL.
        """

    @abstractmethod
    def whole(self, table: sa.Table) -> AbstractAsyncContextManager[None]:
        """Within this, everything that the table is to hold is put; what was there goes."""

    @abstractmethod
    async def empty(self) -> None:
        """Remove every row that speaks of somebody or something.

        How far the log was read stays, and so do flags: an engine outside may still hold events.
        """

    @abstractmethod
    async def settle(self) -> None:
        """Make all of it durable and let the database look at what it has now."""

    @abstractmethod
    async def sizes(self) -> dict[str, int]:
        """Bytes of each table with its indexes, where the database can tell."""


def height(columns: Columns) -> int:
    """How many rows these are."""
    return next(len(each) for each in columns.values() if isinstance(each, np.ndarray))


class SqliteBulk(Bulk):
    """The embedded file: one transaction a call, also within ``whole``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def put(self, table: sa.Table, columns: Columns) -> int:
        rows = height(columns)
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        insert = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names of the schema
        values = zip(*(_plain(each, rows) for each in columns.values()), strict=True)
        await asyncio.to_thread(self._run, [(insert, values)])
        return rows

    @asynccontextmanager
    async def whole(self, table: sa.Table) -> AsyncIterator[None]:
        await asyncio.to_thread(self._run, [(f"DELETE FROM {table.name}", None)])  # noqa: S608 - the same
        yield

    async def empty(self) -> None:
        await asyncio.to_thread(self._run, [(f"DELETE FROM {name}", None) for name in _emptied()])  # noqa: S608 - the same

    async def settle(self) -> None:
        await asyncio.to_thread(self._run, [("ANALYZE", None)])

    async def sizes(self) -> dict[str, int]:
        return {}

    def _run(self, statements: Sequence[tuple[str, Any]]) -> None:
        with self._engine.connect() as connection:
            driver = connection.connection.cursor()
            driver.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    if values is None:
                        driver.execute(statement)
                    else:
                        driver.executemany(statement, values)
                driver.execute("COMMIT")
            except BaseException:
                driver.execute("ROLLBACK")
                raise


class PostgresBulk(Bulk):
    """A server, over one connection of asyncpg; how long it may take is the connection's matter."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._whole: sa.Table | None = None

    async def put(self, table: sa.Table, columns: Columns) -> int:
        encoded = _encoded(table, columns)

        async def source() -> AsyncIterator[bytes]:
            yield _HEADER
            data = memoryview(encoded)
            for start in range(0, len(data), 1 << 20):
                yield bytes(data[start : start + (1 << 20)])
            yield _END

        await self._connection.copy_to_table(
            table.name,
            source=source(),
            columns=list(columns),
            format="binary",
            freeze=table is self._whole,
        )
        return height(columns)

    @asynccontextmanager
    async def whole(self, table: sa.Table) -> AsyncIterator[None]:
        # Rows of a table that was emptied in the same transaction need no vacuum later, and with
        # wal_level = minimal no write-ahead log either.
        async with self._connection.transaction():
            await self._connection.execute(f"TRUNCATE {table.name}")
            self._whole = table
            try:
                yield
            finally:
                self._whole = None

    async def empty(self) -> None:
        await self._connection.execute(f"TRUNCATE {', '.join(_emptied())}")

    async def settle(self) -> None:
        await self._connection.execute("VACUUM (ANALYZE)")

    async def sizes(self) -> dict[str, int]:
        rows = await self._connection.fetch(
            "SELECT relname, pg_total_relation_size(oid) AS size FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {row["relname"]: row["size"] for row in rows}


@asynccontextmanager
async def open_bulk(database: Database) -> AsyncIterator[Bulk]:
    """Bulk writing into a database that is open."""
    if isinstance(database, SqliteDatabase):
        yield SqliteBulk(database.engine)
        return
    # The one other kind; importing it here would load its driver.
    engine: Any = database.reading_engine  # type: ignore[attr-defined]
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.execute("SET statement_timeout = 0")
        yield PostgresBulk(driver)


def _emptied() -> list[str]:
    return [each.name for each in reversed(metadata.sorted_tables) if each.name not in _KEPT]


def _plain(column: Column, rows: int) -> list[Any]:
    if not isinstance(column, np.ndarray):
        return [column] * rows
    values: list[Any] = (column.astype(str) if column.dtype.kind == "S" else column).tolist()
    return values


def _encoded(table: sa.Table, columns: Columns) -> Any:
    """The rows as PostgreSQL's binary COPY has them: each field after its length."""
    rows = height(columns)
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, column in columns.items():
        fields.append((f"{name} length", ">i4"))
        if column is not None:
            fields.append((name, _width(table.c[name], column)))
    packed = np.zeros(rows, np.dtype(fields))
    packed["fields"] = len(columns)
    for name, column in columns.items():
        if column is None:
            packed[f"{name} length"] = -1
            continue
        packed[name] = column.encode() if isinstance(column, str) else column
        packed[f"{name} length"] = packed.dtype[name].itemsize
    return packed.view(np.uint8)


def _width(column: sa.Column[Any], values: Column) -> str:
    if isinstance(values, str):
        return f"S{len(values.encode())}" if values else "S0"
    for kind, width in _WIDTHS:
        if isinstance(column.type, kind):
            return width
    return str(np.asarray(values).dtype)

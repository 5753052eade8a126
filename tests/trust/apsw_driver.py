"""A DB-API face on APSW, so that the real database code runs on a simulated disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw

paramstyle = "qmark"
threadsafety = 1
apilevel = "2.0"
sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
Error = sqlite3.Error
DatabaseError = sqlite3.DatabaseError
OperationalError = sqlite3.OperationalError
IntegrityError = sqlite3.IntegrityError
InterfaceError = sqlite3.InterfaceError
InternalError = sqlite3.InternalError
ProgrammingError = sqlite3.ProgrammingError
NotSupportedError = sqlite3.NotSupportedError
DataError = sqlite3.DataError
Warning = sqlite3.Warning  # noqa: A001 - the DB-API's name
Binary = bytes

VFS: str | None = None
"""The name of the simulated disk that new connections use."""


def _translated(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except apsw.ConstraintError as error:
        raise sqlite3.IntegrityError(str(error)) from error
    except apsw.Error as error:
        raise sqlite3.OperationalError(str(error)) from error


class Cursor:
    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid = 0

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        return self._run(sql, [parameters])

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> Cursor:
        return self._run(sql, list(rows))

    def _run(self, sql: str, rows: list[Sequence[object]]) -> Cursor:
        self.rowcount, self._rows, self.description = 0, [], None
        raw = self._connection.raw

        def note_columns(cursor: apsw.Cursor, _: str, __: object) -> bool:
            # Asked before the first step: afterwards an empty result has no columns any more.
            columns = cursor.get_description()
            if columns:
                self.description = [
                    (each[0], None, None, None, None, None, None) for each in columns
                ]
            return True

        def work() -> None:
            for row in rows:
                before = raw.total_changes()
                cursor = raw.cursor()
                cursor.exec_trace = note_columns
                self._rows += cursor.execute(sql, tuple(row)).fetchall()
                self.rowcount += raw.total_changes() - before

        _translated(work)
        return self

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def close(self) -> None:
        self._rows = []


class Connection:
    def __init__(self, path: str) -> None:
        self.raw = apsw.Connection(path, vfs=VFS) if VFS else apsw.Connection(path)
        self.isolation_level: str | None = None

    @property
    def in_transaction(self) -> bool:
        return self.raw.in_transaction

    def cursor(self, *_: object) -> Cursor:
        return Cursor(self)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def create_function(self, name: str, arguments: int, function: Any, **_: object) -> None:
        self.raw.create_scalar_function(name, function, arguments)

    def commit(self) -> None:
        """Transactions are ended by statements."""

    def rollback(self) -> None:
        """Transactions are ended by statements."""

    def close(self) -> None:
        self.raw.close()


def connect(path: str, **_: object) -> Connection:
    return Connection(path)

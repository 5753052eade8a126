"""What PostgreSQL's failures mean to whoever called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import asyncpg
import sqlalchemy as sa

from tintype.database.session import DatabaseUnavailable, DiskFull, TryAgain

_DISK_FULL = "53100"
_SERIALISATION, _DEADLOCK, _LOCK_NOT_FREE, _UNIQUE = "40001", "40P01", "55P03", "23505"
_AGAIN = frozenset({_SERIALISATION, _DEADLOCK, _LOCK_NOT_FREE})
_TIMED_OUT, _READ_ONLY = "57014", "25006"
# Connection exceptions, too few resources, operator's intervention, system errors.
_AWAY = ("08", "53", "57", "58")

# A refused or timed out connection comes as the operating system's error.
# A server that ends while nothing is asked leaves the driver inside its farewell: the next thing
# asked of that connection is refused as an error of the client.
_BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_RAW: tuple[type[BaseException], ...] = (asyncpg.PostgresError, *_BROKEN)


class Phase(Enum):
    """How far a piece of work had come when it failed."""

    CONNECTING = "connecting"
    READING = "reading"
    WRITING = "writing"
    """Before COMMIT was sent: nothing was stored."""
    COMMITTING = "committing"
    """After COMMIT was sent: stored or not, nobody knows, unless the server said no."""


@contextmanager
def problems(phase: Phase) -> Iterator[None]:
    """Turn what the driver raises into the problem to answer with; all else passes through."""
    try:
        yield
    except Exception as error:
        problem = _problem_of(error, phase)
        if problem is None:
            raise
        # The cause is the driver's own error: a caller can tell a timeout from a refusal.
        raise problem from (_driver_error(error) or error)


def _problem_of(error: Exception, phase: Phase) -> Exception | None:
    """The problem; ``None`` when the statement is to blame and not the database."""
    if isinstance(error, sa.exc.TimeoutError):
        return DatabaseUnavailable("Every connection to the database is in use.", retry_after=1.0)
    cause = _driver_error(error)
    if cause is None:
        return None
    code = getattr(cause, "sqlstate", None)
    if code is not None:
        return _by_code(str(code), phase)
    if isinstance(cause, _BROKEN):
        if phase is Phase.CONNECTING or isinstance(cause, TimeoutError):
            return DatabaseUnavailable(retry_after=2.0)
        return _lost(phase)
    return None


def _by_code(code: str, phase: Phase) -> Exception | None:
    """What an answer of the server means."""
    if code == _DISK_FULL:
        return DiskFull()
    if code in _AGAIN:
        return TryAgain(retry_after=1.0)
    if code == _UNIQUE:
        # Two processes minted the same id, or created the same thing: the next run sees it.
        return TryAgain(retry_after=1.0)
    if code in {_TIMED_OUT, _READ_ONLY}:
        return DatabaseUnavailable(retry_after=2.0)
    if code.startswith(_AWAY):
        return DatabaseUnavailable(retry_after=2.0) if phase is Phase.CONNECTING else _lost(phase)
    return None


def _lost(phase: Phase) -> Exception:
    if phase is Phase.COMMITTING:
        message = "The connection broke while the change was being stored; look before you repeat."
        return DatabaseUnavailable(message, retry_after=2.0)
    return TryAgain(retry_after=1.0)


def _driver_error(error: BaseException) -> BaseException | None:
    """The driver's own exception, without what SQLAlchemy wrapped round it."""
    if isinstance(error, sa.exc.DBAPIError):
        original: BaseException | None = error.orig
        return error if original is None else original.__cause__ or original
    return error if isinstance(error, _RAW) else None

"""The new home: a PostgreSQL database and a bucket, and the notes that a move keeps there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from tintype.adapters.s3 import S3Settings
from tintype.database import DatabaseUnavailable, Reader, Row, Transaction, metadata, upsert
from tintype.database.settings import DatabaseSettings
from tintype.entry.migrate_store.model import Move, MoveRefused, TableMark
from tintype.entry.settings import Settings
from tintype.kernel.clock import Clock
from tintype.kernel.problem import Unavailable as Away
from tintype.ports.errors import AdapterError, BlobNotFound, Unavailable

T = TypeVar("T")

NOTE = "migrate-store/source.json"
"""The blob that says whose bucket this is to be."""

_LOCK = 0x7147_5703
_LOCK_TRIES, _TRIES, _PAUSE_S = 20, 12, 5.0
_PATIENCE_MS = 3_600_000
_CONNECTIONS = 4
_MOVE, _TABLE, _BLOB = "move", "table ", "blob "

marks = sa.Table(
    "store_moves",
    sa.MetaData(),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


class Target:
    """What ``database.url`` and ``s3`` of the settings name.

    Raises:
        MoveRefused: one of them is not set.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.s3 = _patient(settings), _bucket(settings)
        from tintype.adapters.s3.blobs import S3Blobs
        from tintype.database.postgres import PostgresDatabase

        self.database = PostgresDatabase(self.settings, clock)
        self.blobs = S3Blobs(self.s3, clock=clock)

    @property
    def name(self) -> str:
        """The new home for a person to read: no password is in it."""
        url = sa.make_url(str(self.settings.url)).render_as_string(hide_password=True)
        return f"{url} and bucket {self.s3.bucket} at {self.s3.home}"

    async def close(self) -> None:
        await self.database.close()
        self.blobs.close()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep every other move out; the server lets go when this process dies.

        Raises:
            MoveRefused: another one is under way.
        """
        taking = sa.text("SELECT pg_try_advisory_lock(:key)")
        async with self.database.reading_engine.connect() as connection:
            for _ in range(_LOCK_TRIES):
                if await connection.scalar(taking, {"key": _LOCK}):
                    break
                await asyncio.sleep(_PAUSE_S / _LOCK_TRIES)
            else:
                raise MoveRefused("Another migrate-store writes to this database. Wait for it.")
            try:
                yield
            finally:
                # A server that was restarted meanwhile has let go by itself.
                with contextlib.suppress(sa.exc.SQLAlchemyError, OSError):
                    unlocking = sa.text("SELECT pg_advisory_unlock(:key)")
                    await connection.scalar(unlocking, {"key": _LOCK})

    async def reach(self) -> None:
        """See to it that both answer.

        Raises:
            MoveRefused: one does not, or does not let us in.
        """
        try:
            async with self.database.read() as reader:
                await reader.scalar(sa.text("SELECT 1"))
        except Exception as error:
            said = str(error.__cause__ or error) or type(error).__doc__
            raise MoveRefused(
                f"The database lets nobody in: {said}. Check database.url (TINTYPE_DATABASE__URL)."
            ) from error
        try:
            await self.blobs.connection.reach()
        except AdapterError as error:
            raise MoveRefused(f"{error}. Check the section s3 of the settings.") from error

    async def move(self) -> Move | None:
        """Whose data this database takes in; ``None`` while it is nobody's."""
        async with self.database.read() as reader:
            if await reader.scalar(sa.text("SELECT to_regclass('store_moves')")) is None:
                return None
            found = await reader.scalar(_named(_MOVE))
        return None if found is None else msgspec.json.decode(found, type=Move)

    async def refuse_others(self, identity: str) -> Move | None:
        """The move that is under way, or done, from this source; ``None`` in an empty home.

        Raises:
            MoveRefused: the database or the bucket holds something else.
        """
        move = await self.move()
        if move is None:
            filled = await self._filled_tables()
            if filled:
                raise MoveRefused(
                    f"The database is not empty ({', '.join(filled[:5])}) and is not from this "
                    "folder. Nothing was written to it. Make an empty one, name it in database.url "
                    "(TINTYPE_DATABASE__URL), and start no server on it before the move is done."
                )
        elif move.source != identity:
            raise MoveRefused(
                "The database holds the data of another instance. Name an empty one in "
                "database.url (TINTYPE_DATABASE__URL)."
            )
        owner = await self._owner_of_bucket()
        if owner is None and (strange := await self._any_key()):
            raise MoveRefused(
                f"The bucket {self.s3.bucket} holds other things ({strange}). "
                "Nothing was written to it. Name an empty one in s3.bucket (TINTYPE_S3__BUCKET)."
            )
        if owner not in {None, identity}:
            raise MoveRefused(
                f"The bucket {self.s3.bucket} holds the media of another instance. Name an empty "
                "one in s3.bucket (TINTYPE_S3__BUCKET)."
            )
        return move

    async def begin(self, move: Move, *, anew: bool) -> None:
        """Note whose data is coming; ``anew`` forgets how far an earlier snapshot had come."""
        async with self.database.write() as tx:
            await tx.execute(sa.schema.CreateTable(marks, if_not_exists=True))
            if anew:
                await tx.execute(sa.delete(marks).where(marks.c.shard == 0))
            await put(tx, _MOVE, move)
        note = msgspec.json.encode({"source": move.source})
        await self.blobs.write(NOTE, note, content_type="application/json")

    async def end(self, move: Move) -> None:
        """Note that everything arrived and was verified."""
        async with self.database.write() as tx:
            await put(tx, _MOVE, msgspec.structs.replace(move, state="moved"))

    async def mark_of(self, table: sa.Table) -> TableMark | None:
        """How far a table has come; ``None`` when it is to begin."""
        async with self.database.read() as reader:
            found = await reader.scalar(_named(_TABLE + table.name))
        return None if found is None else msgspec.json.decode(found, type=TableMark)

    async def again(self, tables: Collection[str], keys: Collection[str]) -> None:
        """Note what has to be copied once more, whatever it looks like."""
        async with self.database.write() as tx:
            for table in tables:
                await tx.execute(sa.delete(marks).where(*_mark(_TABLE + table)))
            for key in keys:
                await put(tx, _BLOB + key, "wrong")

    async def broken_keys(self) -> set[str]:
        """The blobs that an earlier verification found to be wrong."""
        async with self.database.read() as reader:
            rows = await reader.all(
                sa.select(marks.c.name).where(
                    marks.c.shard == 0, marks.c.name.startswith(_BLOB, autoescape=True)
                )
            )
        return {row.name.removeprefix(_BLOB) for row in rows}

    async def mended(self, keys: Collection[str]) -> None:
        """Forget that these were wrong."""
        async with self.database.write() as tx:
            for key in keys:
                await tx.execute(sa.delete(marks).where(*_mark(_BLOB + key)))

    async def _filled_tables(self) -> list[str]:
        async with self.database.read() as reader:
            return [
                table.name
                for table in metadata.sorted_tables
                if await exists(reader, table.name)
                and await reader.first(sa.select(table.c.shard).limit(1))
            ]

    async def _owner_of_bucket(self) -> str | None:
        try:
            note = await self.blobs.read(NOTE)
        except BlobNotFound:
            return None
        try:
            return msgspec.json.decode(note, type=dict[str, str])["source"]
        except (msgspec.MsgspecError, KeyError):
            return ""

    async def _any_key(self) -> str | None:
        found = await self.blobs.connection.run(
            lambda: self.blobs.connection.client.list_objects_v2(Bucket=self.s3.bucket, MaxKeys=1)
        )
        return next((str(each["Key"]) for each in found.get("Contents", [])), None)


async def exists(reader: Reader, table: str) -> bool:
    """Whether the database has this table."""
    asked = sa.text("SELECT to_regclass(:name)")
    return await reader.scalar(asked, {"name": table}) is not None


async def put(tx: Transaction, name: str, value: object) -> None:
    row = {"shard": 0, "name": name, "value": msgspec.json.encode(value).decode()}
    await tx.execute(upsert(marks, row, index=["shard", "name"], update=["value"]))


async def put_mark(tx: Transaction, table: sa.Table, mark: TableMark) -> None:
    """Note in this transaction how far a table has come with it."""
    await put(tx, _TABLE + table.name, mark)


async def insist(work: Callable[[], Awaitable[T]]) -> T:
    """Do repeatable work, through an engine's short absence.

    Raises:
        MoveRefused: it was away for a minute.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return await work()
        except (DatabaseUnavailable, Unavailable, Away) as error:
            if attempt == _TRIES:
                raise away(error) from error
            await asyncio.sleep(min(_PAUSE_S, 0.1 * 2**attempt))
    raise AssertionError  # pragma: no cover - the loop ends by returning or raising


def away(error: BaseException) -> MoveRefused:
    """The refusal for an engine that does not answer."""
    said = str(error) or (type(error).__doc__ or "").strip()
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return MoveRefused(
        f"The new home does not answer: {said}{cause} What has arrived stays; "
        "run the same command again and it goes on from there."
    )


def rows_of(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Rows as they are inserted."""
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _named(name: str) -> sa.Select[tuple[str]]:
    return sa.select(marks.c.value).where(*_mark(name))


def _mark(name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return marks.c.shard == 0, marks.c.name == name


def _patient(settings: Settings) -> DatabaseSettings:
    if settings.database.url is None:
        raise MoveRefused(
            "Where to? Set database.url (TINTYPE_DATABASE__URL), as "
            "postgresql://name:password@host:5432/database, to an empty database."
        )
    patience = {"statement_timeout_ms": _PATIENCE_MS, "pool_size": _CONNECTIONS}
    return settings.database.model_copy(update={**patience, "replica_url": None})


def _bucket(settings: Settings) -> S3Settings:
    if settings.s3 is None:
        raise MoveRefused(
            "Where to? Set s3.bucket (TINTYPE_S3__BUCKET) to an empty bucket, with its endpoint "
            "and keys; tintype storage setup makes it."
        )
    return settings.s3

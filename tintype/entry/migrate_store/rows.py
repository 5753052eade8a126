"""Rows, table by table in the order of their keys, and a sum over them that forgets the order."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from tintype.database import Row, metadata, upsert
from tintype.entry.migrate_store.model import TableMark
from tintype.entry.migrate_store.progress import Advance
from tintype.entry.migrate_store.target import Target, insist, put_mark, rows_of

_BATCH = 1_000
_PAGE = 5_000
_WORD = 1 << 128
_encode = msgspec.msgpack.Encoder().encode

Digest = dict[int, tuple[int, int]]
"""By shard: how many rows, and the sum of their hashes. Neither order nor batches matter."""
Pages = AsyncIterator[Sequence[Row]]


def tables() -> list[sa.Table]:
    """Every table of the schema, none before one that it refers to."""
    return list(metadata.sorted_tables)


class Snapshot:
    """The rows of the source."""

    def __init__(self, engine: sa.Engine) -> None:
        self._connection = engine.connect()

    def close(self) -> None:
        self._connection.close()

    def count(self, table: sa.Table) -> int:
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)

    async def page(self, statement: sa.Select[Any]) -> Sequence[Row]:
        return await asyncio.to_thread(lambda: self._connection.execute(statement).all())

    async def pages(self, table: sa.Table, *, shard: int | None = None) -> Pages:
        """All rows, or those of one shard."""
        async for page in _pages(table, self.page, shard):
            yield page


async def target_pages(target: Target, table: sa.Table, *, shard: int | None = None) -> Pages:
    """All rows of the new home, or those of one shard."""

    async def page(statement: sa.Select[Any]) -> Sequence[Row]:
        async def read() -> Sequence[Row]:
            async with target.database.read() as reader:
                return await reader.all(statement)

        return await insist(read)

    async for found in _pages(table, page, shard):
        yield found


async def copy_table(table: sa.Table, snapshot: Snapshot, target: Target, advance: Advance) -> None:
    """Bring a table over from where it stands; rows and mark of a batch commit together."""
    mark = await insist(lambda: target.mark_of(table))
    if mark is None:
        mark = TableMark()
        await insist(lambda: _empty(table, target))
    advance(mark.rows)
    while not mark.done:
        rows = await snapshot.page(_after(table, _decoded(table, mark.after), _BATCH))
        mark = TableMark(
            after=_encoded(table, rows[-1]) if rows else mark.after,
            rows=mark.rows + len(rows),
            done=len(rows) < _BATCH,
        )
        await insist(lambda rows=rows, mark=mark: _put(table, rows, mark, target))  # type: ignore[misc] # the values of this round
        advance(len(rows))


async def digest_of(pages: Pages, advance: Advance | None = None) -> Digest:
    """The sums over a table."""
    found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    async for rows in pages:
        for row in rows:
            count, total = found[row.shard]
            found[row.shard] = (count + 1, (total + _hash(row)) % _WORD)
        if advance is not None:
            advance(len(rows))
    return dict(found)


async def hashes_of(pages: Pages, table: sa.Table) -> dict[tuple[object, ...], int]:
    """The hash of each row by its key: for a shard, where it is to be told which row differs."""
    names = [column.name for column in table.primary_key.columns]
    return {
        tuple(_plain(row._mapping[name]) for name in names): _hash(row)  # noqa: SLF001 - SQLAlchemy's public name
        async for rows in pages
        for row in rows
    }


async def _empty(table: sa.Table, target: Target) -> None:
    async with target.database.write() as tx:
        await tx.execute(sa.delete(table))
        await put_mark(tx, table, TableMark())


async def _put(table: sa.Table, rows: Sequence[Row], mark: TableMark, target: Target) -> None:
    keys = [column.name for column in table.primary_key.columns]
    others = [column.name for column in table.columns if column.name not in keys]
    async with target.database.write() as tx:
        if rows:
            await tx.execute(upsert(table, index=keys, update=others), rows_of(rows))
        await put_mark(tx, table, mark)


async def _pages(
    table: sa.Table,
    page: Callable[[sa.Select[Any]], Any],
    shard: int | None,
) -> Pages:
    after: Sequence[object] | None = None
    keys = [column.name for column in table.primary_key.columns]
    while True:
        statement = _after(table, after, _PAGE)
        if shard is not None:
            statement = statement.where(table.c.shard == shard)
        rows = await page(statement)
        if rows:
            yield rows
            after = [rows[-1]._mapping[name] for name in keys]  # noqa: SLF001 - SQLAlchemy's public name
        if len(rows) < _PAGE:
            return


def _after(table: sa.Table, after: Sequence[object] | None, limit: int) -> sa.Select[Any]:
    """The next rows by primary key; the order of texts is each database's own."""
    keys = list(table.primary_key.columns)
    statement = sa.select(table).order_by(*keys).limit(limit)
    if after is None:
        return statement
    values = [sa.literal(value, key.type) for value, key in zip(after, keys, strict=True)]
    return statement.where(sa.tuple_(*keys) > sa.tuple_(*values))


def _hash(row: Row) -> int:
    packed = _encode([_plain(value) for value in row])
    return int.from_bytes(hashlib.blake2b(packed, digest_size=16).digest())


def _plain(value: object) -> object:
    """The same for both drivers, whatever type each of them has for it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    return value


def _encoded(table: sa.Table, row: Row) -> list[str | int]:
    values = [row._mapping[column.name] for column in table.primary_key.columns]  # noqa: SLF001 - SQLAlchemy's public name
    return [
        base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in values
    ]


def _decoded(table: sa.Table, after: list[str | int] | None) -> Sequence[object] | None:
    if after is None:
        return None
    return [
        base64.b64decode(str(value)) if isinstance(column.type, sa.LargeBinary) else value
        for value, column in zip(after, table.primary_key.columns, strict=True)
    ]

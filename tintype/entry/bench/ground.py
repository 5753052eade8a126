"""Where a world may be put: an empty instance, or one that held nothing but a world before."""

from __future__ import annotations

import sqlalchemy as sa

from tintype.accounts.store import accounts, emails, put_instance_fact
from tintype.accounts.store import instance as facts
from tintype.database import Database, Reader, metadata
from tintype.entry.bench.rows import DOMAIN, HANDLE

MARK = "bench_world"
"""The fact of an instance that says that it holds a world, and nothing else."""
_PEOPLES = (
    "accounts handles emails credentials sessions following followers posts comments uploads likes"
)


class WorldRefused(Exception):  # noqa: N818 - it reads as what it says
    """The world can not be loaded; the message says why and what to do. Nothing was changed."""


async def look(database: Database, where: str, *, again: bool) -> bool:
    """Whether there is a former world to clear away.

    Raises:
        WorldRefused: somebody lives here, or a world does and ``again`` was not said.
    """
    async with database.read() as reader:
        marked = await _is_marked(reader)
        filled = [name for name in _PEOPLES.split() if await _has_rows(reader, name)]
        stranger = await _stranger(reader)
    if stranger is not None:
        raise WorldRefused(
            f"{where} holds accounts of people ({stranger}). A world is never put beside them. "
            "Name another database or data folder. Nothing was changed."
        )
    if filled and not marked:
        raise WorldRefused(
            f"{where} is not empty ({', '.join(filled)}) and holds no world. Name another "
            "database or data folder. Nothing was changed."
        )
    if marked and not again:
        raise WorldRefused(
            f"{where} holds a world, or half of one. To put another in its place: --again"
        )
    return marked


async def mark(database: Database, value: str) -> None:
    """Note that from now on a world is here and nothing else."""
    async with database.write() as tx:
        await put_instance_fact(tx, MARK, value)


async def _is_marked(reader: Reader) -> bool:
    found = await reader.scalar(
        sa.select(facts.c.name).where(facts.c.shard == 0, facts.c.name == MARK)
    )
    return found is not None


async def _has_rows(reader: Reader, name: str) -> bool:
    table = metadata.tables[name]
    return await reader.first(sa.select(table.c.shard).limit(1)) is not None


async def _stranger(reader: Reader) -> str | None:
    """An account that is not of a world, by its handle or its address; asks every shard."""
    handle = await reader.scalar(
        sa.select(accounts.c.handle)
        .where(~accounts.c.handle.startswith(HANDLE, autoescape=True))
        .limit(1)
    )
    if handle is not None:
        return str(handle)
    elsewhere = await reader.scalar(
        sa.select(emails.c.email).where(~emails.c.email.endswith(DOMAIN, autoescape=True)).limit(1)
    )
    return None if elsewhere is None else str(elsewhere)

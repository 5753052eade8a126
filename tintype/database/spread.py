"""Turning the schema into that of a Citus cluster: every table cut by ``shard``, side by side.

Citus is an extension of PostgreSQL that spreads tables over servers. Rows of one logical shard live
on one server, whatever their table, because all of them are distributed by ``shard`` and co-located
with ``accounts``. What must be unique across shards (a handle, an e-mail address, a tag) is in a
table of its own whose ``shard`` is the hash of that value, so it is spread like the others. What
every server needs beside its own rows is a reference table, copied to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

KEY = "shard"
FIRST = "accounts"
REFERENCE = frozenset({"alembic_version", "flags", "instance"})
SHARDS = 128
"""Pieces that each table is cut into, unless told otherwise: servers can share that many."""

_INSTALLED = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_PLACED = (
    "SELECT table_name::text AS name, citus_table_type AS kind, distribution_column AS key, "
    "colocation_id AS colocation FROM citus_tables"
)


class CannotSpread(Exception):  # noqa: N818 - it reads as what it says
    """The database can not be turned into the cluster that was asked for."""


class Cluster(Protocol):
    """A connection to the coordinator, on which each statement is a transaction of its own."""

    async def rows(self, statement: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a query."""
        ...

    async def run(self, statement: str) -> None:
        """Run a statement; it is durable on return."""
        ...


@dataclass(frozen=True)
class Step:
    """One table and the statement that spreads it."""

    table: str
    statement: str


def plan(tables: Collection[str], *, shards: int = SHARDS) -> list[Step]:
    """Every step from plain tables to distributed ones, ``accounts`` first."""
    others = sorted(set(tables) - REFERENCE - {FIRST})
    steps = [Step(FIRST, _spread(FIRST, f"shard_count => {shards}"))]
    steps += [Step(name, _spread(name, f"colocate_with => '{FIRST}'")) for name in others]
    steps += [
        Step(name, f"SELECT create_reference_table('{name}')")
        for name in sorted(REFERENCE & {*tables, "alembic_version"})
    ]
    return steps


async def spread(
    cluster: Cluster,
    tables: Collection[str],
    *,
    shards: int = SHARDS,
    dry_run: bool = False,
    tell: Callable[[str], None],
) -> int:
    """Do the steps that are left, each durable before the next; returns how many there were.

    May be interrupted at any point and called again. ``tell`` is given every statement before it
    is run; in a dry run nothing else happens.

    Raises:
        CannotSpread: the extension is missing, or a table is spread in another way.
    """
    if not await cluster.rows(_INSTALLED):
        message = "The extension citus is not installed here. Run: CREATE EXTENSION citus"
        raise CannotSpread(message)
    placed = {str(row["name"]): row for row in await cluster.rows(_PLACED)}
    _check(placed, tables)
    left = [step for step in plan(tables, shards=shards) if step.table not in placed]
    for step in left:
        tell(f"{step.statement};")
        if not dry_run:
            await cluster.run(step.statement)
    return len(left)


def _spread(table: str, how: str) -> str:
    return f"SELECT create_distributed_table('{table}', '{KEY}', {how})"


def _check(placed: Mapping[str, Mapping[str, Any]], tables: Collection[str]) -> None:
    """Refuse a cluster in which rows of one shard would live apart."""
    home = placed.get(FIRST)
    for name in sorted(placed.keys() & {*tables, *REFERENCE}):
        row = placed[name]
        if name in REFERENCE:
            right = row["kind"] == "reference"
        else:
            right = row["key"] == KEY and home is not None and _beside(row, home)
        if not right:
            message = (
                f"{name} is spread in another way ({row['kind']}, by {row['key']}). "
                f"Run: SELECT undistribute_table('{name}')"
            )
            raise CannotSpread(message)


def _beside(row: Mapping[str, Any], home: Mapping[str, Any]) -> bool:
    return bool(row["kind"] == "distributed" and row["colocation"] == home["colocation"])

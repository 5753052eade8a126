"""The few SQL shapes that SQLAlchemy spells per dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def upsert(
    table: sa.Table,
    values: Mapping[str, object] | Sequence[Mapping[str, object]] = (),
    *,
    index: Sequence[str],
    update: Sequence[str] | Mapping[str, sa.ColumnElement[object]] = (),
    add: Sequence[str] = (),
) -> sqlite.Insert:
    """INSERT that meets an existing row by ``index``: does nothing, or updates.

    ``update`` names columns to take from the refused row, or maps columns to expressions; ``add``
    names columns to which the refused row's are added. The statement renders the standard ``ON
    CONFLICT`` that SQLite and PostgreSQL share; the row count tells inserted or updated (1) from
    left alone (0). Without ``values`` they are given when it is executed.
    """
    statement = sqlite.insert(table)
    if values:
        statement = statement.values(values)
    if add:
        changed = {name: table.c[name] + statement.excluded[name] for name in add}
        return statement.on_conflict_do_update(index_elements=list(index), set_=changed)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(index))
    if isinstance(update, Mapping):
        changes: dict[str, object] = dict(update)
    else:
        changes = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(index), set_=changes)


class only_filtering(FunctionElement[int]):  # noqa: N801 - it is written and read like a function
    """A column that is compared, but by which SQLite shall not enter an index.

    Where the owner says it all, the shard beside it is for a sharded cluster, which sees it as the
    plain column.
    """

    type = sa.Integer()
    name = "only_filtering"
    inherit_cache = True


@compiles(only_filtering)
def _plain(element: only_filtering, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text


@compiles(only_filtering, "sqlite")
def _without_index(element: only_filtering, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"

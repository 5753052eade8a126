"""The few SQL shapes that SQLAlchemy spells per dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite


def upsert(
    table: sa.Table,
    values: Mapping[str, object] | Sequence[Mapping[str, object]],
    *,
    index: Sequence[str],
    update: Sequence[str] | Mapping[str, sa.ColumnElement[object]] = (),
) -> sqlite.Insert:
    """INSERT that meets an existing row by ``index``: does nothing, or updates.

    ``update`` names columns to take from the refused row, or maps columns to expressions. The
    statement renders the standard ``ON CONFLICT`` that SQLite and PostgreSQL share; the row count
    tells inserted or updated (1) from left alone (0).
    """
    statement = sqlite.insert(table).values(values)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(index))
    if isinstance(update, Mapping):
        changes: dict[str, object] = dict(update)
    else:
        changes = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=list(index), set_=changes)

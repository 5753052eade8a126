"""Alembic's entry: runs on the connection that ``tintype.database.migrate`` hands over."""

from __future__ import annotations

from typing import Any

from alembic import context

from tintype.database.tables import metadata

connection = context.config.attributes["connection"]
tables = context.config.attributes.get("tables")


def wanted(_: Any, name: str | None, type_: str, __: bool, ___: Any) -> bool:  # noqa: FBT001 - Alembic's order
    """Whether a drafted migration looks at this object: all of them unless some are named."""
    return type_ != "table" or tables is None or name in tables


context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=False,
    include_object=wanted,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

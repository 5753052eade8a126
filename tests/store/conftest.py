from tests.databases import (
    clock,
    database,
    partitioned_schema,
    postgresql_schema,
)

__all__ = [
    "clock",
    "database",
    "partitioned_schema",
    "postgresql_schema",
]

from tests.databases import (
    clock,
    database,
    partitioned_schema,
    postgres,
    postgres_url,
    postgresql_schema,
)

__all__ = [
    "clock",
    "database",
    "partitioned_schema",
    "postgres",
    "postgres_url",
    "postgresql_schema",
]

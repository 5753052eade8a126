"""Where the metadata lives: what an operator can say about it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

_SCHEMES = ("postgresql://", "postgres://")


class DatabaseSettings(BaseModel):
    """Where the metadata lives. Without a url: one SQLite file in the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str | None = Field(default=None, repr=False)
    """A PostgreSQL database, as `postgresql://tintype:secret@db.example/tintype`. Unset: SQLite."""
    replica_url: str | None = Field(default=None, repr=False)
    """A streaming replica of it, for reads that may be some seconds old."""
    pool_size: int = Field(default=10, ge=1, le=200)
    """Connections that one process opens for reading at most, and as many again for writing."""
    statement_timeout_ms: int = Field(default=5_000, ge=100)
    """How long one statement may take before it is given up and the caller told to come back."""
    start_wait_s: float = Field(default=30.0, ge=0, le=600)
    """How long a process that starts waits for a PostgreSQL that does not answer yet, as when both
    were started together; afterwards it ends and says so."""
    prepared_statements: bool = True
    """Keep statements prepared on each connection. Switch it off behind a pooler that gives every
    transaction another connection, as pgbouncer does in transaction mode."""

    @field_validator("url", "replica_url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(_SCHEMES):
            message = "write it as postgresql://name:password@host:5432/database."
            raise ValueError(message)
        return url

"""The answers kept for idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa

from tintype.database.idempotency import Once
from tintype.database.session import Reader, Row, Transaction
from tintype.database.tables import idempotency


async def find(reader: Reader, once: Once) -> Row | None:
    """What was answered to this key before: ``fingerprint``, ``status`` and ``answer``."""
    return await reader.first(
        sa.select(idempotency).where(
            idempotency.c.shard == once.shard,
            idempotency.c.scope == once.scope,
            idempotency.c.key_hash == once.key_hash,
        )
    )


async def forget_before(tx: Transaction, at_ms: int) -> int:
    """Drop answers older than this on every shard; returns how many."""
    return await tx.execute(sa.delete(idempotency).where(idempotency.c.at_ms < at_ms))

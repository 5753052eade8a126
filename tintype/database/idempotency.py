"""One effect per Idempotency-Key: the answer is stored by the transaction that it answers."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Once:
    """The key that the request at hand carried, and how its answer is to be kept.

    ``encode`` turns the answered view into the status and the bytes to store.
    """

    shard: int
    scope: str
    key_hash: bytes
    fingerprint: bytes
    encode: Callable[[object], tuple[int, bytes]]
    answered: bool = field(default=False)

    def row(self, view: object, now_ms: int) -> dict[str, object]:
        status, answer = self.encode(view)
        return {
            "shard": self.shard,
            "scope": self.scope,
            "key_hash": self.key_hash,
            "fingerprint": self.fingerprint,
            "status": status,
            "answer": answer,
            "at_ms": now_ms,
        }


current_once: ContextVar[Once | None] = ContextVar("current_once", default=None)

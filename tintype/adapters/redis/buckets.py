"""Token buckets in Redis: one small key each, one round trip a token, by the clock of Redis."""

from __future__ import annotations

from tintype.adapters.redis import scripts
from tintype.adapters.redis.client import Redis, slot_of


class RedisBuckets:
    """Keeps every promise of the port ``Buckets``; ``redis`` is closed with it.

    A bucket is forgotten once it is full again. A value that is not ours counts as a full one.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, name: str, capacity: float, refill: float, count: int = 1) -> float:
        key = b"b:" + name.encode()
        rates = repr(capacity).encode(), repr(refill).encode()
        command = scripts.TAKE.command([key], *rates, count)
        wait_us: int = await self._redis.call(slot_of(key), command, signed=True)
        return wait_us / 1e6

    async def close(self) -> None:
        await self._redis.close()

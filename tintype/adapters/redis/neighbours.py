"""Neighbours in Redis: one string an account, read whole and met with others here.

    f{account}  STRING   since, then the followers: 8 bytes each, sorted

Redis could intersect sets itself, but only where both lie on one server: two accounts of a Cluster
do not. Asking one set about 250 members takes it as long as handing 20 000 packed ids over, about
5 000 members ten times as long, and the set six times the memory (measured in
``docs/explanation/performance.md``). What an older master kept is as good as any: it only proposes.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from tintype.adapters.redis.client import Redis, slot_of
from tintype.adapters.redis.words import pack
from tintype.kernel import packed
from tintype.kernel.ids import Id
from tintype.ports.neighbours import Common

TTL_MS = 30 * 60 * 1000


class RedisNeighbours:
    """Keeps every promise of the port ``Neighbours``; ``redis`` is closed with it.

    It should be a connection of its own: a list of 20 000 followers has 160 kB, behind which
    nothing that a reader waits for should stand.
    """

    def __init__(self, redis: Redis, *, ttl_ms: int = TTL_MS) -> None:
        self._redis = redis
        self._ttl_ms = ttl_ms

    async def common(self, account: Id, wanted: AbstractSet[Id]) -> Common | None:
        key = _key(account)
        content = await self._redis.call(slot_of(key), pack("GET", key))
        if not isinstance(content, bytes) or not content or len(content) % packed.WIDTH:
            return None
        ids = packed.unpacked(content)
        return Common(packed.common(ids[1:], wanted), ids[0])

    async def keep(self, account: Id, followers: Collection[Id], since: Id) -> None:
        key = _key(account)
        content = packed.packed(array("q", (since,)) + packed.sorted_ids(followers))
        await self._redis.call(slot_of(key), pack("SET", key, content, "PX", self._ttl_ms))

    async def drop(self, account: Id) -> None:
        key = _key(account)
        await self._redis.call(slot_of(key), pack("UNLINK", key))

    async def close(self) -> None:
        await self._redis.close()


def _key(account: Id) -> bytes:
    return b"f%d" % account

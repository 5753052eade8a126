"""A cache in Redis: one round trip a server, whatever the number of keys.

    c{key}  STRING   'V' reign value    kept under that reign
                     'L' reign token    leased: whoever holds the token may fill it

A value that another reign kept counts as missing: a drop may have been lost when a replica was
promoted. So does anything that is not ours.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from tintype.adapters.redis import scripts
from tintype.adapters.redis.client import Redis, slot_of
from tintype.adapters.redis.words import pack
from tintype.ports.cache import Held, Lease

LEASE_MS = 30_000
"""A lease that was not used by then was given up."""

_GROUP = 100
_MARK = 9


class RedisCache:
    """Keeps every promise of the port ``Cache``; ``redis`` is closed with it.

    A value is kept for ``cache_hours`` of the settings unless ``ttl_ms`` says otherwise.
    """

    def __init__(self, redis: Redis, *, ttl_ms: int | None = None) -> None:
        self._redis = redis
        self._ttl_ms = ttl_ms or round(redis.settings.cache_hours * 3600 * 1000)

    async def get(self, keys: Sequence[str]) -> Held:
        wanted = list(dict.fromkeys(keys))
        values: dict[str, bytes] = {}
        tokens: dict[str, object] = {}
        if not wanted:
            return Held(values, Lease(tokens))
        slots, groups = self._grouped(wanted)
        token = secrets.token_bytes(8)
        commands = [
            scripts.LOOK.command([_name(key) for key in group], token, LEASE_MS) for group in groups
        ]
        replies = await self._redis.calls(slots, commands, signed=True)
        for group, reply in zip(groups, replies, strict=True):
            for key, entry in zip(group, reply, strict=True):
                if entry[:1] == b"V":
                    values[key] = entry[_MARK:]
                else:
                    tokens[key] = entry
        return Held(values, Lease(tokens))

    async def fill(self, lease: Lease, values: Mapping[str, bytes]) -> None:
        slots, commands = [], []
        for key, value in values.items():
            token = lease.tokens.get(key)
            if isinstance(token, bytes):
                slots.append(_slot(key))
                commands.append(scripts.FILL.command([_name(key)], token, value, self._ttl_ms))
        if commands:
            await self._redis.calls(slots, commands, signed=True)

    async def drop(self, keys: Collection[str]) -> None:
        wanted = list(dict.fromkeys(keys))
        if wanted:
            slots, groups = self._grouped(wanted)
            commands = [pack("UNLINK", *map(_name, group)) for group in groups]
            await self._redis.calls(slots, commands)

    async def close(self) -> None:
        await self._redis.close()

    def _grouped(self, keys: Sequence[str]) -> tuple[list[int], list[list[str]]]:
        """Keys that may go into one command together, and the slot of each group."""
        if not self._redis.clustered:
            groups = [list(keys[at : at + _GROUP]) for at in range(0, len(keys), _GROUP)]
            return [0] * len(groups), groups
        by_slot: dict[int, list[str]] = defaultdict(list)
        for key in keys:
            by_slot[_slot(key)].append(key)
        return list(by_slot), list(by_slot.values())


def _name(key: str) -> bytes:
    return b"c{%b}" % key.encode()


def _slot(key: str) -> int:
    """Where Redis puts it: by what stands before the first closing brace, if anything does."""
    name = _name(key)
    return slot_of(name[2:].partition(b"}")[0] or name)

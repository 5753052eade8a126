"""A cache in this process: an ordered dictionary, the least recently used first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from tintype.kernel.clock import Clock
from tintype.kernel.problem import Unavailable
from tintype.ports.cache import Held, Lease

TTL_MS = 24 * 3600 * 1000
LEASE_MS = 30_000
"""A lease that was not used by then was given up."""


class MemoryCache:
    """Keeps every promise of the port ``Cache`` for one process, and at most ``most`` keys."""

    def __init__(self, clock: Clock, *, most: int = 100_000, ttl_ms: int = TTL_MS) -> None:
        self._clock = clock
        self._most = most
        self._ttl_ms = ttl_ms
        self._held: OrderedDict[str, tuple[bytes | None, int, int]] = OrderedDict()
        self._leases = 0
        self._closed = False

    async def get(self, keys: Sequence[str]) -> Held:
        held, now = self._plugged(), self._clock.now_ms()
        values: dict[str, bytes] = {}
        tokens: dict[str, object] = {}
        for key in keys:
            value, token, ends = held.get(key, (None, 0, 0))
            if ends <= now:
                value, token = None, 0
            if value is not None:
                held.move_to_end(key)
                values[key] = value
                continue
            if not token:
                self._leases += 1
                token = self._leases
                self._keep(key, (None, token, now + LEASE_MS))
            tokens[key] = token
        return Held(values, Lease(tokens))

    async def fill(self, lease: Lease, values: Mapping[str, bytes]) -> None:
        held, now = self._plugged(), self._clock.now_ms()
        for key, value in values.items():
            kept, token, ends = held.get(key, (None, 0, 0))
            if kept is None and token and token == lease.tokens.get(key) and ends > now:
                self._keep(key, (value, 0, now + self._ttl_ms))

    async def drop(self, keys: Collection[str]) -> None:
        held = self._plugged()
        for key in keys:
            held.pop(key, None)

    async def close(self) -> None:
        self._closed = True
        self._held.clear()

    def _keep(self, key: str, entry: tuple[bytes | None, int, int]) -> None:
        self._held[key] = entry
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def _plugged(self) -> OrderedDict[str, tuple[bytes | None, int, int]]:
        if self._closed:
            raise Unavailable("The cache is switched off.")
        return self._held

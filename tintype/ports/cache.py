"""The cache: bytes that are quicker to have than to make, shared by the processes of a server.

    get ──► values, lease      what is missing is made from the database …
    fill(lease, values)        … and kept, unless its key was dropped meanwhile
    drop(keys)                 after the commit that changed what they were made from

The lease is what keeps a slow reader from putting an old value back: a value that is filled under a
lease taken before a drop of its key is never served to a ``get`` that begins after that drop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol


class Lease(NamedTuple):
    """The right to fill what a ``get`` did not find, for a while, in the same cache."""

    tokens: Mapping[str, object]


class Held(NamedTuple):
    """What a ``get`` found, and the lease for the rest."""

    values: Mapping[str, bytes]
    lease: Lease


class Cache(Protocol):
    """Keeps values for a while; any of them may be gone at any time.

    Every method may raise ``tintype.kernel.problem.Unavailable`` when the cache does not answer;
    callers of ``get`` and ``fill`` then do without it.
    """

    async def get(self, keys: Sequence[str]) -> Held:
        """The values that are there, by key. A missing key is no error, nor is one asked twice."""
        ...

    async def fill(self, lease: Lease, values: Mapping[str, bytes]) -> None:
        """Keep values whose keys the lease covers; others, and those that came late, are ignored.

        Among several who fill the same key under leases that stand, the first one wins.
        """
        ...

    async def drop(self, keys: Collection[str]) -> None:
        """Forget the values and end the leases of these keys before returning.

        Raises:
            Unavailable: some may still be there. Repeat it until it returns; an old value lives no
                longer than its time to live in any case.
        """
        ...

    async def close(self) -> None:
        """Unplug: release what is held; every later call raises ``Unavailable``."""
        ...

"""Token buckets that the processes of a server spend from together."""

from __future__ import annotations

from typing import Protocol


class Buckets(Protocol):
    """Counts tokens by name. A bucket that nobody touched is full; losing one fills it."""

    async def take(self, name: str, capacity: float, refill: float, count: int = 1) -> float:
        """Take ``count`` tokens; ``refill`` more come each second, up to ``capacity``.

        Returns 0.0 when there were as many, else the seconds until there are; nothing is taken
        then.

        Raises:
            Unavailable: the buckets do not answer; a token may have been taken.
        """
        ...

    async def close(self) -> None:
        """Release what is held; every later call raises ``Unavailable``."""
        ...

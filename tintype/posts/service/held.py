"""Values held in this process between commits, never older than the last acknowledged one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Held(Generic[K, V]):
    """A bounded dictionary that is filled from the database and dropped from on commit.

    ``values`` is what is at hand; read it, never write to it. A fill that was under way while one
    of its keys was dropped does not keep that key: what it read may be from before the commit.
    The key that was filled first goes first when there are more than ``most``; ``on_drop`` hears
    of every value that leaves.
    """

    def __init__(self, most: int, *, on_drop: Callable[[K, V], None] | None = None) -> None:
        self.values: dict[K, V] = {}
        self._most = most
        self._on_drop = on_drop
        self._fills: list[set[K]] = []

    def begin(self, keys: Iterable[K]) -> set[K]:
        """Say what is going to be read, before reading; give the answer to ``finish``."""
        fill = set(keys)
        self._fills.append(fill)
        return fill

    def finish(self, fill: set[K], found: Mapping[K, V]) -> None:
        """Keep what was read, as far as nothing changed since ``begin``."""
        self._fills = [other for other in self._fills if other is not fill]
        for key in fill & found.keys():
            self.values[key] = found[key]
        while len(self.values) > self._most:
            self._leave(next(iter(self.values)))

    def drop(self, keys: Iterable[K]) -> None:
        """Forget these: they changed. To be called after the commit, before it is acknowledged."""
        changed = list(keys)
        self.interrupt(changed)
        for key in changed:
            if key in self.values:
                self._leave(key)

    def interrupt(self, keys: Iterable[K]) -> None:
        """These changed and what is held of them was brought up to date: keep no older reading."""
        changed = list(keys)
        for fill in self._fills:
            fill.difference_update(changed)

    def interrupt_all(self) -> None:
        """Something changed that any of the values being read may hold: keep none of them."""
        for fill in self._fills:
            fill.clear()

    def clear(self) -> None:
        """Forget everything: anything may have changed."""
        self.interrupt_all()
        for key in [*self.values]:
            self._leave(key)

    def _leave(self, key: K) -> None:
        value = self.values.pop(key)
        if self._on_drop is not None:
            self._on_drop(key, value)

"""Facts held in this process, exact from the moment a change of them is acknowledged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Generic, TypeVar

from tintype.kernel.ids import Id

V = TypeVar("V")


class Held(Generic[V]):
    """What a loader says of accounts, kept until it is forgotten or room is short.

    Whoever commits a change calls ``forget`` after the commit and before acknowledging it: a later
    ``get`` includes the change. What was being read while it changed is handed to the callers that
    were already waiting, and not kept.
    """

    def __init__(
        self,
        load: Callable[[Collection[Id]], Awaitable[Mapping[Id, V]]],
        *,
        room: int,
        weigh: Callable[[V], int] = lambda _: 1,
    ) -> None:
        self._load = load
        self._room = room
        self._weigh = weigh
        self._held: OrderedDict[Id, V] = OrderedDict()
        self._weight = 0
        self._loading: list[set[Id]] = []

    def peek(self, account: Id) -> V | None:
        """The fact about an account if it is at hand."""
        found = self._held.get(account)
        if found is not None:
            self._held.move_to_end(account)
        return found

    async def get(self, accounts: Iterable[Id]) -> dict[Id, V]:
        """The facts about accounts; those that the loader does not know are left out."""
        found: dict[Id, V] = {}
        missing: set[Id] = set()
        for account in accounts:
            held = self.peek(account)
            if held is None:
                missing.add(account)
            else:
                found[account] = held
        if missing:
            found.update(await self._fetch(missing))
        return found

    def forget(self, accounts: Iterable[Id]) -> None:
        """The facts about these accounts changed."""
        for account in accounts:
            self._drop(account)
            for load in self._loading:
                load.discard(account)

    def forget_where(self, changed: Callable[[V], bool]) -> None:
        """Facts of this kind changed, wherever they are held or being read."""
        for account in [account for account, value in self._held.items() if changed(value)]:
            self._drop(account)
        for load in self._loading:
            load.clear()

    def clear(self) -> None:
        """Anything may have changed."""
        self._held.clear()
        self._weight = 0
        for load in self._loading:
            load.clear()

    async def _fetch(self, missing: set[Id]) -> Mapping[Id, V]:
        keep = set(missing)
        self._loading.append(keep)
        try:
            loaded = await self._load(missing)
        finally:
            self._loading = [load for load in self._loading if load is not keep]
        for account, value in loaded.items():
            if account in keep:
                self._drop(account)
                self._held[account] = value
                self._weight += self._weigh(value)
        while self._weight > self._room:
            self._drop(next(iter(self._held)))
        return loaded

    def _drop(self, account: Id) -> None:
        value = self._held.pop(account, None)
        if value is not None:
            self._weight -= self._weigh(value)

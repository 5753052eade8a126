"""Who is not live, kept complete: of everybody else nothing needs to be looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from collections.abc import Set as AbstractSet

from tintype.kernel.ids import Id

MOST = 100_000
"""Accounts that are held; beyond that, each is asked about when somebody wants to know."""


class Away:
    """Says which of many accounts are not live, exact from the moment a change is acknowledged.

    ``load`` reads at most so many of all that are away, ``look`` those of some accounts that are.
    Whoever commits a change of an account calls ``doubt`` after the commit and before acknowledging
    it; ``clear`` when such calls may have been missed.
    """

    def __init__(
        self,
        load: Callable[[int], Awaitable[Collection[Id]]],
        look: Callable[[Collection[Id]], Awaitable[Collection[Id]]],
        *,
        most: int = MOST,
    ) -> None:
        self._load = load
        self._look = look
        self._most = most
        self._away: set[Id] | None = None
        self._crowded = False
        self._doubted: dict[Id, int] = {}
        self._doubts = 0
        self._epoch = 0
        self._loading = asyncio.Lock()

    async def among(self, accounts: AbstractSet[Id]) -> frozenset[Id]:
        """Those of the accounts that are away."""
        while not self._crowded:
            away = self._away
            if away is None:
                await self._load_all()
            elif unsure := accounts & set(self._doubted):
                await self._look_again(unsure)
            else:
                return frozenset(away & accounts)
        return frozenset(await self._look(accounts))

    def doubt(self, account: Id) -> None:
        """An account changed: it may have left or come back."""
        self._doubts += 1
        self._doubted[account] = self._doubts
        if len(self._doubted) > self._most:
            self.clear()

    def clear(self) -> None:
        """Anything may have changed."""
        self._away = None
        self._crowded = False
        self._doubted.clear()
        self._epoch += 1

    async def _load_all(self) -> None:
        async with self._loading:
            if self._away is not None or self._crowded:
                return
            epoch = self._epoch
            # What is doubted by now was committed before it is read; what is doubted later stays.
            self._doubted.clear()
            found = await self._load(self._most + 1)
            if epoch != self._epoch:
                return
            if len(found) > self._most:
                self._crowded = True
            else:
                self._away = set(found)

    async def _look_again(self, accounts: Iterable[Id]) -> None:
        doubts = {account: self._doubted[account] for account in accounts}
        away, epoch = self._away, self._epoch
        found = set(await self._look(doubts.keys()))
        if away is None or epoch != self._epoch:
            return
        for account, doubt in doubts.items():
            if self._doubted.get(account) == doubt:
                del self._doubted[account]
                (away.add if account in found else away.discard)(account)

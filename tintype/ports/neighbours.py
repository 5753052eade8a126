"""Neighbours: who follows an account, kept near for a while, to be met with others.

    common(account, wanted) ──► those of them who follow it, as of ``since``

What is kept only *proposes*: an answer may name somebody who left since it was kept, and lacks
whoever came after ``since``. Callers strike the first and add the second with the database; so
nothing here has to be told of any change, and losing all of it loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from tintype.kernel.ids import Id


class Common(NamedTuple):
    """Which of the wanted were among the followers that were kept.

    ``since`` is what ``keep`` was given: edges with this id or a higher one may be missing.
    """

    accounts: frozenset[Id]
    since: Id


class Neighbours(Protocol):
    """Keeps followers of the accounts that are asked for; any of it may be gone at any time.

    Every method may raise ``tintype.kernel.problem.Unavailable``; callers do without it then.
    """

    async def common(self, account: Id, wanted: AbstractSet[Id]) -> Common | None:
        """Those of the wanted who followed the account; ``None`` when it is not kept.

        Costs no more than the shorter of the two lists times the logarithm of the longer one,
        beside bringing the kept one here.
        """
        ...

    async def keep(self, account: Id, followers: Collection[Id], since: Id) -> None:
        """Keep these in place of what was kept of the account, for a limited time.

        They are every follower whose edge has an id below ``since``, in any order.
        """
        ...

    async def drop(self, account: Id) -> None:
        """Forget the account's before returning. One that is not kept is no error."""
        ...

    async def close(self) -> None:
        """Unplug: release what is held; every later call raises ``Unavailable``."""
        ...

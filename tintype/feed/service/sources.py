"""What the feed asks of the slices below it; each is a part of their front doors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, TypeVar

from tintype.kernel.ids import Id


class Card(Protocol):
    """A live post, ready to be shown."""

    author: Id


C = TypeVar("C", bound=Card)
C_co = TypeVar("C_co", bound=Card, covariant=True)


class Circle(Protocol):
    """Whose posts concern a viewer. ``shown`` is what may be served, a subset of ``sources``.

    ``sources`` are the followees and the viewer: what fan-out delivers, muted authors included, so
    that lifting a mute needs no repair.
    """

    @property
    def sources(self) -> AbstractSet[Id]: ...

    @property
    def shown(self) -> AbstractSet[Id]: ...


class Circles(Protocol):
    """Who follows whom, as committed."""

    async def sets(self, viewer: Id) -> Circle:
        """The viewer's circle; includes every change that was acknowledged before the call."""
        ...

    def cached_sets(self, viewer: Id) -> Circle | None:
        """The same, if nobody needs to be asked for it."""
        ...

    async def sources_now(self, viewer: Id) -> AbstractSet[Id]:
        """The circle's ``sources`` as committed by the time of the call, heard of here or not.

        What changes a timeline for good asks this way: it happens beside the requests, where a
        commit may be met before its process has told of it.
        """
        ...

    async def followers_in(
        self, author: Id, first: int, last: int, *, after: Id, limit: int
    ) -> Sequence[Id]:
        """Followers whose hash lies in ``first`` to ``last``, those behind ``after`` (0: from the
        start), at most ``limit``; fewer only when these are all.

        Their order does not move when others follow or leave. An edge that is committed before the
        call and stays is seen.
        """
        ...

    async def crowded(self, accounts: Collection[Id], followees: int) -> Mapping[Id, int]:
        """Those of the accounts who follow more than so many, and how many they follow, as
        committed by the time of the call. One who came above it lately may be missing.
        """
        ...


class Catalogue(Protocol[C_co]):
    """The posts, as committed."""

    async def published_ids_of(
        self, authors: Collection[Id], *, below: Id, limit: int
    ) -> Sequence[Id]:
        """The newest live posts of these authors below a bound, newest first."""
        ...

    async def cards(self, ids: Sequence[Id]) -> Sequence[C_co | None]:
        """A card per id, in order; ``None`` where there is no live post."""
        ...

    def cards_at_hand(self, ids: Sequence[Id]) -> Sequence[C_co | None] | None:
        """The same, if nobody needs to be asked for any of them."""
        ...

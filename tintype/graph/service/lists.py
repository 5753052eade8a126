"""The lists of the graph, newest first: gather → filter → page → hydrate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from tintype.accounts import AccountNotFound, Accounts, AccountView, Card
from tintype.database import Database
from tintype.graph import store
from tintype.graph.errors import ListHidden
from tintype.graph.model import Edge
from tintype.graph.service.graph import Graph
from tintype.graph.service.mutuals import Mutuals
from tintype.graph.service.walk import Gather, walk
from tintype.kernel import cursor as cursors
from tintype.kernel.ids import MAX_ID, Id
from tintype.kernel.page import Page, clamp_limit

Filter = Callable[[Sequence[Id]], Awaitable[dict[Id, Card]]]


class Place(NamedTuple):
    """Which page of a list is asked for, as the caller wrote it."""

    cursor: str | None = None
    limit: int | None = None


class Lists:
    """Who follows whom, and the actor's own requests, blocks and mutes, as pages.

    Accounts that the viewer may not see are passed over; a page is short only at the end.
    """

    def __init__(
        self, database: Database, accounts: Accounts, graph: Graph, mutuals: Mutuals
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._graph = graph
        self._mutuals = mutuals

    async def followers(self, account: Id, place: Place, *, viewer: Id | None) -> Page[AccountView]:
        """Who follows an account.

        Raises:
            AccountNotFound: the viewer may not see it.
            ListHidden: it is private and the viewer does not follow it.
        """
        await self._open(account, viewer)
        gather = partial(self._gather, store.FOLLOWERS, account)
        keep = partial(self._graph.visible_accounts, viewer)
        return await self._page("followers", place, gather, keep, viewer)

    async def following(self, account: Id, place: Place, *, viewer: Id | None) -> Page[AccountView]:
        """Whom an account follows; raises as ``followers`` does."""
        await self._open(account, viewer)
        gather = partial(self._gather, store.FOLLOWING, account)
        keep = partial(self._graph.visible_accounts, viewer)
        return await self._page("following", place, gather, keep, viewer)

    async def mutuals(self, account: Id, place: Place, *, viewer: Id) -> Page[AccountView]:
        """Those whom the viewer follows and who follow an account; raises as ``followers`` does."""
        await self._open(account, viewer)

        async def keep(ids: Sequence[Id]) -> dict[Id, Card]:
            still = await self._mutuals.still(account, ids)
            return await self._graph.visible_accounts(viewer, still)

        gather = await self._mutuals.gatherer(viewer, account)
        return await self._page("mutuals", place, gather, keep, viewer)

    async def requests(self, place: Place, *, actor: Id) -> Page[AccountView]:
        """Who asks to follow the actor."""
        gather = partial(self._gather, store.REQUESTS.mirror, actor)
        keep = partial(self._graph.visible_accounts, actor)
        return await self._page("follow-requests", place, gather, keep, actor)

    async def blocks(self, place: Place, *, actor: Id) -> Page[AccountView]:
        """Whom the actor blocks: the one list that shows accounts behind a block."""

        async def keep(ids: Sequence[Id]) -> dict[Id, Card]:
            cards = await self._accounts.cards(ids)
            return {id_: card for id_, card in cards.items() if card.live}

        gather = partial(self._gather, store.BLOCKS.table, actor)
        return await self._page("blocks", place, gather, keep, actor)

    async def mutes(self, place: Place, *, actor: Id) -> Page[AccountView]:
        """Whom the actor mutes."""
        gather = partial(self._gather, store.MUTES.table, actor)
        keep = partial(self._graph.visible_accounts, actor)
        return await self._page("mutes", place, gather, keep, actor)

    async def _open(self, account: Id, viewer: Id | None) -> None:
        if await self._graph.may_list(viewer, account):
            return
        if await self._graph.visible_accounts(viewer, [account]):
            raise ListHidden
        raise AccountNotFound

    async def _gather(self, ends: store.Ends, account: Id, below: Id, limit: int) -> list[Edge]:
        async with self._database.read() as reader:
            return await store.newest(reader, ends, account, below=below, limit=limit)

    async def _page(
        self,
        kind: str,
        place: Place,
        gather: Gather,
        keep: Filter,
        viewer: Id | None,
    ) -> Page[AccountView]:
        limit = clamp_limit(place.limit)
        position = cursors.decode(kind, place.cursor)
        cards: dict[Id, Card] = {}

        async def kept(ids: Sequence[Id]) -> dict[Id, Card]:
            found = await keep(ids)
            cards.update(found)
            return found

        below = MAX_ID if position is None else position[0]
        edges = await walk(gather, kept, below, limit + 1)
        page = edges[:limit]
        async with self._database.read() as reader:
            shown = [cards[edge.account] for edge in page]
            items = await self._graph.views(reader, shown, viewer)
        more = len(edges) > limit
        return Page(items, cursors.encode(kind, page[-1].id) if more else None)

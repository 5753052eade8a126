"""Finding accounts and hashtags."""

from __future__ import annotations

from typing import Literal

from tintype.accounts import Accounts, AccountView
from tintype.explore.views import SearchResult
from tintype.graph import Graph
from tintype.kernel.ids import Id
from tintype.kernel.page import clamp_limit
from tintype.posts import Posts

SearchType = Literal["accounts", "tags"]

LONGEST_QUERY = 100
_MOST_TRIED = 800


class Explore:
    """Search, for one viewer: what the viewer may not see is never found."""

    def __init__(self, accounts: Accounts, graph: Graph, posts: Posts) -> None:
        self._accounts = accounts
        self._graph = graph
        self._posts = posts

    async def search(
        self,
        text: str,
        *,
        type_: SearchType | None = None,
        limit: int | None = None,
        viewer: Id | None,
    ) -> SearchResult:
        """Accounts by handle or name and hashtags by their beginning; nothing for a blank text.

        ``@`` and ``#`` in front say which of the two is meant.

        Raises:
            Invalid: a limit below one.
        """
        most = clamp_limit(limit)
        wanted = text.strip()
        accounts, tags = [], []
        if type_ != "tags" and not wanted.startswith("#"):
            accounts = await self._search_accounts(wanted, viewer, most)
        if type_ != "accounts" and not wanted.startswith("@"):
            tags = await self._posts.tags_starting(wanted, viewer=viewer, limit=most)
        return SearchResult(accounts=accounts, tags=tags)

    async def _search_accounts(self, text: str, viewer: Id | None, limit: int) -> list[AccountView]:
        want = limit
        while True:
            found = await self._accounts.search(text, limit=want)
            seen = await self._graph.visible_accounts(viewer, found)
            # Whom the viewer may not see leaves room for those behind.
            if len(seen) >= limit or len(found) < want or want >= _MOST_TRIED:
                shown = [id_ for id_ in found if id_ in seen][:limit]
                return await self._graph.hydrate_accounts(shown, viewer)
            want *= 2

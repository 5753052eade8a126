"""/v1/search."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from tintype.explore.service import LONGEST_QUERY, Explore, SearchType
from tintype.explore.views import SearchResult
from tintype.http import Access, Call, Limit, Routes


def routes(explore: Explore) -> Routes:
    """The routes of the explore slice."""
    table = Routes("explore")

    @table.get("/v1/search", access=Access.ANYONE, returns=SearchResult)
    async def search(
        call: Call,
        q: Annotated[str, Query(max_length=LONGEST_QUERY, description="what to look for")],
        type: Annotated[SearchType | None, Query(description="only these")] = None,  # noqa: A002 - the name in the query
        limit: Limit = None,
    ) -> SearchResult:
        """Find accounts by handle or name, and hashtags by how they start."""
        return await explore.search(q, type_=type, limit=limit, viewer=call.viewer)

    return table

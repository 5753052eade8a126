"""/v1/feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field
from starlette.responses import Response

from tintype.feed.errors import FeedUnavailable
from tintype.feed.service import Home, Together
from tintype.feed.views import FeedPage
from tintype.http import Access, Body, Call, Cursor, IdField, Limit, Routes, ShortAnswer
from tintype.http.hot import InstantAnswer, LaterAnswer, Make
from tintype.kernel.cursor import UnknownCursor
from tintype.kernel.ids import Id
from tintype.kernel.page import DEFAULT_LIMIT, MAX_LIMIT, clamp_limit

_PLAIN = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")

MOST_REPORTED = 200


class SeenReport(Body):
    """Posts that somebody has really looked at."""

    posts: Annotated[list[IdField], Field(max_length=MOST_REPORTED)]


def short_way(home: Home) -> ShortAnswer:
    """``GET /v1/feed`` ahead of the framework: the same page for every query without surprises."""

    async def answer(viewer: Id, here: str, query: bytes) -> bytes | None:
        asked = _plain(query) if query else (None, DEFAULT_LIMIT)
        if asked is None:
            return None
        cursor, limit = asked
        return await home.page(viewer, cursor=cursor, limit=limit, here=here)

    return answer


def instant_way(home: Home) -> InstantAnswer:
    """The same, where the page is in this process."""

    def answer(viewer: Id, here: str, query: bytes) -> bytes | None:
        asked = _plain(query) if query else (None, DEFAULT_LIMIT)
        if asked is None:
            return None
        cursor, limit = asked
        return home.instantly(viewer, cursor=cursor, limit=limit, here=here)

    return answer


def later_way(together: Together) -> LaterAnswer:
    """The same, where the timelines of many are read by one question."""

    def answer(viewer: Id, here: str, query: bytes, resume: Callable[[Make | None], None]) -> bool:
        asked = _plain(query) if query else (None, DEFAULT_LIMIT)
        if asked is None:
            return False
        cursor, limit = asked
        return together.ask(viewer, cursor=cursor, limit=limit, here=here, resume=resume)

    return answer


def _plain(query: bytes) -> tuple[str | None, int] | None:
    """Cursor and limit of a query that holds nothing else; ``None`` for any other query."""
    cursor, limit = None, DEFAULT_LIMIT
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if not value or not _PLAIN.issuperset(value):
            return None
        if name == b"cursor":
            cursor = value.decode()
        elif name == b"limit" and value.isdigit() and 0 < int(value) <= MAX_LIMIT:
            limit = int(value)
        else:
            return None
    return cursor, limit


def routes(home: Home) -> Routes:
    """The route table of the feed slice."""
    r = Routes("feed")

    @r.get(
        "/v1/feed",
        access=Access.ACCOUNT,
        returns=FeedPage,
        problems=[UnknownCursor, FeedUnavailable],
    )
    async def read_feed(
        call: Call,
        cursor: Cursor = None,
        limit: Limit = None,
        order: Literal["chronological", "ranked"] = "chronological",  # noqa: ARG001 - see below
        seen: Literal["show", "hide"] = "show",
    ) -> Response:
        """Read the own feed.

        The own posts and those of everybody whom the caller follows, newest first, as far as the
        caller may see them at this moment. `order=ranked` is answered chronologically as long as
        this server has no ranking model; `tier` tells what answered. `trending` is not the own
        feed: popular public posts, on one page, while nothing better can be had.

        `seen=hide` passes over posts that were reported as seen, but for those of `trending`.
        `caught_up` is for everybody else: show a marker before this post, "you are all caught up".
        Keep the first one that you are given while you follow `next_cursor`, since what is reported
        on the way is seen, too; begin anew without a cursor and the marker is another one.
        """
        body = await home.page(
            call.actor,
            cursor=cursor,
            limit=clamp_limit(limit),
            here=call.base_url,
            hide_seen=seen == "hide",
        )
        return Response(body, media_type="application/json")

    @r.post("/v1/feed/seen", access=Access.ACCOUNT)
    async def report_seen(call: Call, body: SeenReport) -> None:
        """Report posts that the caller has looked at, at most 200 at once.

        Report what was in sight for a while, every few seconds, and once more when the page is
        left. The newest 1 000 of the last 30 days are remembered, for `caught_up` and `seen=hide`
        of `GET /v1/feed` alone. Ids of posts that the caller may not see, or that are none, are
        passed over. Repeats are harmless.
        """
        await home.seen.report(body.posts, actor=call.actor)

    return r

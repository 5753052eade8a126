"""From an arrival of the schedule to the bytes of a request.

What there is to like, to follow and to page through is learnt from the feeds of the viewers, before
the load begins; so nothing has to be known of a world but who can sign in.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tintype.entry.bench.arrivals import Arrival, Kind
from tintype.entry.bench.lines import Lines

_MOST_PAGES = 2


class Caller(NamedTuple):
    """Somebody who can sign in."""

    account: str
    token: str


class Asked(NamedTuple):
    """A request, and what it turned out to be: not always what was planned."""

    kind: Kind
    data: bytes
    followed: tuple[int, str] | None = None
    """A follow that can be taken back once it is answered: the viewer's place and whom."""


class _Author(msgspec.Struct):
    id: str


class _Post(msgspec.Struct):
    id: str
    author: _Author


class _Page(msgspec.Struct):
    items: list[_Post]
    next_cursor: str | None


_PAGES = msgspec.json.Decoder(_Page)


def request(
    method: str,
    path: str,
    *,
    host: str,
    token: str | None,
    body: Mapping[str, object] | None = None,
) -> bytes:
    """A request as it goes over the line."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    content = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        lines += ["Content-Type: application/json", f"Idempotency-Key: {uuid.uuid4().hex}"]
    if method != "GET":
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


class Asking:
    """Makes requests for viewers and authors, from what it has learnt."""

    def __init__(self, host: str, viewers: Sequence[Caller], authors: Sequence[Caller]) -> None:
        self._host = host
        self._viewers = viewers
        self._authors = authors
        self._feeds = [request("GET", "/v1/feed", host=host, token=each.token) for each in viewers]
        self._posts: defaultdict[int, list[str]] = defaultdict(list)
        self._cursors: defaultdict[int, list[str]] = defaultdict(list)
        self._people: dict[str, None] = {}
        self._known: list[str] = []
        self._stock: defaultdict[int, deque[str]] = defaultdict(deque)
        self._made: deque[tuple[int, str]] = deque()
        self._ways: dict[Kind, Callable[[int, float], Asked | None]] = {
            Kind.FEED: self._feed,
            Kind.DEEPER: self._deeper,
            Kind.LIKE: self._like,
            Kind.PROFILE: self._profile,
            Kind.FOLLOW: self._follow,
            Kind.UNFOLLOW: self._unfollow,
            Kind.POST: self._post,
        }

    def feed(self, who: int) -> bytes:
        """The request for a viewer's first page."""
        return self._feeds[who]

    async def learn(self, lines: Lines, who: int, first: bytes) -> None:
        """Learn from a viewer's first page, and walk on for cursors to ask for later."""
        page = self._taken(who, first)
        while page.next_cursor is not None and len(self._cursors[who]) < _MOST_PAGES:
            self._cursors[who].append(page.next_cursor)
            path = f"/v1/feed?cursor={page.next_cursor}"
            token = self._viewers[who].token
            status, body = await lines.call(self._get(path, token))
            if status != 200:  # noqa: PLR2004 - the walk ends where it is refused
                break
            page = self._taken(who, body)
        self._known = list(self._people)

    def put_in_stock(self, author: int, upload: str) -> None:
        """A photo that this author can post."""
        self._stock[author].append(upload)

    def made(self, follow: tuple[int, str]) -> None:
        """A follow was answered; it can be taken back."""
        self._made.append(follow)

    def asked(self, arrival: Arrival) -> Asked:
        """The request for an arrival; a first page when there is nothing to do that to."""
        made = self._ways[arrival.kind](arrival.who, arrival.what)
        if made is not None:
            return made
        who = 0 if arrival.kind is Kind.POST else arrival.who
        return Asked(Kind.FEED, self._feeds[who])

    def posting(self, author: int, upload: str) -> bytes:
        """The request that posts a photo."""
        draft = {"caption": "From a load test", "slides": [{"upload_id": upload, "alt": "noise"}]}
        token = self._authors[author].token
        return request("POST", "/v1/posts", host=self._host, token=token, body=draft)

    def following(self, viewer: int, account: str) -> bytes:
        """The request that lets a viewer follow an account."""
        token, body = self._viewers[viewer].token, {"followed_id": account}
        return request("POST", "/v1/follows", host=self._host, token=token, body=body)

    def _feed(self, who: int, what: float) -> Asked:
        del what
        return Asked(Kind.FEED, self._feeds[who])

    def _deeper(self, who: int, what: float) -> Asked | None:
        cursor = _pick(self._cursors[who], what)
        if not cursor:
            return None
        path = f"/v1/feed?cursor={cursor}"
        return Asked(Kind.DEEPER, self._get(path, self._viewers[who].token))

    def _like(self, who: int, what: float) -> Asked | None:
        post = _pick(self._posts[who], what)
        if not post:
            return None
        token, path = self._viewers[who].token, f"/v1/posts/{post}/like"
        return Asked(Kind.LIKE, request("PUT", path, host=self._host, token=token))

    def _profile(self, who: int, what: float) -> Asked | None:
        account = _pick(self._known, what)
        if not account:
            return None
        path = f"/v1/accounts/{account}"
        return Asked(Kind.PROFILE, self._get(path, self._viewers[who].token))

    def _follow(self, who: int, what: float) -> Asked | None:
        account = _pick(self._known, what)
        if account in {"", self._viewers[who].account}:
            return None
        return Asked(Kind.FOLLOW, self.following(who, account), (who, account))

    def _unfollow(self, who: int, what: float) -> Asked | None:
        if not self._made:
            return self._follow(who, what)
        back, account = self._made.popleft()
        token, path = self._viewers[back].token, f"/v1/follows/{account}"
        return Asked(Kind.UNFOLLOW, request("DELETE", path, host=self._host, token=token))

    def _post(self, author: int, what: float) -> Asked | None:
        del what
        stock = self._stock[author]
        return Asked(Kind.POST, self.posting(author, stock.popleft())) if stock else None

    def _get(self, path: str, token: str) -> bytes:
        return request("GET", path, host=self._host, token=token)

    def _taken(self, who: int, body: bytes) -> _Page:
        page = _PAGES.decode(body)
        self._posts[who] += [post.id for post in page.items]
        self._people.update((post.author.id, None) for post in page.items)
        return page


def _pick(among: Sequence[str], what: float) -> str:
    """One of them, by a number from 0 to 1; empty when there are none."""
    return among[min(int(what * len(among)), len(among) - 1)] if among else ""

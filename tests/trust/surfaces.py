"""E15: random towns, every surface, every viewer: no forbidden canary in any byte that is sent.

``python -m tests.trust.surfaces --graphs 10000`` runs the long version; ``--sabotage comments``
and the other faults of ``FAULTS`` must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from tests.cast import open_world
from tests.trust.stage import small_client
from tests.trust.town import CANARY, Town, Townspeople
from tintype.entry import compose
from tintype.feed import FeedFlags

_PEOPLE = 5
_DEEDS = 12
_GRANTS_KEPT = 40
_IMPERSONAL = (
    *("/v1/instance", "/v1/limits", "/openapi.json", "/docs", "/problems"),
    *("/metrics", "/readyz", "/robots.txt", "/signin", "/t/dawn"),
)
_GRANT = re.compile(r"/media/g/([\w-]{48})/")


@dataclass
class Report:
    """What was asked and what should not have been answered."""

    experiment: str = "E15"
    seed: int = 0
    graphs: int = 0
    answers: int = 0
    canaries: int = 0
    files: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Surface:
    """Somewhere to look. The canaries of ``kind`` there must be exactly ``holds``.

    ``holds`` is ``None`` where the answer must be 404; without a ``kind`` only what is forbidden
    matters. ``also`` may be here though it may be nowhere else. ``mutuals`` is the count that the
    line of mutuals must show: ``None`` for no line, -1 where there is no place for one.
    """

    path: str
    kind: str = ""
    holds: set[str] | None = field(default_factory=set)
    also: frozenset[str] = frozenset()
    mutuals: int | None = -1


def surfaces(town: Town, viewer: str | None) -> Iterator[Surface]:
    """Everywhere that a viewer (``None``: nobody) can look."""
    everybody = town.names(viewer, set(town.words))
    seen = [post for post, author in town.posts.items() if town.posts_of(viewer, author)]
    yield Surface("/v1/search?q=namex&type=accounts", "name", everybody)
    yield Surface("/v1/search?q=canary", "name", everybody)
    tags = {town.words[town.posts[post]].tag for post in seen}
    yield Surface("/v1/search?q=tagx&type=tags", "tag", tags)
    yield Surface("/v1/tags/dawn/posts", "cap", town.captions(seen))
    feed = town.captions(town.feed(viewer)) if viewer else set[str]()
    yield Surface("/", "cap", feed)
    for path in _IMPERSONAL:
        yield Surface(path)
    for id_ in town.words:
        yield from _of_account(town, viewer, id_)
    for post in town.posts:
        yield from _of_post(town, viewer, post)
    if viewer is not None:
        yield from _own(town, viewer)


def _of_account(town: Town, viewer: str | None, id_: str) -> Iterator[Surface]:
    words, posts = town.words[id_], town.posts_of(viewer, id_)
    handle = f"canary{list(town.words).index(id_)}"
    bio = {words.bio} if town.opens(viewer, id_) else None
    face = frozenset({words.name, words.bio}) if bio else frozenset[str]()
    fans = {follower for follower, followed in town.follows if followed == id_}
    common = fans & {followed for follower, followed in town.follows if follower == viewer}
    line = town.names(viewer, common) if posts and viewer not in {None, id_} else None
    named = {words.name} | (line or set()) if bio else None
    for reference in (id_, f"@{handle}"):
        yield Surface(f"/v1/accounts/{reference}", "bio", bio, face)
        counted = None if line is None else len(line)
        yield Surface(f"/v1/accounts/{reference}", "name", named, face, counted)
        shown = {words.caption} | ({words.unpublished} if viewer == id_ else set())
        yield Surface(f"/v1/accounts/{reference}/posts", "cap", shown if posts else None)
    yield Surface(f"/@{handle}", "bio", bio, face)
    yield Surface(f"/@{handle}/followers", "bio", bio, face)
    followees = {followed for follower, followed in town.follows if follower == id_}
    lists = {"followers": fans, "following": followees}
    if viewer is not None:
        lists["mutuals"] = common
    for name, people in lists.items():
        names = town.names(viewer, people) if posts else None
        yield Surface(f"/v1/accounts/{id_}/{name}", "name", names)
    yield Surface(f"/v1/deletions/{id_}", "", None)


def _of_post(town: Town, viewer: str | None, post: str) -> Iterator[Surface]:
    author = town.posts[post]
    words, seen = town.words[author], town.posts_of(viewer, author)
    yield Surface(f"/v1/posts/{post}", "alt", {words.alt} if seen else None)
    yield Surface(f"/v1/posts/{post}", "cap", {words.caption} if seen else None)
    yield Surface(f"/p/{post}", "cap", {words.caption} if seen else None)
    likers = {liker for liker, liked in town.likes if liked == post}
    yield Surface(f"/v1/posts/{post}/likes", "name", town.names(viewer, likers) if seen else None)
    threads: dict[str | None, set[str]] = {None: set()}
    for id_, said in town.said.items():
        if said.post == post:
            if said.reply_to is None:
                threads.setdefault(id_, set())
            if town.comment(viewer, said):
                threads.setdefault(said.reply_to, set()).add(said.canary)
    for thread, canaries in threads.items():
        there = seen and (thread is None or town.comment(viewer, town.said[thread]))
        query = "" if thread is None else f"&reply_to={thread}"
        path = f"/v1/posts/{post}/comments?limit=100{query}"
        yield Surface(path, "said", canaries if there else None)


def _own(town: Town, viewer: str) -> Iterator[Surface]:
    yield Surface("/v1/feed", "cap", town.captions(town.feed(viewer)))
    yield Surface("/v1/feed?order=ranked", "cap", town.captions(town.feed(viewer)))
    saved = [post for who, post in town.saves if who == viewer]
    saved = [post for post in saved if town.posts_of(viewer, town.posts[post])]
    yield Surface("/v1/saves", "cap", town.captions(saved))
    words = town.words[viewer]
    yield Surface("/v1/accounts/me", "mail", {words.mail})
    yield Surface("/settings", "mail", {words.mail})
    yield Surface("/v1/sessions")
    edges = {
        "blocks": {two for one, two in town.blocks if one == viewer} - town.suspended,
        "mutes": {two for one, two in town.mutes if one == viewer},
        "follow-requests": {one for one, two in town.requests if two == viewer},
    }
    blocked = [town.words[id_] for id_ in edges.pop("blocks")]
    faces = frozenset(canary for words in blocked for canary in (words.name, words.bio))
    yield Surface("/v1/blocks", "name", {words.name for words in blocked}, faces)
    for name, people in edges.items():
        yield Surface(f"/v1/{name}", "name", town.names(viewer, people))
    yield Surface("/v1/notifications?limit=100")
    yield Surface("/v1/notifications/unread")
    yield Surface("/v1/events")


def _popular(town: Town, viewer: str) -> list[str]:
    """What everybody may see, less whom the viewer blocks, is blocked by or mutes."""
    return [
        post
        for post, author in town.posts.items()
        if town.posts_of(viewer, author)
        and author not in town.private
        and (viewer, author) not in town.mutes
    ]


class Watch:
    """Looks at everything and keeps what should not have been there."""

    def __init__(self, folk: Townspeople, report: Report) -> None:
        self._folk = folk
        self._report = report
        self._files: dict[str, tuple[str, bytes]] = {}
        self._grants: list[tuple[str, str, str]] = []

    async def learn_files(self) -> None:
        """The address and the bytes of a file of each post, as its author sees them."""
        for post, author in self._folk.town.posts.items():
            view = await self._folk.people[author].get(f"/v1/posts/{post}")
            address = view["slides"][0]["renditions"][0]["url"]
            answer = await self._folk.people[author].call("GET", address)
            assert answer.is_success
            self._files[post] = (_GRANT.sub("/media/", address), answer.content)

    async def look(self) -> None:
        """Every surface and every file, as everybody who can sign in, and as nobody."""
        for viewer in (None, *self._folk.people):
            if viewer in self._folk.town.suspended:
                continue
            readable = self._folk.town.readable(viewer)
            for surface in surfaces(self._folk.town, viewer):
                self._check(viewer, surface, await self._ask(viewer, surface.path), readable)
            await self._check_files(viewer)
        await self._look_down_the_ladder()

    async def _look_down_the_ladder(self) -> None:
        """Feeds as every rung serves them: the database the same ones, then what is popular."""
        server, town = self._folk.world.server, self._folk.town
        server.posts.popular.forget()
        await server.posts.popular.refresh()
        for viewer in set(self._folk.people) - town.suspended:
            readable = town.readable(viewer)
            for tier, posts in (
                ("database", town.feed(viewer)),
                ("trending", _popular(town, viewer)),
            ):
                server.feed.home.switch(FeedFlags(timelines=False, database=tier == "database"))
                surface = Surface("/v1/feed?limit=100", "cap", town.captions(posts))
                answer = await self._ask(viewer, surface.path)
                self._check(viewer, surface, answer, readable)
                self._note(answer.json().get("tier") == tier, f"{viewer} was not shown {tier}")
        server.feed.home.switch(FeedFlags())

    async def glance(self) -> None:
        """Feeds while everything is still under way: late is fine, forbidden is not."""
        for viewer in self._folk.people:
            if viewer not in self._folk.town.suspended:
                answer = await self._ask(viewer, "/v1/feed")
                allowed = self._folk.town.captions(self._folk.town.feed(viewer))
                shown = {found for found in CANARY.findall(answer.text) if found[:3] == "cap"}
                self._note(
                    shown <= allowed, f"feed of {viewer}: {shown - allowed} too early or late"
                )

    async def _ask(self, viewer: str | None, path: str) -> httpx.Response:
        self._report.answers += 1
        self._folk.world.client.cookies.clear()
        if viewer is None:
            return await self._folk.world.anyone("GET", path)
        return await self._folk.people[viewer].call("GET", path)

    def _check(
        self, viewer: str | None, surface: Surface, answer: httpx.Response, readable: set[str]
    ) -> None:
        where = f"{surface.path} for {viewer}"
        found = set(CANARY.findall(answer.content.decode()))
        self._report.canaries += len(found)
        may = readable | surface.also
        self._note(found <= may, f"{where}: leaks {sorted(found - may)}")
        if surface.path.startswith("/v1/notifications"):
            muted = {two for one, two in self._folk.town.mutes if one == viewer}
            told = found & {self._folk.town.words[id_].name for id_ in muted}
            self._note(not told, f"{where}: tells of the muted {told}")
        for grant in _GRANT.findall(answer.text):
            grantee = _grantee(grant)
            self._note(grantee == int(viewer or 0), f"{where}: holds a grant of {grantee}")
        if surface.holds is None:
            self._note(answer.status_code == 404, f"{where}: {answer.status_code}, not 404")
            return
        self._note(answer.status_code == 200, f"{where}: {answer.status_code}, not 200")
        if surface.mutuals != -1:
            line = answer.json()["mutuals"]
            counted = None if line is None else line["count"]
            self._note(counted == surface.mutuals, f"{where}: {counted}, not {surface.mutuals}")
        if surface.kind:
            shown = {each for each in found if each.startswith(surface.kind)}
            if surface.path in {"/", "/settings"} or surface.path.startswith(("/p/", "/@")):
                # The viewer's own account is inside every page.
                own = self._folk.town.words.get(viewer or "")
                shown = shown - {own.bio} | (surface.holds & {own.bio}) if own else shown
            self._note(shown == surface.holds, f"{where}: {shown} instead of {surface.holds}")

    async def _check_files(self, viewer: str | None) -> None:
        town = self._folk.town
        for post, (address, content) in self._files.items():
            author = town.posts[post]
            public = author not in town.private and author not in town.suspended
            seen = town.posts_of(viewer, author)
            await self._fetch(viewer, address, content, seen=seen and public)
            if viewer is not None and seen:
                view = await self._folk.people[viewer].get(f"/v1/posts/{post}")
                granted = view["slides"][0]["renditions"][0]["url"]
                await self._fetch(viewer, granted, content, seen=True)
                if granted != address:
                    self._grants.append((viewer, post, granted))
        self._grants = self._grants[-_GRANTS_KEPT:]
        for grantee, post, granted in self._grants[:: 3 if viewer else 1]:
            author = town.posts[post]
            public = author not in town.private and author not in town.suspended
            seen = town.posts_of(viewer, author) and public
            if viewer in {None, grantee} and grantee not in town.suspended:
                seen = seen or town.posts_of(grantee, author)
            await self._fetch(viewer, granted, self._files[post][1], seen=seen)

    async def _fetch(self, viewer: str | None, address: str, content: bytes, *, seen: bool) -> None:
        answer = await self._ask(viewer, address)
        self._report.files += 1
        where = f"{address} for {viewer}: {answer.status_code}"
        self._note(answer.status_code == (200 if seen else 404), where)
        self._note((answer.content == content) == seen, f"{where}, the wrong bytes")

    def _note(self, good: bool, violation: str) -> None:
        if not good:
            self._report.violations.append(violation)


def _grantee(grant: str) -> int:
    """Whom a grant is for: its first 8 bytes."""
    return int.from_bytes(base64.urlsafe_b64decode(grant)[:8])


def _without(path: str, name: str, replacement: Any) -> Callable[[], Any]:
    return lambda: patch(f"{path}.{name}", replacement)


async def _everything(*_: object, **__: object) -> bool:
    return True


def _comments_of_anybody() -> Any:
    """The comments of the blocked stay in the lists."""
    from tintype.graph import Graph

    async def visible_accounts(self: Graph, _: int | None, ids: Any) -> Any:
        return {id_: card for id_, card in (await self._accounts.cards(ids)).items() if card.live}

    return patch.object(Graph, "visible_accounts", visible_accounts)


def _posts_of_anybody() -> Any:
    """Hashtag pages, saves and the posts of an account show whatever they find."""
    from tintype.posts.service.reading import Reading

    async def seen(self: Reading, ids: Any, _: int | None) -> Any:
        return {card.id: card for card in await self._cards.cards(ids) if card is not None}

    return patch.object(Reading, "_seen", seen)


def _muted_in_feeds() -> Any:
    """A mute is stored, and the feed does not look."""
    from tintype.graph.model import RelationSets
    from tintype.graph.service.sight import Sight

    honest = Sight.sets

    async def sets(self: Sight, viewer: int) -> RelationSets:
        found = await honest(self, viewer)
        return RelationSets(viewer, found.sources, found.sources, found.hidden, found.muted)

    return patch.object(Sight, "sets", sets)


def _mutuals_of_yesterday() -> Any:
    """Whoever was kept as a follower counts as one."""
    from tintype.graph import Mutuals

    async def still(_: Mutuals, __: int, ids: Any) -> Any:
        return frozenset(ids)

    return patch.object(Mutuals, "still", still)


def _mutuals_of_the_private() -> Any:
    """Who follows a private account is a secret in lists, and not in the line of its profile."""
    from tintype.graph import Graph, Mutuals

    honest = Mutuals._line

    async def line(self: Mutuals, account: int, viewer: int | None) -> Any:
        with patch.object(Graph, "may_list", _everything):
            return await honest(self, account, viewer)

    return patch.object(Mutuals, "_line", line)


FAULTS: dict[str, Callable[[], Any]] = {
    "comments": _comments_of_anybody,
    "posts": _posts_of_anybody,
    "mutes": _muted_in_feeds,
    "mutuals": _mutuals_of_yesterday,
    "private mutuals": _mutuals_of_the_private,
    "popular": _without("tintype.feed.service.trending", "_may_meet", lambda *_: True),
    "files": _without("tintype.media.service.delivery.Delivery", "_may_see", _everything),
}


async def run(*, graphs: int, seed: int, sabotage: str | None = None) -> Report:
    """So many towns, each a few random deeds away from the one before."""
    report = Report(seed=seed)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(patch.object(compose, "_CLIENT", small_client(folder)))
        if sabotage:
            stack.enter_context(FAULTS[sabotage]())
        world = await open_world(folder)
        folk = Townspeople(world, seed)
        await folk.settle_in(_PEOPLE)
        watch = Watch(folk, report)
        await watch.learn_files()
        while report.graphs < graphs and (not sabotage or not report.violations):
            await folk.act(_DEEDS)
            await watch.glance()
            await world.settle()
            await watch.look()
            report.graphs += 1
        await world.close()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sabotage", choices=sorted(FAULTS))
    chosen = parser.parse_args()
    report = asyncio.run(run(graphs=chosen.graphs, seed=chosen.seed, sabotage=chosen.sabotage))
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""People who use a fleet through both of its API processes while it is being broken.

Three kinds: a *crowd* that does random things to each other and is compared with the model of
``social``; *writers* who post all the time; and *readers* who do nothing but read, and whose reads
are the figures. What a reader must never see is known from the beginning.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.trust.social import Crowd, Person, Session, join

_TRENDING = "trending"
_READ_EVERY_S = 0.12
_POST_EVERY_S = 1.5
_LIVE_POSTS = 25
_REVOKED_S = 5.0
_POLL_S = 0.05
_door: contextvars.ContextVar[str] = contextvars.ContextVar("door")


@dataclass(frozen=True)
class Read:
    """One look at a feed: when it began, how it was answered and how long that took."""

    at: float
    tier: str
    """``""`` when it was refused."""
    ms: float
    refusal: str = ""


@dataclass
class Figures:
    """What people met since the last fault."""

    reads: list[Read] = field(default_factory=list)
    slowest_write_ms: float = 0.0
    stale_ms: float = 0.0
    """How long, at most, the other process still showed what one had hidden."""
    deliveries_s: list[float] = field(default_factory=list)
    refused_writes: Counter[str] = field(default_factory=Counter)
    """Why a write was refused at an attempt, in words."""


def _words_of(answer: httpx.Response) -> str:
    """Why something was refused, without what differs from one refusal to the next."""
    text, _, _ = answer.text.partition(',"instance"')
    return f"{answer.status_code} {text}"


class Doors(Session):
    """Calls to either API process; a door that is shut is passed by for the other."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(addresses[0])
        self.addresses = addresses
        self.figures = Figures()
        self.client.event_hooks = {"response": [self._note]}

    async def _note(self, answer: httpx.Response) -> None:
        if answer.status_code >= 500 and answer.request.method != "GET":
            await answer.aread()
            self.figures.refused_writes[f"{answer.request.method}: {_words_of(answer)}"] += 1

    def other(self, address: str) -> str:
        first, second = self.addresses
        return second if address == first else first

    async def call(
        self, token: str | None, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        began = time.monotonic()
        address = _door.get(self.addresses[0])
        answer = await super().call(token, method, address + path, body)
        if method != "GET":
            took = (time.monotonic() - began) * 1000
            self.figures.slowest_write_ms = max(self.figures.slowest_write_ms, took)
        return answer

    async def look(self, person: Person, address: str, path: str) -> httpx.Response | None:
        """One attempt, as through a gateway: a door that is shut leaves the other."""
        headers = {"Authorization": f"Bearer {person.token}"}
        for door in (address, self.other(address)):
            try:
                return await self.client.get(door + path, headers=headers)
            except httpx.ConnectError:
                continue
            except httpx.TransportError:
                return None
        return None


class Townsman(Person):
    """Somebody who waits for the own feed when only popular posts can be had."""

    async def walk(self, path: str, limit: int = 50) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = await self.ok("GET", path + query)
            if page.get("tier") == _TRENDING:
                await asyncio.sleep(_POLL_S)
                continue
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


async def arrive(doors: Doors, name: str) -> Townsman:
    """Sign somebody up."""
    joined = await join(doors, name)
    return Townsman(joined.session, joined.id, joined.token)


class Town(Crowd):
    """A crowd at two doors. What one door acknowledged it hides at once, and the other within 5 s.

    A deed goes through one door, chosen by dice.
    """

    def __init__(self, doors: Doors, people: list[Person], seed: int) -> None:
        super().__init__(people, seed)
        self.doors = doors
        self.patient = False
        """Whether the channel between the processes is away: the other door may be late."""

    async def _one(self, actor: str, other: str) -> None:
        _door.set(self._dice.choice(self.doors.addresses))
        await super()._one(actor, other)

    async def _check_feed(self, viewer: str, _: str) -> None:
        began = time.monotonic()
        while True:
            found = await self.people[viewer].feed(limit=20)
            known = {post for post in found if post in self.truth.posts}
            if known <= set(self.truth.feed(viewer)) or not self.patient:
                break
            if time.monotonic() - began > _REVOKED_S:
                break
            await asyncio.sleep(_POLL_S)
        self._expect(len(found) == len(set(found)), f"a post twice in the feed of {viewer}")
        self._expect(found == sorted(found, key=int, reverse=True), "a feed out of order")
        forbidden = {post for post in found if post in self.truth.posts} - set(
            self.truth.feed(viewer)
        )
        self._expect(not forbidden, f"forbidden in the feed of {viewer}: {forbidden}")

    async def _unfollow(self, actor: str, other: str) -> None:
        await self.people[actor].call("DELETE", f"/v1/follows/{other}")
        self.truth.unfollow(actor, other)
        await self._hidden(actor, self._posts_of(other))

    async def _block(self, actor: str, other: str) -> None:
        await self.people[actor].ok("POST", "/v1/blocks", {"account_id": other})
        self.truth.block(actor, other)
        await self._hidden(other, self._posts_of(actor))

    async def _delete_post(self, actor: str, other: str) -> None:
        if post := self._post_by(actor):
            await self.people[actor].ok("DELETE", f"/v1/posts/{post}")
            self.truth.delete_post(post)
            await self._hidden(other, {post})

    async def _settle_one(self, viewer: str, deadline: float) -> None:
        before = len(self.violations)
        await super()._settle_one(viewer, deadline)
        for _ in self.violations[before:]:
            for door in self.doors.addresses:
                _door.set(door)
                missing = {*self.truth.feed(viewer)} - {*await self.people[viewer].feed()}
                for author in {self.truth.posts[post] for post in missing}:
                    seen = await self.people[viewer].ok("GET", f"/v1/accounts/{author}")
                    self.violations.append(f"at {door} {author} is missing: {seen['relation']}")
        _door.set(self.doors.addresses[0])

    def _posts_of(self, author: str) -> set[str]:
        return {post for post, by in self.truth.posts.items() if by == author}

    async def _hidden(self, viewer: str, posts: set[str]) -> None:
        """At once where it was acknowledged; the other door is asked until it hides them too."""
        person, acknowledged = self.people[viewer], time.monotonic()
        shown = posts & set(await person.feed(limit=20))
        self._expect(not shown, f"shown to {viewer} right after it was revoked: {shown}")
        here = _door.get()
        _door.set(self.doors.other(here))
        began = time.monotonic()
        while shown := posts & set(await person.feed(limit=20)):
            stale = time.monotonic() - acknowledged
            self.doors.figures.stale_ms = max(self.doors.figures.stale_ms, stale * 1000)
            if not self.patient or time.monotonic() - began > _REVOKED_S:
                self._expect(False, f"the other door shows {viewer} for {stale:.2f} s: {shown}")
                break
            await asyncio.sleep(_POLL_S)
        _door.set(here)


class Press:
    """A public gazette and a private club, and their readers; one reader is cut off by each."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.violations: list[str] = []
        self.published: dict[str, float] = {}
        """The gazette's posts: when each was acknowledged."""
        self._deleted: dict[str, float] = {}
        self._seen: set[str] = set()
        self._liked: set[str] = set()
        self._seeds = itertools.count(50_000_000)

    async def open(self, suffix: str) -> None:
        """Sign everybody up, and fill the feeds."""
        names = ("gazette", "club", "follower", "outsider", "banned")
        people = [await arrive(self.doors, name + suffix) for name in names]
        self.gazette, self.club, self.follower, self.outsider, self.banned = people
        await self.club.ok("PATCH", "/v1/accounts/me", {"private": True})
        for reader in (self.follower, self.outsider, self.banned):
            await reader.ok("POST", "/v1/follows", {"followed_id": self.gazette.id})
            await reader.ok("POST", "/v1/follows", {"followed_id": self.club.id})
        for reader in (self.follower, self.banned):
            await self.club.ok("POST", f"/v1/follow-requests/{reader.id}/accept")
        await self.gazette.ok("POST", "/v1/blocks", {"account_id": self.banned.id})
        self.secrets = [await self.club.publish(next(self._seeds)) for _ in range(3)]
        for _ in range(3):
            await self.post()

    async def post(self) -> str:
        """One more post of the gazette; the oldest goes when there are many."""
        post = await self.gazette.publish(next(self._seeds))
        self.published[post] = time.monotonic()
        if len(self.published) > _LIVE_POSTS:
            oldest = min(self.published, key=int)
            del self.published[oldest]
            await self.gazette.ok("DELETE", f"/v1/posts/{oldest}")
            self._deleted[oldest] = time.monotonic()
        return post

    async def keep_posting(self, closing: asyncio.Event) -> None:
        """Until closing time."""
        for turn in itertools.count():
            if closing.is_set():
                return
            _door.set(self.doors.addresses[turn % 2])
            await self.post()
            for post in (self.published.keys() & self._seen) - self._liked:
                for reader in (self.follower, self.outsider):
                    await reader.ok("PUT", f"/v1/posts/{post}/like")
                await self.follower.ok("POST", f"/v1/posts/{post}/comments", {"text": "Seen."})
                self._liked.add(post)
            await asyncio.sleep(_POST_EVERY_S)

    async def differences(self) -> list[str]:
        """What the gazette was not told, or told twice."""
        told: Counter[tuple[str, str, int]] = Counter()
        path = "/v1/notifications?limit=100"
        while path:
            page = await self.gazette.ok("GET", path)
            for note in page["items"]:
                if note["kind"] in {"like", "comment"} and note["post"]:
                    told[note["kind"], note["post"]["id"], note["account_count"]] += 1
            cursor = page["next_cursor"]
            path = f"/v1/notifications?limit=100&cursor={cursor}" if cursor else ""
        live = self._liked & self.published.keys()
        expected = Counter(
            (kind, post, accounts)
            for post in live
            for kind, accounts in (("like", 2), ("comment", 1))
        )
        found = Counter({key: times for key, times in told.items() if key[1] in live})
        if found == expected:
            return []
        return [f"notifications: lost {expected - found}, too many {found - expected}"]

    async def keep_reading(self) -> None:
        """Until cancelled: everybody reads, at either door."""
        doors = itertools.cycle(self.doors.addresses)
        readers = itertools.cycle((self.follower, self.follower, self.outsider, self.banned))
        # A look that hangs must not keep the others waiting: that would hide an outage.
        async with asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(self._read(reader, next(doors)))
                await asyncio.sleep(_READ_EVERY_S)
                if reader is self.banned:
                    next(doors)

    async def _read(self, reader: Person, door: str) -> None:
        began = time.monotonic()
        answer = await self.doors.look(reader, door, "/v1/feed?limit=100")
        ms = (time.monotonic() - began) * 1000
        if answer is None or answer.status_code != 200:
            said = "no answer" if answer is None else _words_of(answer)
            self.doors.figures.reads.append(Read(began, "", ms, said))
            if answer is not None and answer.status_code < 500:
                self.violations.append(f"a feed was answered {answer.status_code}: {answer.text}")
            return
        page = answer.json()
        self.doors.figures.reads.append(Read(began, page["tier"], ms))
        self._check(reader, page, began, door)

    def _check(self, reader: Person, page: dict[str, Any], began: float, door: str) -> None:
        found = [item["id"] for item in page["items"]]
        own = page["tier"] != _TRENDING
        if len(found) != len(set(found)) or (own and found != sorted(found, key=int, reverse=True)):
            self.violations.append(f"a feed out of order or with doubles ({page['tier']})")
        authors = Counter(item["author"]["id"] for item in page["items"])
        late = [post for post in found if self._deleted.get(post, began) < began - _REVOKED_S]
        if late:
            where = f"{page['tier']}, {door}"
            self.violations.append(f"deleted posts are shown ({where}): {late}")
        if reader is self.outsider and authors[self.club.id]:
            self.violations.append(f"a private post was shown to a stranger ({page['tier']})")
        if reader is self.banned and authors[self.gazette.id]:
            self.violations.append(f"a post was shown to somebody blocked ({page['tier']})")
        if own and reader is not self.outsider and not {*self.secrets} <= {*found}:
            self.violations.append(f"{reader.id} has holes ({page['tier']}, {door}): {found}")
        if reader is self.follower and own:
            self._note_deliveries(found)

    def _note_deliveries(self, found: list[str]) -> None:
        now = time.monotonic()
        for post in (self.published.keys() & {*found}) - self._seen:
            self._seen.add(post)
            self.doors.figures.deliveries_s.append(now - self.published[post])

    async def seen(self, door: str) -> tuple[str, set[str]]:
        """The tier that answers a member at this door now, and what it shows."""
        answer = await self.doors.look(self.follower, door, "/v1/feed?limit=100")
        if answer is None or answer.status_code != 200:
            return "", set()
        page = answer.json()
        return page["tier"], {item["id"] for item in page["items"]}

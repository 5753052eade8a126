"""People who use a fleet through both of its API processes while it is being broken.

A crowd does random things to each other and is compared with the model of ``social``.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.trust.fleet_history import History
from tests.trust.social import Crowd, Person, Session, join

TRENDING = "trending"
REVOKED_S = 5.0
POLL_S = 0.05
DOOR: contextvars.ContextVar[str] = contextvars.ContextVar("door")


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


def words_of(answer: httpx.Response) -> str:
    """Why something was refused, without what differs from one refusal to the next."""
    text, _, _ = answer.text.partition(',"instance"')
    return f"{answer.status_code} {text}"


class Doors(Session):
    """Calls to either API process; a door that is shut is passed by for the other."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(addresses[0])
        self.addresses = addresses
        self.figures = Figures()
        self.history = History()
        self.client.event_hooks = {"response": [self._note]}

    async def _note(self, answer: httpx.Response) -> None:
        if answer.status_code >= 500 and answer.request.method != "GET":
            await answer.aread()
            self.figures.refused_writes[f"{answer.request.method}: {words_of(answer)}"] += 1

    def other(self, address: str) -> str:
        first, second = self.addresses
        return second if address == first else first

    async def call(
        self, token: str | None, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        began, moment = time.monotonic(), datetime.now(UTC)
        address = DOOR.get(self.addresses[0])
        answer = await super().call(token, method, address + path, body)
        self.history.note(token, answer, body, moment)
        if method != "GET":
            took = (time.monotonic() - began) * 1000
            self.figures.slowest_write_ms = max(self.figures.slowest_write_ms, took)
        return answer

    async def look(self, person: Person, address: str, path: str) -> httpx.Response | None:
        """One attempt, as through a gateway: a door that is shut, or shuts, leaves the other."""
        headers = {"Authorization": f"Bearer {person.token}"}
        for door in (address, self.other(address)):
            try:
                return await self.client.get(door + path, headers=headers)
            except httpx.TimeoutException:
                return None
            except httpx.TransportError:
                continue
        return None


class Townsman(Person):
    """Somebody who waits for the own feed when only popular posts can be had."""

    async def walk(self, path: str, limit: int = 50) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = await self.ok("GET", path + query)
            if page.get("tier") == TRENDING:
                await asyncio.sleep(POLL_S)
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
        self.turn = asyncio.Lock()
        """Held while people act; whoever has it knows that what they did is acknowledged."""

    async def act(self, operations: int, at_once: int = 5) -> None:
        async with self.turn:
            await super().act(operations, at_once)

    async def _one(self, actor: str, other: str) -> None:
        # While the doors do not hear each other, the model is that of one of them.
        doors = self.doors.addresses
        DOOR.set(doors[0] if self.patient else self._dice.choice(doors))
        await super()._one(actor, other)

    async def _check_feed(self, viewer: str, _: str) -> None:
        began = time.monotonic()
        while True:
            found = await self.people[viewer].feed(limit=20)
            known = {post for post in found if post in self.truth.posts}
            if known <= set(self.truth.feed(viewer)) or not self.patient:
                break
            if time.monotonic() - began > REVOKED_S:
                break
            await asyncio.sleep(POLL_S)
        self._expect(len(found) == len(set(found)), f"a post twice in the feed of {viewer}")
        self._expect(found == sorted(found, key=int, reverse=True), "a feed out of order")
        forbidden = {post for post in found if post in self.truth.posts} - set(
            self.truth.feed(viewer)
        )
        self._expect(not forbidden, f"forbidden in the feed of {viewer}: {forbidden}")

    async def _react(
        self, actor: str, other: str, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        """While the processes do not hear each other, one that was let in elsewhere may wait: a
        worker accepts the followers of whoever goes public.
        """
        began = time.monotonic()
        while True:
            answer = await super()._react(actor, other, method, path, body)
            late = answer.status_code == 404 and self.truth.may_see(actor, other)
            if not (late and self.patient) or time.monotonic() - began > REVOKED_S:
                return answer
            await asyncio.sleep(POLL_S)

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
                DOOR.set(door)
                missing = {*self.truth.feed(viewer)} - {*await self.people[viewer].feed()}
                for author in {self.truth.posts[post] for post in missing}:
                    seen = await self.people[viewer].ok("GET", f"/v1/accounts/{author}")
                    self.violations.append(f"at {door} {author} is missing: {seen['relation']}")
        DOOR.set(self.doors.addresses[0])

    def _posts_of(self, author: str) -> set[str]:
        return {post for post, by in self.truth.posts.items() if by == author}

    async def _hidden(self, viewer: str, posts: set[str]) -> None:
        """At once where it was acknowledged; the other door is asked until it hides them too."""
        person, acknowledged = self.people[viewer], time.monotonic()
        shown = posts & set(await person.feed(limit=20))
        self._expect(not shown, f"shown to {viewer} right after it was revoked: {shown}")
        here = DOOR.get()
        DOOR.set(self.doors.other(here))
        began = time.monotonic()
        while shown := posts & set(await person.feed(limit=20)):
            stale = time.monotonic() - acknowledged
            self.doors.figures.stale_ms = max(self.doors.figures.stale_ms, stale * 1000)
            if not self.patient or time.monotonic() - began > REVOKED_S:
                self._expect(False, f"the other door shows {viewer} for {stale:.2f} s: {shown}")
                break
            await asyncio.sleep(POLL_S)
        DOOR.set(here)

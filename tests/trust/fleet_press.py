"""A gazette that is written all the time, and readers whose reads are the figures of a fault.

What a reader must never see is known from the beginning.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from typing import Any

from tests.trust.fleet_load import (
    DOOR,
    POLL_S,
    REVOKED_S,
    TRENDING,
    Doors,
    Read,
    arrive,
    words_of,
)
from tests.trust.social import Person

_READ_EVERY_S = 0.12
_POST_EVERY_S = 1.5
_LIVE_POSTS = 25
_MOST_POSTS = 60
"""A page shows more than these and the club's together, however long nothing is delivered."""


class Press:
    """A public gazette and a private club, and their readers; one reader is cut off by each."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.patient = False
        """Whether the processes can not hear each other: the other door may be late."""
        self.violations: list[str] = []
        self.published: dict[str, float] = {}
        """The gazette's posts: when each was acknowledged."""
        self._deleted: dict[str, float] = {}
        self._seen: set[str] = set()
        self._liked: set[str] = set()
        self._seeds = itertools.count(50_000_000)

    async def open(self, suffix: str) -> None:
        """Sign everybody up, and fill the feeds."""
        names = ("gazette", "club", "follower", "outsider", "banned", "fickle")
        people = [await arrive(self.doors, name + suffix) for name in names]
        self.gazette, self.club, self.follower, self.outsider, self.banned, self.fickle = people
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
        """One more post of the gazette; the oldest goes when readers have many newer ones."""
        post = await self.gazette.publish(next(self._seeds))
        self.published[post] = time.monotonic()
        delivered = self.published.keys() & self._seen
        if len(delivered) > _LIVE_POSTS:
            oldest = min(delivered, key=int)
            del self.published[oldest]
            await self.gazette.ok("DELETE", f"/v1/posts/{oldest}")
            self._deleted[oldest] = time.monotonic()
        return post

    async def keep_posting(self, closing: asyncio.Event) -> None:
        """Until closing time."""
        for turn in itertools.count():
            if closing.is_set():
                return
            DOOR.set(self.doors.addresses[turn % 2])
            if len(self.published) < _MOST_POSTS:
                await self.post()
            await self._change_mind()
            for post in (self.published.keys() & self._seen) - self._liked:
                for reader in (self.follower, self.outsider):
                    await reader.ok("PUT", f"/v1/posts/{post}/like")
                await self.follower.ok("POST", f"/v1/posts/{post}/comments", {"text": "Seen."})
                self._liked.add(post)
            await asyncio.sleep(_POST_EVERY_S)

    async def _change_mind(self) -> None:
        """Follow and unfollow through one door: the other knows when it is asked next."""
        here = DOOR.get()
        for method, path, body, follows in (
            ("POST", "/v1/follows", {"followed_id": self.gazette.id}, True),
            ("DELETE", f"/v1/follows/{self.gazette.id}", None, False),
        ):
            await self.fickle.ok(method, path, body)
            acknowledged = time.monotonic()
            DOOR.set(self.doors.other(here))
            while bool(await self.fickle.feed()) is not follows:
                stale = time.monotonic() - acknowledged
                self.doors.figures.stale_ms = max(self.doors.figures.stale_ms, stale * 1000)
                if not self.patient or stale > REVOKED_S:
                    self.violations.append(f"{stale:.2f} s later {method} is not known elsewhere")
                    break
                await asyncio.sleep(POLL_S)
            DOOR.set(here)

    async def differences(self) -> list[str]:
        """What the gazette was not told, or told twice, and what its follower is not shown."""
        _, shown = await self.seen(self.doors.addresses[0])
        if lost := self.published.keys() - shown:
            return [f"the follower is not shown {lost}"]
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
            said = "no answer" if answer is None else words_of(answer)
            self.doors.figures.reads.append(Read(began, "", ms, said))
            if answer is not None and answer.status_code < 500:
                self.violations.append(f"a feed was answered {answer.status_code}: {answer.text}")
            return
        page = answer.json()
        self.doors.figures.reads.append(Read(began, page["tier"], ms))
        self._check(reader, page, began, door)

    def _check(self, reader: Person, page: dict[str, Any], began: float, door: str) -> None:
        found = [item["id"] for item in page["items"]]
        own = page["tier"] != TRENDING
        if len(found) != len(set(found)) or (own and found != sorted(found, key=int, reverse=True)):
            self.violations.append(f"a feed out of order or with doubles ({page['tier']})")
        authors = Counter(item["author"]["id"] for item in page["items"])
        late = [post for post in found if self._deleted.get(post, began) < began - REVOKED_S]
        if late:
            where = f"{page['tier']}, {door}"
            self.violations.append(f"deleted posts are shown ({where}): {late}")
        if reader is self.outsider and authors[self.club.id]:
            self.violations.append(f"a private post was shown to a stranger ({page['tier']})")
        if reader is self.banned and authors[self.gazette.id]:
            self.violations.append(f"a post was shown to somebody blocked ({page['tier']})")
        # A page may be short; what says that there is no more must be whole.
        whole = own and page["next_cursor"] is None
        if whole and reader is not self.outsider and not {*self.secrets} <= {*found}:
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

"""Walkers: people who write to and read from both doors of a fleet, and judge each page by name.

One author is followed and left, blocks and unblocks; the others are followed all the time.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.simulation import invariants as named
from tests.trust.fleet_judge import LATE_NOTICE_S, SECOND_WAY_S, Change, Facts, Judge, Reader, Shown
from tests.trust.fleet_load import DOOR, POLL_S, TRENDING, Doors, arrive
from tests.trust.photos import small_photo
from tests.trust.social import Person

_BACKLOG = 6
_MOST_LIVE = 30
_MOST_PAGES = 400
_PAUSE_S = 0.3
_BLOCKS = 0.4
_WRITE_S = 0.8
_READY_S = 90.0
_AFTER_S = 10.0
"""How long after an engine or process came back others may not have heard everything yet."""

Evict = Callable[[Reader], Awaitable[str]]


class Walkers:
    """Three authors and two readers, and what they found."""

    def __init__(self, doors: Doors, seed: int) -> None:
        self.doors = doors
        self.judge = Judge()
        self.facts = Facts(self.judge)
        self.readers: list[Reader] = []
        self.closing = asyncio.Event()
        self.calm = True
        """Whether everybody hears everybody at once: nothing was killed lately."""
        self.deeds = 0
        self._calm_at = 0.0
        self._dice = random.Random(seed)
        self._seeds = itertools.count(70_000_000 + seed * 100_000)
        self._versions = itertools.count(1)

    async def open(self, suffix: str) -> None:
        """Sign everybody up, and publish what lies below."""
        names = ("steady", "second", "fickle", "reader", "walker")
        people = [await arrive(self.doors, f"{name}{suffix}") for name in names]
        self.steady, self.second, self.fickle = people[:3]
        self.readers = [Reader(person) for person in people[3:]]
        for reader in self.readers:
            for author in (self.steady, self.second, self.fickle):
                await self._follow(reader, author)
        await asyncio.gather(*(self._fill(author) for author in people[:3]))

    async def _fill(self, author: Person) -> None:
        for _ in range(_BACKLOG):
            await self.publish(author)

    # ---- what is known of the fleet --------------------------------------------------------------

    def struck(self) -> None:
        """Something was killed: from now on a door may be late to hear of the other."""
        self.calm = False

    def mended(self) -> None:
        """It is there again."""
        self.calm, self._calm_at = True, time.monotonic() + _AFTER_S

    @asynccontextmanager
    async def _change(self, door: str | None = None) -> AsyncIterator[list[Change]]:
        """A write at a door; afterwards the list holds what was acknowledged."""
        chosen = door or self._door()
        DOOR.set(chosen)
        retries, began, acknowledged = self.doors.retries, time.monotonic(), list[Change]()
        yield acknowledged
        quiet = self.calm and began > self._calm_at
        lag_s = 0.0 if quiet else LATE_NOTICE_S
        if self.doors.retries != retries:
            lag_s = SECOND_WAY_S
        acknowledged.append(Change(time.monotonic(), chosen, lag_s))

    def _door(self) -> str:
        return self._dice.choice(self.doors.addresses)

    # ---- writing ---------------------------------------------------------------------------------

    async def publish(self, author: Person, door: str | None = None) -> int:
        """A post of a photo that was processed before, so that it is out when it is answered."""
        async with self._change(door) as changes:
            photo = small_photo(next(self._seeds))
            draft = {"content_type": "image/jpeg", "bytes": len(photo), "filename": "photo.jpg"}
            upload = await author.ok("POST", "/v1/uploads", draft)
            path, size = f"/v1/uploads/{upload['id']}", upload["part_size"]
            for number in range(1, upload["part_count"] + 1):
                part = await author.ok("GET", f"{path}/parts/{number}")
                content = photo[(number - 1) * size : number * size]
                await self.doors.put_part(part, content)
            await author.ok("POST", f"{path}/complete")
            await self._until_ready(author, path)
            version = next(self._versions)
            body = {
                "caption": f"version {version}",
                "slides": [{"upload_id": upload["id"], "alt": "a small photo"}],
            }
            made = (await author.ok("POST", "/v1/posts", body))["post"]
            assert made["state"] == "published", made
        post, change = int(made["id"]), changes[0]
        self.facts.captions[post].append((version, change))
        self.facts.published_by(author.id, post, change, self.readers)
        await self._check_own(author, post, change)
        return post

    async def _until_ready(self, author: Person, path: str) -> None:
        deadline = time.monotonic() + _READY_S
        while (await author.ok("GET", path))["state"] != "ready":
            if time.monotonic() > deadline:
                raise TimeoutError(path)
            await asyncio.sleep(POLL_S)

    async def _check_own(self, author: Person, post: int, change: Change) -> None:
        """At once where it was acknowledged; at the other door too, when that can have heard."""
        for door in (change.door, self.doors.other(change.door)):
            while True:
                page = await self.page(author, None, 5, door)
                if page.began >= change.known(door):
                    break
                await asyncio.sleep(POLL_S)
            same = "the same door" if door == change.door else "the other door"
            said = f"{author.id} does not see the own {post} ({page.tier}, {same})"
            self.judge.require(named.OWN, post in page.ids, said)

    async def delete_oldest(self, author: Person) -> None:
        oldest = min(self.facts.posts_of([author.id]))
        self.facts.doomed.add(oldest)
        async with self._change() as changes:
            await author.ok("DELETE", f"/v1/posts/{oldest}")
        self.facts.deleted[oldest] = changes[0]

    async def edit(self, author: Person) -> None:
        """A new caption of a post that readers have on their first page."""
        post = self._dice.choice(sorted(self.facts.posts_of([author.id]))[-3:])
        version = next(self._versions)
        async with self._change() as changes:
            await author.ok("PATCH", f"/v1/posts/{post}", {"caption": f"version {version}"})
        self.facts.captions[post].append((version, changes[0]))
        for door in (changes[0].door, self.doors.other(changes[0].door)):
            page = await self.page(self.readers[0].person, None, 10, door)
            self.facts.check_page(self.readers[0], page, None)

    async def _follow(self, reader: Reader, author: Person) -> Change:
        """Also when one who was blocked a moment ago is not let in at once."""
        reader.joins(author.id)
        deadline = time.monotonic() + SECOND_WAY_S
        while True:
            async with self._change() as changes:
                body = {"followed_id": author.id}
                answer = await reader.person.call("POST", "/v1/follows", body)
            if answer.is_success or time.monotonic() > deadline:
                break
        assert answer.is_success, answer.text
        reader.sources[author.id] = changes[0]
        return changes[0]

    async def part(self, reader: Reader, author: Person) -> None:
        """A post is under way when the reader leaves its author, or is blocked by them."""
        await self.publish(author)
        blocks = self._dice.random() < _BLOCKS
        reader.leaves(author.id, self.facts.posts_of([author.id]))
        async with self._change() as changes:
            if blocks:
                await author.ok("POST", "/v1/blocks", {"account_id": reader.person.id})
            else:
                await reader.person.ok("DELETE", f"/v1/follows/{author.id}")
        reader.left(author.id, changes[0])
        for door in (changes[0].door, self.doors.other(changes[0].door)):
            await self.walk(reader, limit=10, door=door)
        await self.publish(author)
        await self.walk(reader, limit=5)
        if blocks:
            await author.ok("DELETE", f"/v1/blocks/{reader.person.id}")

    async def rejoin(self, reader: Reader, author: Person, patience_s: float) -> None:
        """From when a post of the author is shown, all are; and that is soon."""
        change = await self._follow(reader, author)
        due = self.facts.posts_of([author.id])
        deadline, shown = time.monotonic() + patience_s, False
        while True:
            began = time.monotonic()
            found = {*await self.walk(reader, limit=10)}
            missing = (due & self.facts.live) - found
            settled = shown and began > change.at + change.lag_s
            if not missing or settled or began > deadline:
                break
            shown = bool(due & found)
        said = f"{reader.person.id} follows {author.id} and is not shown {sorted(missing)}"
        self.judge.require(named.FOLLOW, not missing, said)

    # ---- reading ---------------------------------------------------------------------------------

    async def page(
        self, person: Person, cursor: str | None, limit: int, door: str | None = None
    ) -> Shown:
        """One page, waited for until it is the own feed."""
        chosen = door or self._door()
        DOOR.set(chosen)
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        while True:
            began = time.monotonic()
            page: dict[str, Any] = await person.ok("GET", "/v1/feed" + query)
            if page["tier"] != TRENDING:
                break
            await asyncio.sleep(POLL_S)
        items = page["items"]
        return Shown(
            ids=[int(item["id"]) for item in items],
            authors={int(item["id"]): item["author"]["id"] for item in items},
            captions={int(item["id"]): item["caption"] for item in items},
            tier=page["tier"],
            door=chosen,
            began=began,
            cursor=page["next_cursor"],
        )

    async def walk(
        self,
        reader: Reader,
        *,
        limit: int,
        door: str | None = None,
        name: str = named.NO_SKIPS,
        evict: Evict | None = None,
    ) -> list[int]:
        """The whole feed, page by page, some pages twice; ``evict`` is called between pages.

        What is missing of what was settled breaks ``name``, or what ``evict`` says.
        """
        due, began = {*reader.settled}, time.monotonic()
        found: list[int] = []
        cursor: str | None = None
        for turn in range(_MOST_PAGES):
            page = await self.page(reader.person, cursor, limit, door)
            self.facts.check_page(reader, page, found[-1] if found else None)
            if self._dice.random() < 0.15:
                await self._again(reader, page, cursor, limit, found[-1] if found else None)
            found += page.ids
            cursor = page.cursor
            if cursor is None:
                break
            if evict is not None and turn == 0:
                name = await evict(reader)
        self.judge.require(named.ENDS, cursor is None, f"{reader.person.id} walks on and on")
        self.facts.check_walk(reader, due, found, began, name)
        return found

    async def _again(
        self, reader: Reader, page: Shown, cursor: str | None, limit: int, above: int | None
    ) -> None:
        """The same page at any door: what was settled has not moved on."""
        due = {*page.ids} & reader.settled
        again = await self.page(reader.person, cursor, limit)
        self.facts.check_page(reader, again, above)
        lowest = min(again.ids, default=0) if again.cursor is not None else 0
        still = {p for p in due & self.facts.live & reader.settled if p >= lowest}
        lost = still - {*again.ids}
        said = f"{reader.person.id} below {above}: {sorted(lost)} vanished"
        self.judge.require(named.STABLE, not lost, said)

    # ---- what they do all the time ---------------------------------------------------------------

    async def live(self, evict: Evict, patience_s: float) -> None:
        """Until closing time; each ends what it began."""
        ways = (self._write(), self._read(evict), self._change_mind(patience_s))
        async with asyncio.TaskGroup() as group:
            for way in ways:
                group.create_task(way)

    async def _write(self) -> None:
        for author in itertools.cycle((self.steady, self.second)):
            if self.closing.is_set():
                return
            self.deeds += 1
            await self.publish(author)
            await self.edit(author)
            posts = self.facts.posts_of([author.id])
            if len(posts) > _MOST_LIVE or self._dice.random() < 0.2:
                await self.delete_oldest(author)
            self.facts.check_patience()
            await asyncio.sleep(_WRITE_S)

    async def _read(self, evict: Evict) -> None:
        """Small pages, and every third time the timeline goes away in the middle."""
        for turn in itertools.count():
            if self.closing.is_set():
                return
            reader = self.readers[0]
            if turn % 3:
                await self.walk(reader, limit=self._dice.choice((2, 3, 5, 20)))
            else:
                await self.walk(reader, limit=self._dice.choice((2, 3, 5)), evict=evict)
            await asyncio.sleep(_PAUSE_S)

    async def _change_mind(self, patience_s: float) -> None:
        reader = self.readers[1]
        while not self.closing.is_set():
            await self.part(reader, self.fickle)
            await self.rejoin(reader, self.fickle, patience_s)
            await self.walk(reader, limit=5)
            await asyncio.sleep(_PAUSE_S)

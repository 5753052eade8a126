"""A plain model of the social network, and people who act on a real server and on it alike.

The model is the oracle of the trust experiments: a few sets, no caches, no cleverness.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.trust.photos import small_photo

_RETRY_S = 0.05
_PATIENCE_S = 60.0
_PASSWORD = "correct horse battery"


@dataclass
class Truth:
    """What was acknowledged."""

    follows: set[tuple[str, str]] = field(default_factory=set)
    requests: set[tuple[str, str]] = field(default_factory=set)
    blocks: set[tuple[str, str]] = field(default_factory=set)
    mutes: set[tuple[str, str]] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    posts: dict[str, str] = field(default_factory=dict)
    likes: set[tuple[str, str]] = field(default_factory=set)
    comments: dict[str, tuple[str, str]] = field(default_factory=dict)

    def blocked(self, one: str, other: str) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def may_see(self, viewer: str, author: str) -> bool:
        if viewer == author:
            return True
        if self.blocked(viewer, author):
            return False
        return author not in self.private or (viewer, author) in self.follows

    def feed(self, viewer: str) -> list[str]:
        return sorted(
            (
                post
                for post, author in self.posts.items()
                if author == viewer
                or (
                    (viewer, author) in self.follows
                    and (viewer, author) not in self.mutes
                    and self.may_see(viewer, author)
                )
            ),
            key=int,
            reverse=True,
        )

    def follow(self, actor: str, other: str) -> str | None:
        """The state after following; ``None`` when it must be refused."""
        if actor == other or self.blocked(actor, other):
            return None
        if (actor, other) in self.follows:
            return "following"
        if other in self.private:
            self.requests.add((actor, other))
            return "requested"
        self.follows.add((actor, other))
        return "following"

    def unfollow(self, actor: str, other: str) -> None:
        self.follows.discard((actor, other))
        self.requests.discard((actor, other))

    def block(self, actor: str, other: str) -> None:
        for edge in ((actor, other), (other, actor)):
            self.follows.discard(edge)
            self.requests.discard(edge)
        self.blocks.add((actor, other))

    def set_private(self, actor: str, *, private: bool) -> None:
        if private:
            self.private.add(actor)
            return
        self.private.discard(actor)
        for edge in [edge for edge in self.requests if edge[1] == actor]:
            self.requests.discard(edge)
            self.follows.add(edge)

    def delete_post(self, post: str) -> None:
        del self.posts[post]
        self.likes = {like for like in self.likes if like[1] != post}
        self.comments = {
            comment: (on, text) for comment, (on, text) in self.comments.items() if on != post
        }


class Session:
    """Calls a server that may be killed at any moment, with the same key until it answers."""

    def __init__(self, base_url: str) -> None:
        self.client = httpx.AsyncClient(base_url=base_url, timeout=20)
        self.retries = 0
        self.calls = 0

    async def call(
        self, token: str | None, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            self.calls += 1
            try:
                answer = await self.client.request(method, path, headers=headers, json=body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500 and answer.status_code != 409:
                return answer
            if answer is not None and answer.status_code == 409 and "in-flight" not in answer.text:
                return answer
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{method} {path}: {answer and answer.text}")
            self.retries += 1
            await asyncio.sleep(_RETRY_S)

    async def put_part(self, part: dict[str, Any], content: bytes) -> None:
        """Send one part as its signature says; safe to repeat."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                answer = await self.client.request(
                    part["method"], part["url"], headers=part["headers"], content=content
                )
                if answer.is_success or answer.status_code == 410:
                    return
            except httpx.TransportError:
                pass
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(part["url"])
            await asyncio.sleep(_RETRY_S)


@dataclass
class Person:
    """Somebody of the experiment."""

    session: Session
    id: str
    token: str

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.session.call(self.token, method, path, body)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def publish(self, seed: int) -> str:
        """Upload a small photo in parts and post it; returns the id of the post."""
        photo = small_photo(seed)
        draft = {"content_type": "image/jpeg", "bytes": len(photo), "filename": "photo.jpg"}
        upload = await self.ok("POST", "/v1/uploads", draft)
        for number in range(1, upload["part_count"] + 1):
            start = (number - 1) * upload["part_size"]
            part = await self.ok("GET", f"/v1/uploads/{upload['id']}/parts/{number}")
            await self.session.put_part(part, photo[start : start + upload["part_size"]])
        await self.ok("POST", f"/v1/uploads/{upload['id']}/complete")
        slides = [{"upload_id": upload["id"], "alt": "a small photo"}]
        made = await self.ok("POST", "/v1/posts", {"caption": f"photo {seed}", "slides": slides})
        return str(made["post"]["id"])

    async def feed(self, limit: int = 50) -> list[str]:
        """Every page of the home feed."""
        return await self.walk("/v1/feed", limit)

    async def walk(self, path: str, limit: int = 50) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page = await self.ok("GET", path + query)
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


async def join(session: Session, name: str) -> Person:
    """Sign somebody up, over a server that may be killed meanwhile."""
    body = {"handle": name, "email": f"{name}@example.com", "password": _PASSWORD}
    answer = await session.call(None, "POST", "/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    joined = answer.json()
    return Person(session, joined["account"]["id"], joined["token"])


class Crowd:
    """People who do random things; each thing is done on the server first, then on the truth."""

    def __init__(self, people: list[Person], seed: int) -> None:
        self.people = {person.id: person for person in people}
        self.truth = Truth()
        self.violations: list[str] = []
        self.done = 0
        self._dice = random.Random(seed)
        self._seeds = itertools.count(seed * 100_000)

    async def act(self, operations: int, at_once: int = 5) -> None:
        """Random operations; those that run at once never share a person."""
        while operations > 0:
            order = self._dice.sample(sorted(self.people), k=len(self.people))
            pairs = list(zip(order[::2], order[1::2], strict=False))[: min(at_once, operations)]
            await asyncio.gather(*[self._one(actor, other) for actor, other in pairs])
            operations -= len(pairs)
            self.done += len(pairs)

    async def _one(self, actor: str, other: str) -> None:
        deeds = [
            (self._follow, 8),
            (self._unfollow, 2),
            (self._block, 1),
            (self._unblock, 1),
            (self._mute, 1),
            (self._toggle_private, 1),
            (self._accept, 2),
            (self._post, 5),
            (self._delete_post, 1),
            (self._like, 6),
            (self._comment, 5),
            (self._check_feed, 3),
        ]
        names, weights = zip(*deeds, strict=True)
        deed = self._dice.choices(names, weights=weights)[0]
        with self._noting_refusals():
            await deed(actor, other)

    @contextlib.contextmanager
    def _noting_refusals(self) -> Iterator[None]:
        """An answer that must not be is a violation, not the end of the experiment."""
        try:
            yield
        except AssertionError as refused:
            self.violations.append(str(refused)[:300])

    def _expect(self, met: bool, what: str) -> None:
        if not met:
            self.violations.append(what)

    async def _follow(self, actor: str, other: str) -> None:
        answer = await self.people[actor].call("POST", "/v1/follows", {"followed_id": other})
        state = self.truth.follow(actor, other)
        if state is None:
            self._expect(answer.status_code == 404, f"follow of a blocked account: {answer.text}")
        else:
            self._expect(
                answer.is_success and answer.json()["state"] == state,
                f"follow should be {state}: {answer.status_code} {answer.text}",
            )

    async def _unfollow(self, actor: str, other: str) -> None:
        await self.people[actor].call("DELETE", f"/v1/follows/{other}")
        self.truth.unfollow(actor, other)
        await self._check_feed(actor, other)

    async def _block(self, actor: str, other: str) -> None:
        await self.people[actor].ok("POST", "/v1/blocks", {"account_id": other})
        self.truth.block(actor, other)
        await self._check_feed(other, actor)

    async def _unblock(self, actor: str, other: str) -> None:
        await self.people[actor].ok("DELETE", f"/v1/blocks/{other}")
        self.truth.blocks.discard((actor, other))

    async def _mute(self, actor: str, other: str) -> None:
        if (actor, other) in self.truth.mutes:
            await self.people[actor].ok("DELETE", f"/v1/mutes/{other}")
            self.truth.mutes.discard((actor, other))
        elif not self.truth.blocked(actor, other):
            await self.people[actor].ok("POST", "/v1/mutes", {"account_id": other})
            self.truth.mutes.add((actor, other))

    async def _toggle_private(self, actor: str, _: str) -> None:
        private = actor not in self.truth.private
        if private and await self._waited_for(actor):
            return
        await self.people[actor].ok("PATCH", "/v1/accounts/me", {"private": private})
        self.truth.set_private(actor, private=private)

    async def _waited_for(self, actor: str) -> bool:
        """Whether those whom going public accepts still wait for it: going private again before
        they follow would let them wait on, and nobody outside can know who was quicker.
        """
        page = await self.people[actor].ok("GET", "/v1/follow-requests")
        return bool(page["items"])

    async def _accept(self, actor: str, other: str) -> None:
        if (other, actor) in self.truth.requests:
            await self.people[actor].ok("POST", f"/v1/follow-requests/{other}/accept")
            self.truth.requests.discard((other, actor))
            self.truth.follows.add((other, actor))

    async def _post(self, actor: str, _: str) -> None:
        self.truth.posts[await self.people[actor].publish(next(self._seeds))] = actor

    def _post_by(self, author: str) -> str | None:
        theirs = [post for post, by in self.truth.posts.items() if by == author]
        return self._dice.choice(theirs) if theirs else None

    async def _delete_post(self, actor: str, _: str) -> None:
        if post := self._post_by(actor):
            await self.people[actor].ok("DELETE", f"/v1/posts/{post}")
            self.truth.delete_post(post)

    async def _like(self, actor: str, other: str) -> None:
        if not (post := self._post_by(other)) or not await self._published(other, post):
            return
        undo = (actor, post) in self.truth.likes
        answer = await self._react(
            actor, other, "DELETE" if undo else "PUT", f"/v1/posts/{post}/like"
        )
        if not self.truth.may_see(actor, other):
            self._expect(answer.status_code == 404, f"like of a hidden post: {answer.status_code}")
            return
        self._expect(answer.is_success, f"like: {answer.status_code} {answer.text}")
        if not answer.is_success:
            return
        (self.truth.likes.discard if undo else self.truth.likes.add)((actor, post))

    async def _comment(self, actor: str, other: str) -> None:
        if not (post := self._post_by(other)) or not await self._published(other, post):
            return
        text = f"comment {uuid.uuid4().hex}"
        answer = await self._react(
            actor, other, "POST", f"/v1/posts/{post}/comments", {"text": text}
        )
        if not self.truth.may_see(actor, other):
            self._expect(answer.status_code == 404, f"comment on a hidden post: {answer.text}")
            return
        self._expect(answer.status_code == 201, f"comment: {answer.status_code} {answer.text}")
        if not answer.is_success:
            return
        self.truth.comments[answer.json()["id"]] = (post, text)

    async def _react(
        self, actor: str, _: str, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        """What an actor's reaction to a post of the other is answered."""
        return await self.people[actor].call(method, path, body)

    async def _published(self, author: str, post: str) -> bool:
        seen = await self.people[author].ok("GET", f"/v1/posts/{post}")
        return bool(seen["state"] == "published")

    async def _check_feed(self, viewer: str, _: str) -> None:
        """Whatever is in flight, a feed never shows what it must not, nor anything twice."""
        found = await self.people[viewer].feed(limit=20)
        allowed = set(self.truth.feed(viewer))
        self._expect(len(found) == len(set(found)), f"a post twice in the feed of {viewer}")
        self._expect(found == sorted(found, key=int, reverse=True), "a feed out of order")
        # Others act at the same time, but never on this viewer's edges: only posts may be newer.
        known = {post for post in found if post in self.truth.posts}
        self._expect(known <= allowed, f"forbidden in the feed of {viewer}: {known - allowed}")

    async def settle(self, patience_s: float = 120.0) -> None:
        """Wait until every feed is what the truth says, or note what is not."""
        deadline = asyncio.get_running_loop().time() + patience_s
        for viewer in self.people:
            with self._noting_refusals():
                await self._settle_one(viewer, deadline)

    async def _settle_one(self, viewer: str, deadline: float) -> None:
        person, expected = self.people[viewer], self.truth.feed(viewer)
        while (found := await person.feed()) != expected:
            if asyncio.get_running_loop().time() > deadline:
                lost, extra = set(expected) - set(found), set(found) - set(expected)
                self.violations.append(f"feed of {viewer}: lost {lost}, extra {extra}")
                break
            await asyncio.sleep(0.1)

    async def audit(self, patience_s: float = 30.0) -> None:
        """Counts, likes and comments are exactly what was acknowledged."""
        deadline = asyncio.get_running_loop().time() + patience_s
        with self._noting_refusals():
            wrong = await self._differences()
            while wrong and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.2)
                wrong = await self._differences()
            self.violations += wrong

    async def _differences(self) -> list[str]:
        truth, wrong = self.truth, []
        for id_, person in self.people.items():
            counts = (await person.ok("GET", "/v1/accounts/me"))["counts"]
            expected = {
                "posts": sum(author == id_ for author in truth.posts.values()),
                "followers": sum(followed == id_ for _, followed in truth.follows),
                "following": sum(follower == id_ for follower, _ in truth.follows),
            }
            if counts != expected:
                wrong.append(f"counts of {id_}: {counts} instead of {expected}")
        for post, author in truth.posts.items():
            person = self.people[author]
            view = await person.ok("GET", f"/v1/posts/{post}")
            comments = sorted(text for on, text in truth.comments.values() if on == post)
            expected = {
                "likes": sum(on == post for _, on in truth.likes),
                "comments": len(comments),
            }
            if view["counts"] != expected:
                wrong.append(f"counts of post {post}: {view['counts']} instead of {expected}")
        return wrong

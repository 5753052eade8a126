"""People whose every word is a canary, and the plain rules of who may read which.

A canary says what kind of thing it stands in (``cap`` of a caption, ``alt``, ``bio``, ``name`` of a
display name, ``tag``, ``said`` of a comment, ``mail``) and occurs nowhere else.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from tests.cast import PASSWORD, Person, World, ok
from tests.trust.social import Truth
from tintype.accounts.events import CardChanged
from tintype.accounts.model import TokensDoubted
from tintype.database import metadata
from tintype.kernel.ids import shard_of

CANARY = re.compile(r"(?:cap|alt|bio|name|tag|said|mail)x[0-9a-f]{12}")


@dataclass(frozen=True)
class Said:
    """A comment."""

    post: str
    author: str
    reply_to: str | None
    canary: str


@dataclass
class Words:
    """What one person put into the world."""

    name: str
    bio: str
    mail: str
    caption: str
    alt: str
    tag: str
    unpublished: str


@dataclass
class Town(Truth):
    """The truth, with suspensions, the words, and what each viewer (``None``: nobody) may read."""

    words: dict[str, Words] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    said: dict[str, Said] = field(default_factory=dict)
    saves: set[tuple[str, str]] = field(default_factory=set)

    def profile(self, viewer: str | None, other: str) -> bool:
        if viewer == other:
            return True
        return other not in self.suspended and (viewer is None or not self.blocked(viewer, other))

    def opens(self, viewer: str | None, other: str) -> bool:
        """Whether the viewer may open the profile by its address: a block is taken back there."""
        barred = viewer is not None and (other, viewer) in self.blocks
        return viewer == other or (other not in self.suspended and not barred)

    def posts_of(self, viewer: str | None, author: str) -> bool:
        if viewer == author or not self.profile(viewer, author):
            return viewer == author
        return author not in self.private or (viewer, author) in self.follows

    def comment(self, viewer: str | None, said: Said) -> bool:
        seen = self.posts_of(viewer, self.posts[said.post])
        return seen and self.profile(viewer, said.author)

    def feed(self, viewer: str) -> list[str]:
        return [post for post in super().feed(viewer) if self.posts_of(viewer, self.posts[post])]

    def readable(self, viewer: str | None) -> set[str]:
        """Every canary that may be in an answer to this viewer."""
        found: set[str] = set()
        for id_, words in self.words.items():
            if self.profile(viewer, id_):
                found |= {words.name, words.bio}
            if self.posts_of(viewer, id_):
                found |= {words.caption, words.alt, words.tag}
            if viewer == id_:
                found |= {words.mail, words.unpublished}
        return found | {said.canary for said in self.said.values() if self.comment(viewer, said)}

    def names(self, viewer: str | None, people: set[str]) -> set[str]:
        """The canaries of those whose profile the viewer may see."""
        return {self.words[id_].name for id_ in people if self.profile(viewer, id_)}

    def captions(self, posts: list[str]) -> set[str]:
        return {self.words[self.posts[post]].caption for post in posts}


class Townspeople:
    """Does random things, on the server first and then in the town."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.town = Town()
        self.people: dict[str, Person] = {}
        self._dice = random.Random(seed)

    def canary(self, kind: str) -> str:
        return f"{kind}x{self._dice.randbytes(6).hex()}"

    async def settle_in(self, size: int) -> None:
        """Everybody joins, describes themselves and publishes a photo."""
        for number in range(size):
            await self._join(f"canary{number}")
        await self.world.settle()

    async def _join(self, handle: str) -> None:
        kinds = ("name", "bio", "mail", "cap", "alt", "tag", "cap")
        words = Words(*[self.canary(kind) for kind in kinds])
        mail = f"{words.mail}@example.com"
        body = {"handle": handle, "email": mail, "password": PASSWORD, "display_name": words.name}
        joined = ok(await self.world.client.post("/v1/accounts", json=body))
        id_ = joined["account"]["id"]
        person = Person(self.world, id_, handle, joined["token"], self.world.client)
        await person.send("PATCH", "/v1/accounts/me", {"bio": words.bio})
        slide = {"upload_id": await person.upload(), "alt": words.alt}
        draft: dict[str, Any] = {"caption": f"{words.caption} #dawn #{words.tag}"}
        new = await person.send("POST", "/v1/posts", draft | {"slides": [slide]})
        to_come = {"media": {"content_type": "image/jpeg", "bytes": 1000}, "alt": words.unpublished}
        draft = {"caption": f"{words.unpublished} #dawn", "slides": [to_come]}
        await person.send("POST", "/v1/posts", draft)
        self.people[id_] = person
        self.town.words[id_] = words
        self.town.posts[new["post"]["id"]] = id_

    async def act(self, times: int) -> None:
        """Random deeds by people who are not suspended."""
        for _ in range(times):
            actor, other = self._dice.sample(sorted(self.people), 2)
            if actor in self.town.suspended:
                await self._suspend(actor, other)
                continue
            deed = self._dice.choices(self._DEEDS, weights=self._WEIGHTS)[0]
            await deed(self, actor, other)

    async def _follow(self, actor: str, other: str) -> None:
        answer = await self.people[actor].call("POST", "/v1/follows", json={"followed_id": other})
        assert answer.is_success == self.town.profile(actor, other), answer.text
        if answer.is_success:
            assert self.town.follow(actor, other) == answer.json()["state"]

    async def _accept(self, actor: str, other: str) -> None:
        path = f"/v1/follow-requests/{other}"
        if (other, actor) not in self.town.requests or other in self.town.suspended:
            return
        if self._dice.random() < 0.8:
            await self.people[actor].send("POST", f"{path}/accept")
            self.town.follows.add((other, actor))
        else:
            await self.people[actor].send("DELETE", path)
        self.town.requests.discard((other, actor))

    async def _part(self, actor: str, other: str) -> None:
        if self._dice.random() < 0.5:
            await self.people[actor].send("DELETE", f"/v1/follows/{other}")
            self.town.unfollow(actor, other)
        else:
            await self.people[actor].send("DELETE", f"/v1/followers/{other}")
            self.town.follows.discard((other, actor))

    async def _block(self, actor: str, other: str) -> None:
        if other not in self.town.suspended:
            await self.people[actor].send("POST", "/v1/blocks", {"account_id": other})
            self.town.block(actor, other)

    async def _unblock(self, actor: str, other: str) -> None:
        await self.people[actor].send("DELETE", f"/v1/blocks/{other}")
        self.town.blocks.discard((actor, other))

    async def _mute(self, actor: str, other: str) -> None:
        if (actor, other) in self.town.mutes:
            await self.people[actor].send("DELETE", f"/v1/mutes/{other}")
            self.town.mutes.discard((actor, other))
        elif self.town.profile(actor, other):
            await self.people[actor].send("POST", "/v1/mutes", {"account_id": other})
            self.town.mutes.add((actor, other))

    async def _privacy(self, actor: str, _: str) -> None:
        private = actor not in self.town.private
        await self.people[actor].send("PATCH", "/v1/accounts/me", {"private": private})
        # Going public accepts those who wait, soon after.
        await self.world.settle()
        self.town.set_private(actor, private=private)

    async def _suspend(self, actor: str, _: str) -> None:
        """No call does this yet: the change and what its use case would tell."""
        lifted = actor in self.town.suspended
        if not lifted and (self.town.suspended or self._waits_on(actor)):
            return
        accounts = metadata.tables["accounts"]
        where = sa.and_(accounts.c.shard == shard_of(int(actor)), accounts.c.id == int(actor))
        async with self.world.server.database.write() as tx:
            state = "active" if lifted else "suspended"
            await tx.execute(sa.update(accounts).where(where).values(state=state))
        notices = [CardChanged(account=int(actor)), TokensDoubted(account=int(actor))]
        self.world.server.database.notices.apply(notices)
        (self.town.suspended.discard if lifted else self.town.suspended.add)(actor)

    def _waits_on(self, actor: str) -> bool:
        return any(actor in edge for edge in self.town.requests)

    async def _react(self, actor: str, other: str) -> None:
        """Like or save, or take it back."""
        post = next(post for post, author in self.town.posts.items() if author == other)
        kind, marks = self._dice.choice([("like", self.town.likes), ("save", self.town.saves)])
        undo = (actor, post) in marks
        path = f"/v1/posts/{post}/{kind}"
        answer = await self.people[actor].call("DELETE" if undo else "PUT", path)
        assert answer.is_success == self.town.posts_of(actor, other), answer.text
        if answer.is_success:
            (marks.discard if undo else marks.add)((actor, post))

    async def _comment(self, actor: str, other: str) -> None:
        post = next(post for post, author in self.town.posts.items() if author == other)
        threads = [id_ for id_, said in self.town.said.items() if said.post == post]
        threads = [id_ for id_ in threads if self.town.said[id_].reply_to is None]
        canary, body = self.canary("said"), dict[str, str]()
        if threads and self._dice.random() < 0.5:
            body = {"reply_to": self._dice.choice(threads)}
        body["text"] = canary
        answer = await self.people[actor].call("POST", f"/v1/posts/{post}/comments", json=body)
        thread = self.town.said.get(body.get("reply_to", ""))
        allowed = self.town.posts_of(actor, other)
        assert answer.is_success == (
            allowed and (thread is None or self.town.comment(actor, thread))
        ), answer.text
        if answer.is_success:
            said = Said(post, actor, body.get("reply_to"), canary)
            self.town.said[answer.json()["id"]] = said

    async def _hush(self, actor: str, _: str) -> None:
        """Delete an own comment, wherever it is, with its thread."""
        own = [id_ for id_, said in self.town.said.items() if said.author == actor]
        if own:
            doomed = self._dice.choice(own)
            await self.people[actor].send("DELETE", f"/v1/comments/{doomed}")
            gone = {id_ for id_, said in self.town.said.items() if said.reply_to == doomed}
            self.town.said = {
                id_: said for id_, said in self.town.said.items() if id_ not in gone | {doomed}
            }

    _DEEDS = (
        *(_follow, _accept, _part, _block, _unblock),
        *(_mute, _privacy, _suspend, _react, _comment, _hush),
    )
    _WEIGHTS = (8, 4, 2, 1.5, 2, 1.5, 1.5, 0.5, 4, 3, 0.7)

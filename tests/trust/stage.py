"""A small town for the authorization matrix: everybody who may ask, everything to be asked for.

All live on one shard, where a forgotten account in a WHERE clause is not made good by the shard.
"""

from __future__ import annotations

import itertools
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import sqlalchemy as sa

from tests.cast import PASSWORD, Person, World, ok, open_world
from tests.trust.policy import RELATIONS
from tintype.accounts.events import CardChanged
from tintype.accounts.model import TokensDoubted
from tintype.database import SqliteDatabase, Transaction, metadata
from tintype.entry import compose
from tintype.http.shell import Shell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_SHARD = 7
OWNERS = ("olga", "paul", "sue", "dan")
"""Public, private, suspended, deleted: the actors are the same to all of them."""

_GRANT = re.compile(r"/media/g/([^/]+)/")
_MANIFEST = '{"src/main.ts": {"file": "assets/main.js"}}'


@dataclass(frozen=True)
class Subject:
    """Something that can be asked for; ``state`` is its row in the policy.

    Where it is hidden it must look like its ``twin``, which never existed.
    """

    kind: str
    name: str
    state: str
    owner: str | None = None
    values: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def twin(self) -> str:
        return "never below nina" if self.name.endswith("below nina") else "never"


@dataclass
class Actor:
    """Somebody who asks, with what goes with every request.

    ``column`` is what the actor is to the owners, or ``nobody`` or ``admin``; ``refused`` is the
    status that comes before any rule.
    """

    name: str
    column: str
    headers: dict[str, str]
    person: str | None = None
    refused: int | None = None
    unsafe_refused: int | None = None

    def column_for(self, subject: Subject) -> str:
        """What this actor is to the owner of a subject."""
        if self.person is not None and self.person == subject.owner:
            return "owner"
        if subject.owner is None or subject.owner in OWNERS or self.column in {"nobody", "admin"}:
            return self.column
        return "stranger"


@dataclass
class Stage:
    """The town, ready: nothing that is called from now on leaves a trace."""

    world: World
    actors: list[Actor]
    subjects: dict[str, list[Subject]]

    @property
    def written(self) -> int:
        """Rows changed since the beginning, those that were taken back included."""
        database = self.world.server.database
        assert isinstance(database, SqliteDatabase)
        return int(database._raw.total_changes)

    def of(self, kind: str) -> list[Subject]:
        values = _FIXED | _FIXED_OF.get(kind, {})
        return self.subjects.get(kind) or [Subject(kind, kind, "any", values=values)]


_FIXED = {"tag": "dawn", "section": "account", "name": "main.js"}
_FIXED_OF = {"flag": {"name": "feed-trending"}}


@asynccontextmanager
async def set_up(folder: Path) -> AsyncIterator[Stage]:
    """Build the town; from then on every transaction is taken back when it is done."""
    with (
        patch("secrets.randbelow", lambda _: _SHARD),
        patch.object(compose, "_CLIENT", small_client(folder)),
    ):
        world = await open_world(folder)
        builder = _Builder(world)
        await builder.build()
    await world.server.background.stop()
    with patch.object(SqliteDatabase, "write", _write_nothing):
        yield Stage(world, builder.actors, builder.subjects)
    await world.close()


def small_client(folder: Path) -> Path:
    """A built client to serve, so that pages have their statuses."""
    dist = folder / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "manifest.json").write_text(_MANIFEST)
    (dist / "assets" / "main.js").write_text("")
    assert Shell(dist)._bundle.entry
    return dist


@asynccontextmanager
async def _write_nothing(self: SqliteDatabase) -> AsyncIterator[Transaction]:
    """A transaction like any other, up to its commit."""
    from tintype.database.sqlite import _Turn

    async with self._turn:
        await self._begin()
        try:
            turn = _Turn(self._writer, self.clock, self.ids)
            yield turn
            await turn._store_events()
        finally:
            self._roll_back(RuntimeError())


class _Builder:
    def __init__(self, world: World) -> None:
        self.world = world
        self.people: dict[str, Person] = {}
        self.actors: list[Actor] = []
        self.subjects: dict[str, list[Subject]] = {}
        self.posts: dict[str, str] = {}
        self._numbers = itertools.count(1)

    async def build(self) -> None:
        for name in (*OWNERS, "nina", "carl", *RELATIONS, "suspended", "leaver", "visitor"):
            self.people[name] = await self.world.join(name)
        await self._relate()
        await self._publish()
        await self._gather_subjects()
        await self._part()
        await self._gather_actors()
        await self.world.settle()

    async def _relate(self) -> None:
        people = self.people
        await people["paul"].send("PATCH", "/v1/accounts/me", {"private": True})
        fans = ("follower", "muting", "muted", "former", "blocked", "suspended", "leaver")
        for owner in (people[name] for name in OWNERS):
            for fan in (*fans, "visitor"):
                await people[fan].follow(owner)
        await people["requester"].send("POST", "/v1/follows", {"followed_id": people["paul"].id})

    async def _publish(self) -> None:
        """A post by each, the photos processed side by side."""
        for name in (*OWNERS, "nina"):
            self.posts[name] = await self._post(name)
        for name in ("olga", "paul"):
            self.posts[f"{name}'s deleted"] = await self._post(name)
            for state in ("pending", "failed", "held"):
                self.posts[f"{name}'s {state}"] = await self._announced(name, state)
        await self.people["olga"].send(
            "PUT", "/v1/accounts/me/avatar", {"upload_id": await self.people["olga"].upload()}
        )
        await self.world.settle()

    async def _post(self, name: str) -> str:
        upload = await self.people[name].upload()
        draft = {"caption": f"{name} at #dawn", "slides": [{"upload_id": upload}]}
        return str((await self.people[name].send("POST", "/v1/posts", draft))["post"]["id"])

    async def _announced(self, name: str, state: str) -> str:
        """A post whose bytes never came."""
        media = {"content_type": "image/jpeg", "bytes": 1000}
        draft = {"caption": "soon", "slides": [{"media": media}]}
        new = await self.people[name].send("POST", "/v1/posts", draft)
        post, upload = new["post"]["id"], new["uploads"][0]["id"]
        if state != "pending":
            await self._change("posts", post, state=state, retryable=state == "failed")
        if state == "failed":
            await self._change("uploads", upload, state="failed", reason_code="gave-up")
        return str(post)

    async def _change(self, table: str, id_: str, **values: object) -> None:
        """What no call of the API does."""
        where = metadata.tables[table]
        async with self.world.server.database.write() as tx:
            changed = sa.update(where).where(where.c.shard == _SHARD, where.c.id == int(id_))
            assert await tx.execute(changed.values(**values)) == 1

    async def _gather_subjects(self) -> None:
        await self._posts_and_accounts()
        await self._comments()
        await self._uploads()
        await self._files()
        sessions = {name: await self._session(name) for name in ("olga", "paul")}
        for name, session in sessions.items():
            self._add("session", name, "any", name, session_id=session)
        self._add("session", "never", "never", session_id=self._never())
        requester = self.people["requester"].id
        self._add("follow request", "requester", "any", "paul", account_id=requester)
        self._add("follow request", "never", "never", account_id=self._never())

    async def _posts_and_accounts(self) -> None:
        states = {"olga": "public", "paul": "private", "sue": "gone", "dan": "gone"}
        for name, state in states.items():
            self._add("post", name, state, name, post_id=self.posts[name])
            self._add_account(name, state, self.people[name].id)
            self._add(
                "deletion",
                name,
                "gone" if name == "dan" else "never",
                account_id=self.people[name].id,
            )
        for post, id_ in self.posts.items():
            owner, _, state = post.partition("'s ")
            if state:
                row = {"deleted": "gone", "failed": "failed"}.get(state, "unpublished")
                self._add("post", post, row, owner, post_id=id_)
        self._add("post", "never", "never", post_id=self._never())
        self._add_account("never", "never", self._never())
        self._add("deletion", "nobody", "never", account_id=self._never())

    def _add_account(self, name: str, state: str, id_: str) -> None:
        names = {"reference": id_, "account_id": id_, "account": id_, "handle": name}
        self._add("account", name, state, name, section="followers", **names)

    async def _comments(self) -> None:
        """(whose post, who comments) → the state that the comment is in for the actors."""
        places = {
            ("olga", "olga"): ("public", "olga"),
            ("paul", "paul"): ("private", "paul"),
            ("nina", "olga"): ("public", "olga"),
            ("nina", "paul"): ("public", "paul"),
            ("nina", "sue"): ("gone", "sue"),
            ("nina", "dan"): ("gone", "dan"),
            ("olga", "carl"): ("public", "olga"),
            ("paul", "visitor"): ("private", "paul"),
            ("sue", "carl"): ("gone", "sue"),
            ("olga's deleted", "carl"): ("gone", "olga"),
        }
        for (where, writer), (state, owner) in places.items():
            path = f"/v1/posts/{self.posts[where]}/comments"
            comment = (await self.people[writer].send("POST", path, {"text": "hello"}))["id"]
            names = {"post_id": self.posts[where], "comment_id": comment}
            self._add("comment", f"{writer} below {where}", state, owner, **names)
        for name, post in (("never below nina", self.posts["nina"]), ("never", self._never())):
            self._add("comment", name, "never", post_id=post, comment_id=self._never())

    async def _uploads(self) -> None:
        for name in ("olga", "paul"):
            ready = await self.people[name].upload()
            open_ = (
                await self.people[name].send(
                    "POST", "/v1/uploads", {"content_type": "image/jpeg", "bytes": 1000}
                )
            )["id"]
            self._add("upload", f"{name} ready", "ready", name, upload_id=ready, number="1")
            self._add("upload", f"{name} open", "open", name, upload_id=open_, number="1")
        self._add("upload", "never", "never", upload_id=self._never(), number="1")
        await self.world.settle()

    async def _files(self) -> None:
        """The file of every post, with grants of those who could see it, once or still."""
        self._file("olga", "public", "olga", await self._address("olga", "olga"))
        for viewer in ("follower", "muting", "muted", "paul"):
            address = await self._address(viewer, "paul")
            self._file(f"paul by the grant of {viewer}", "granted", viewer, address)
        for viewer in ("former", "blocked", "suspended", "leaver"):
            address = await self._address(viewer, "paul")
            self._file(f"paul by the old grant of {viewer}", "gone", "paul", address)
        bare = _without_grant(await self._address("paul", "paul"))
        self._file("paul without a grant", "gone", "paul", bare)
        for name in ("sue", "dan", "olga's deleted", "paul's deleted"):
            owner = name.partition("'s")[0]
            self._file(name, "gone", owner, await self._address(owner, name))
        ready = next(each for each in self.subjects["upload"] if each.name == "olga ready")
        slide = (await self.people["olga"].get(f"/v1/uploads/{ready.values['upload_id']}"))["slide"]
        address = slide["renditions"][0]["url"]
        self._file("olga unpublished", "granted", "olga", address)
        self._file("olga unpublished without a grant", "gone", "olga", _without_grant(address))
        me = await self.people["olga"].get("/v1/accounts/me")
        self._file("olga's avatar", "avatar", "olga", me["avatar"])
        never = bare.replace(bare.split("/")[-2], self._never())
        self._file("never", "never", None, never)

    async def _address(self, viewer: str, post: str) -> str:
        view = await self.people[viewer].get(f"/v1/posts/{self.posts[post]}")
        return str(view["slides"][0]["renditions"][0]["url"])

    def _file(self, name: str, state: str, owner: str | None, address: str) -> None:
        upload, file = address.split("/")[-2:]
        grant = found.group(1) if (found := _GRANT.search(address)) else "none"
        self._add("media", name, state, owner, upload_id=upload, name=file, grant=grant)

    async def _session(self, name: str) -> str:
        """The id of a second session."""
        ok(await self._sign_in(name))
        sessions = (await self.people[name].get("/v1/sessions"))["items"]
        return next(str(each["id"]) for each in sessions if not each["current"])

    async def _sign_in(self, name: str) -> Any:
        body = {"login": name, "password": PASSWORD}
        return await self.world.anyone("POST", "/v1/sessions", json=body)

    def _add(
        self, kind: str, name: str, state: str, owner: str | None = None, /, **values: str
    ) -> None:
        self.subjects.setdefault(kind, []).append(Subject(kind, name, state, owner, values))

    def _never(self) -> str:
        """An id of the same shard that nothing has."""
        number = next(self._numbers)
        return str((1 << 50) | (_SHARD << 10) | number)

    async def _part(self) -> None:
        """What ended since: follows, accounts, posts, sessions."""
        people = self.people
        for owner in (people[name] for name in OWNERS):
            await people["former"].send("DELETE", f"/v1/follows/{owner.id}")
            await owner.send("POST", "/v1/blocks", {"account_id": people["blocked"].id})
            await people["blocking"].send("POST", "/v1/blocks", {"account_id": owner.id})
            await people["muting"].send("POST", "/v1/mutes", {"account_id": owner.id})
            await owner.send("POST", "/v1/mutes", {"account_id": people["muted"].id})
        for name in ("olga", "paul"):
            deleted = self.posts[f"{name}'s deleted"]
            await people[name].send("DELETE", f"/v1/posts/{deleted}")
        for name in ("dan", "leaver"):
            await people[name].send("DELETE", "/v1/accounts/me", {"password": PASSWORD})
        await self.world.settle()
        for name in ("sue", "suspended"):
            await self._change("accounts", people[name].id, state="suspended")
            # What the change through a use case would have done.
            id_ = int(people[name].id)
            notices = [CardChanged(account=id_), TokensDoubted(account=id_)]
            self.world.server.database.notices.apply(notices)

    async def _gather_actors(self) -> None:
        def bearer(token: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {token}"}

        def cookie(token: str, site: str) -> dict[str, str]:
            return {"Cookie": f"tintype_session={token}", "Sec-Fetch-Site": site}

        people = self.people
        root = await self.world.server.accounts.sign_up(
            _newcomer("root"), device=_device(), admin=True
        )
        follower, strange = people["follower"].token, f"{_SHARD:03x}{'x' * 43}"
        self.actors = [Actor("anonymous", "nobody", {})]
        for name, column in RELATIONS.items():
            self.actors.append(Actor(name, column, bearer(people[name].token), name))
        for name in ("olga", "paul"):
            self.actors.append(Actor(name, "stranger", bearer(people[name].token), name))
        self.actors.append(Actor("admin", "admin", bearer(root.token)))
        revoked = ok(await self._sign_in("follower"))["token"]
        ok(await self.world.anyone("DELETE", "/v1/sessions/current", headers=bearer(revoked)))
        dead = {
            "suspended": people["suspended"].token,
            "deleted": people["leaver"].token,
            "revoked": revoked,
            "garbage": strange,
            "malformed": "not a token",
        }
        for name, token in dead.items():
            self.actors.append(Actor(f"{name} token", "nobody", bearer(token), refused=401))
        self.actors += [
            Actor("stale cookie", "nobody", cookie(revoked, "same-origin")),
            Actor("own site", "follower", cookie(follower, "same-origin"), "follower"),
            Actor(
                "foreign site",
                "follower",
                cookie(follower, "cross-site"),
                "follower",
                unsafe_refused=403,
            ),
        ]


def _newcomer(handle: str) -> Any:
    from tintype.accounts import Newcomer

    return Newcomer(handle=handle, email=f"{handle}@example.com", password=PASSWORD)


def _device() -> Any:
    from tintype.accounts import Device

    return Device(address="127.0.0.1", agent="")


def _without_grant(address: str) -> str:
    return _GRANT.sub("/media/", address)


def without_traces(text: str) -> str:
    """A page without what differs between any two answers."""
    return re.sub(r'nonce="[^"]+"', "", text)

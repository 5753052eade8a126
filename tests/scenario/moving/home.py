"""People on an embedded server that is stopped in the middle of things, and their new home."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from tests.cast import BASE, Person, World, ok, open_world, settings_in
from tests.pictures import small_photo
from tintype.adapters.s3 import S3Settings
from tintype.database import ConsumerRunner, Relay
from tintype.database.settings import DatabaseSettings
from tintype.entry.compose import compose
from tintype.entry.settings import Settings
from tools.engines.s3 import S3Server

KEY = {"Idempotency-Key": "once"}
PAUSED = 40 * 1024 * 1024


@dataclass
class Left:
    """What people had and saw in the embedded home. ``tokens`` are by handle."""

    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    feed: Any = None
    photo: bytes = b""
    comment: Any = None
    paused: str = ""
    waiting_post: str = ""
    sent: str = ""


@dataclass
class Home:
    """A folder to be moved, and where to."""

    data: Path
    url: str
    s3: S3Settings
    server: S3Server

    @property
    def environ(self) -> dict[str, str]:
        assert self.s3.secret_key is not None
        return {
            "TINTYPE_DATA": str(self.data),
            "TINTYPE_CONFIG": os.devnull,
            "TINTYPE_DATABASE__URL": self.url,
            "TINTYPE_S3__ENDPOINT": str(self.s3.endpoint),
            "TINTYPE_S3__BUCKET": self.s3.bucket,
            "TINTYPE_S3__ACCESS_KEY": str(self.s3.access_key),
            "TINTYPE_S3__SECRET_KEY": self.s3.secret_key.get_secret_value(),
        }

    @property
    def settings(self) -> Settings:
        secret = (self.data / "secret").read_text()
        return settings_in(
            self.data.parent / "elsewhere",
            database=DatabaseSettings(url=self.url),
            s3=self.s3,
            secret=secret,
        )

    async def start(self, *arguments: str, **environ: str) -> asyncio.subprocess.Process:
        variables = self.environ | environ
        return await asyncio.create_subprocess_exec(
            "env",
            *(f"{name}={value}" for name, value in variables.items() if value),
            sys.executable,
            *("-m", "tintype", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """A command in the environment of the new home; an empty variable is left out."""
        process = await self.start(*arguments, **environ)
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def move(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        return await self.run("migrate-store", *arguments, **environ)

    async def sql(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    def object(self, key: str) -> Path:
        """The file that the S3 server keeps a blob in."""
        return self.server.objects / self.s3.bucket / key

    def objects(self) -> dict[str, int]:
        """Every blob in the bucket, and when it was stored."""
        root = self.object("")
        return {
            path.relative_to(root).as_posix(): path.stat().st_mtime_ns
            for path in root.rglob("*")
            if path.is_file() and ".sgwtmp" not in path.parts
        }

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """The whole server on the engines."""
        server = compose(self.settings)
        await server.start()
        transport = httpx.ASGITransport(app=server.asgi)
        client = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60)
        world = World(server, client)
        try:
            yield world
        finally:
            await world.close()


def person(world: World, left: Left, handle: str) -> Person:
    """Somebody with the session that they had."""
    return Person(world, left.ids[handle], handle, left.tokens[handle], world.client)


def seen(feed: Any) -> Any:
    """A feed page without its signed addresses, which are other ones every time."""
    if isinstance(feed, dict):
        return {name: seen(value) for name, value in feed.items()}
    if isinstance(feed, list):
        return [seen(each) for each in feed]
    return feed.partition("?")[0] if isinstance(feed, str) and "://" in feed else feed


def first_photo(feed: Any) -> str:
    """Where the first picture of a feed is."""
    url: str = feed["items"][0]["slides"][0]["renditions"][0]["url"]
    return url


def fingerprints(folder: Path) -> dict[str, str]:
    """Every file of a folder by its content, apart from what a move keeps for itself."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and path.relative_to(folder).parts[0] not in {"moving", "moved", "lock"}
        and not path.name.endswith(("-wal", "-shm"))
    }


async def leave(folder: Path) -> Left:
    """Live on an embedded server for a while, and stop it while things wait."""
    world, left = await open_world(folder), Left()
    ada, bo = await world.join("ada"), await world.join("bo")
    for each in (ada, bo):
        left.tokens[each.handle], left.ids[each.handle] = each.token, each.id
    await bo.follow(ada)
    dawn, dusk = await ada.post("dawn"), await ada.post("dusk", slides=2)
    await bo.send("PUT", f"/v1/posts/{dawn}/save")
    await ada.send("PUT", "/v1/accounts/me/avatar", {"upload_id": await ada.upload()})
    await world.settle()
    left.paused = (
        await ada.send("POST", "/v1/uploads", {"content_type": "video/mp4", "bytes": PAUSED})
    )["id"]
    part = await ada.get(f"/v1/uploads/{left.paused}/parts/1")
    size = int(part["headers"]["Content-Length"])
    ok(await world.client.put(part["url"], headers=part["headers"], content=bytes(size)))
    begun = {"content_type": "image/jpeg", "bytes": 1_000}
    body = {"caption": "later", "slides": [{"media": begun}]}
    left.waiting_post = (await ada.send("POST", "/v1/posts", body))["post"]["id"]
    await world.settle()
    # From here on nothing is handled any more, as before a power cut.
    await world.server.background.stop()
    left.sent = await ada.upload(small_photo(4711))
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    counters = next(each for each in world.server.background.consumers if each.group == "counters")
    await Relay(world.server.database).drain()
    await ConsumerRunner(world.server.database, counters).catch_up()
    await bo.send("PUT", f"/v1/posts/{dusk}/like")
    comment = {"text": "what a light"}
    answer = await bo.call("POST", f"/v1/posts/{dusk}/comments", json=comment, headers=KEY)
    left.comment = (dusk, comment, ok(answer))
    left.feed = await bo.get("/v1/feed")
    left.photo = (await world.client.get(first_photo(left.feed))).content
    await world.close()
    return left

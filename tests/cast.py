"""The standing cast and the world they live in: scenario tests read like the product.

``ada`` is public, ``bo`` is private, ``cy`` is above the celebrity threshold, ``dee`` blocked ada,
``eve`` is suspended.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.hanging_up import hanging_up
from tests.pictures import small_photo
from tintype.entry.compose import Server, compose
from tintype.entry.settings import Settings
from tintype.feed import FeedSettings
from tintype.http import RateLimitSettings
from tintype.media import MediaSettings

PASSWORD = "correct horse battery"
BASE = "http://tintype.test"
_SETTLED_S = 120.0
"""Long enough for photos and films on a machine with ten times as much to do as processors."""

_seeds = itertools.count(1)


@dataclass
class Person:
    """Somebody with an account, calling the API as their app would."""

    world: World
    id: str
    handle: str
    token: str
    client: httpx.AsyncClient = field(repr=False)

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a read that must succeed."""
        return ok(await self.call("GET", path, params=query))

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON (or ``None``) of a write that must succeed."""
        options = {} if body is None else {"json": body}
        return ok(await self.call(method, path, **options))

    async def follow(self, other: Person) -> None:
        """Follow somebody, who lets it happen if they are asked."""
        if (await self.send("POST", "/v1/follows", {"followed_id": other.id}))[
            "state"
        ] != "following":
            await other.send("POST", f"/v1/follow-requests/{self.id}/accept")

    async def send_bytes(self, upload_id: str, data: bytes) -> None:
        """Send the only part of an upload, as the server says."""
        part = await self.get(f"/v1/uploads/{upload_id}/parts/1")
        ok(
            await self.client.request(
                part["method"], part["url"], headers=part["headers"], content=data
            )
        )

    async def upload(self, data: bytes | None = None) -> str:
        """Upload a photo, a new one unless it is given; returns the upload's id."""
        data = small_photo(next(_seeds)) if data is None else data
        asked = {"content_type": "image/jpeg", "bytes": len(data)}
        upload: str = (await self.send("POST", "/v1/uploads", asked))["id"]
        await self.send_bytes(upload, data)
        await self.send("POST", f"/v1/uploads/{upload}/complete")
        return upload

    async def post(self, caption: str = "", *, slides: int = 1) -> str:
        """Publish new photos and wait until others can see them; returns the post's id."""
        uploads = [{"upload_id": await self.upload()} for _ in range(slides)]
        new = await self.send("POST", "/v1/posts", {"caption": caption, "slides": uploads})
        await self.world.settle()
        post: str = new["post"]["id"]
        assert (await self.get(f"/v1/posts/{post}"))["state"] == "published"
        return post


@dataclass
class World:
    """One server and the people on it."""

    server: Server
    client: httpx.AsyncClient

    async def join(self, handle: str) -> Person:
        """Sign somebody up."""
        body = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
        joined = ok(await self.client.post("/v1/accounts", json=body))
        return Person(self, joined["account"]["id"], handle, joined["token"], self.client)

    async def anyone(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call by nobody in particular."""
        return await self.client.request(method, path, **options)

    async def settle(self) -> None:
        """Wait until every event is consumed and every due job is done."""
        await self.server.background.settle(_SETTLED_S)

    async def close(self) -> None:
        await self.client.aclose()
        await self.server.stop()


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Settings for a test: the defaults, with room for as many calls as it makes."""
    limits = RateLimitSettings(factor=10_000)
    # A machine that runs many tests at once is slower than any database may be.
    changes.setdefault("feed", FeedSettings(budget_ms=30_000))
    # What grows in spare time would only be waited for.
    changes.setdefault("media", MediaSettings(avif=False))
    return Settings(data=folder / "data", rate_limits=limits, **changes)


async def open_world(folder: Path, **changes: Any) -> World:
    """A whole server in this process, with its background work running."""
    server = compose(settings_in(folder, **changes))
    await server.start()
    # This client reads answers whole; whoever wants to hear a stream takes ``tests.sse``.
    transport = httpx.ASGITransport(app=hanging_up(server.asgi))
    return World(server, httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60))


def ok(response: httpx.Response) -> Any:
    """The JSON of an answer that must be a success (``None`` without a body)."""
    assert response.is_success, f"{response.request.url}: {response.status_code} {response.text}"
    return response.json() if response.content else None

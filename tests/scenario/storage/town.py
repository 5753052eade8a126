"""People on a server whose media are in a bucket, and a count of what passes through the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.cast import PASSWORD, ok, settings_in
from tintype.adapters.s3 import S3Settings
from tintype.entry.compose import Server, compose
from tools.engines.process import free_port

TOKEN = "only-the-bucket-knows"


class MovedClock:
    """The machine's time, so that the bucket agrees, until a test moves it ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def now_ms(self) -> int:
        return round(self.now().timestamp() * 1000)


@dataclass
class Counted:
    """Counts the bytes of every body that passes through the server."""

    app: ASGIApp
    bodies: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path and bytes, one entry a message."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def take() -> Message:
            message = await receive()
            self._count(scope, message)
            return message

        async def give(message: Message) -> None:
            self._count(scope, message)
            await send(message)

        await self.app(scope, take, give)

    def bytes(self, prefix: str = "/") -> int:
        return sum(size for _, path, size in self.bodies if path.startswith(prefix))

    def _count(self, scope: Scope, message: Message) -> None:
        if body := message.get("body"):
            self.bodies.append((scope["method"], scope["path"], len(body)))


@dataclass
class Citizen:
    """Somebody with an account, whose app sends parts where the server says."""

    town: Town
    id: str
    token: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.town.client.request(method, path, headers=headers, **options)

    async def begin(self, data: bytes) -> str:
        asked = {"content_type": "image/jpeg", "bytes": len(data)}
        upload: str = ok(await self.call("POST", "/v1/uploads", json=asked))["id"]
        return upload

    async def sign(self, upload: str, number: int = 1) -> Any:
        return ok(await self.call("GET", f"/v1/uploads/{upload}/parts/{number}"))

    async def send(self, upload: str, data: bytes, number: int = 1) -> httpx.Response:
        part = await self.sign(upload, number)
        return await self.town.client.request(
            part["method"], part["url"], headers=part["headers"], content=data
        )

    async def state(self, upload: str) -> Any:
        return ok(await self.call("GET", f"/v1/uploads/{upload}"))

    async def upload(self, data: bytes) -> str:
        upload = await self.begin(data)
        ok(await self.send(upload, data))
        ok(await self.call("POST", f"/v1/uploads/{upload}/complete"))
        return upload

    async def post(self, data: bytes) -> Any:
        """Publish a photo, wait until it is there; returns the post."""
        body = {"caption": "dawn", "slides": [{"upload_id": await self.upload(data)}]}
        made = ok(await self.call("POST", "/v1/posts", json=body))
        await self.town.settle()
        return ok(await self.call("GET", f"/v1/posts/{made['post']['id']}"))

    async def complete_at_the_bucket(self, upload: str) -> None:
        """Put the parts together past the server, as somebody with the bucket's keys can."""
        url = urlsplit((await self.sign(upload))["url"])
        settings = self.town.settings
        place = {
            "Bucket": settings.bucket,
            "Key": url.path.removeprefix(settings.path),
            "UploadId": parse_qs(url.query)["uploadId"][0],
        }
        client = self.town.bucket
        stored = await asyncio.to_thread(lambda: client.list_parts(**place)["Parts"])
        parts = [{"PartNumber": each["PartNumber"], "ETag": each["ETag"]} for each in stored]
        await asyncio.to_thread(
            lambda: client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        )


@dataclass
class Town:
    """The server, its bucket and the count."""

    server: Server
    settings: S3Settings
    clock: MovedClock
    counted: Counted
    client: httpx.AsyncClient

    @property
    def bucket(self) -> Any:
        """A client with the keys of the bucket."""
        return self.server.media.storage.blobs.connection.client  # type: ignore[attr-defined]

    async def join(self, handle: str) -> Citizen:
        body = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
        joined = ok(await self.client.post("/v1/accounts", json=body))
        return Citizen(self, joined["account"]["id"], joined["token"])

    async def settle(self) -> None:
        await self.server.background.settle(60)

    async def keys(self, prefix: str = "") -> list[str]:
        """What the bucket holds."""
        asked = {"Bucket": self.settings.bucket, "Prefix": prefix}
        page = await asyncio.to_thread(lambda: self.bucket.list_objects_v2(**asked))
        return [each["Key"] for each in page.get("Contents", [])]


def base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def open_town(
    folder: Path, settings: S3Settings, *, port: int | None = None
) -> AsyncIterator[Town]:
    """A server with its media in this bucket, on a real port."""
    clock, port = MovedClock(), port or free_port()
    server = compose(settings_in(folder, s3=settings, bind=f"127.0.0.1:{port}"), clock=clock)
    counted = Counted(server.asgi)
    await server.start()
    config = uvicorn.Config(counted, port=port, lifespan="off", log_config=None, ws="none")
    web = uvicorn.Server(config)
    serving = asyncio.create_task(web.serve())
    while not web.started:  # noqa: ASYNC110 - the framework offers a flag, not an event
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient(base_url=base_url(port), timeout=60) as client:
            yield Town(server, settings, clock, counted, client)
    finally:
        web.should_exit = True
        await serving
        await server.stop()

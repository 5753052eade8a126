"""A server with accounts and media alone: the media slice through HTTP, on the real disk."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyvips
from fastapi import FastAPI

from tests.cast import BASE, PASSWORD, ok
from tintype.accounts import Accounts, AccountSettings, Passwords, Sessions
from tintype.accounts.routes import routes as account_routes
from tintype.adapters.disk import DiskSettings
from tintype.adapters.s3 import S3Settings
from tintype.database import Relay, SqliteDatabase
from tintype.database.migrate import migrate
from tintype.entry.background import Background, Log, Work
from tintype.entry.media import MediaConfig, MediaPart, compose_media
from tintype.entry.secret import Secret
from tintype.http import (
    Envelope,
    Identity,
    Keeper,
    Kit,
    RateLimiter,
    RateLimitSettings,
    create_app,
)
from tintype.kernel.clock import Clock, ManualClock, SystemClock
from tintype.kernel.ids import Id
from tintype.media import MediaSettings, TextLimits

TEXTS = TextLimits(
    slides=20,
    caption=2200,
    comment=1000,
    alt=1500,
    bio=500,
    display_name=60,
    tags=30,
    mentions=30,
    handle=30,
    email=254,
    password=256,
    password_least=8,
)
START = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Circle:
    """An audience that is told who may see whom: everybody, unless somebody is private."""

    private: set[Id] = field(default_factory=set)
    followers: set[tuple[Id, Id]] = field(default_factory=set)
    blocked: set[tuple[Id, Id]] = field(default_factory=set)

    async def may_see_media(self, viewer: Id | None, owner: Id, upload: Id) -> bool:
        del upload
        if viewer is not None and (viewer, owner) in self.blocked:
            return False
        return owner not in self.private or viewer == owner or (viewer, owner) in self.followers


class _Tokens:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def identify(self, token: str) -> Identity | None:
        signed = await self._sessions.identify(token)
        return None if signed is None else Identity(account=signed.account, session=signed.session)


@dataclass
class Uploader:
    """Somebody with an account, sending files as their app would."""

    rig: Rig
    id: Id
    token: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return await self.rig.client.request(method, path, headers=headers, **options)

    async def begin(self, content_type: str, size: int) -> Any:
        body = {"content_type": content_type, "bytes": size}
        return ok(await self.call("POST", "/v1/uploads", json=body))

    async def sign(self, upload: str, number: int) -> Any:
        return ok(await self.call("GET", f"/v1/uploads/{upload}/parts/{number}"))

    async def send(self, upload: str, number: int, data: bytes) -> httpx.Response:
        """Send one part the way the server says."""
        signed = await self.sign(upload, number)
        return await self.rig.client.request(
            signed["method"], signed["url"], headers=signed["headers"], content=data
        )

    async def upload(self, data: bytes, content_type: str = "image/jpeg") -> str:
        """Send a whole file, without completing it."""
        begun = await self.begin(content_type, len(data))
        size: int = begun["part_size"]
        for number in range(1, begun["part_count"] + 1):
            sent = await self.send(begun["id"], number, data[(number - 1) * size : number * size])
            assert sent.status_code == 200, sent.text
        return str(begun["id"])

    async def complete(self, upload: str) -> httpx.Response:
        return await self.call("POST", f"/v1/uploads/{upload}/complete")

    async def read(self, upload: str) -> Any:
        return ok(await self.call("GET", f"/v1/uploads/{upload}"))

    async def ready(self, data: bytes, content_type: str = "image/jpeg") -> Any:
        """Send a file and wait for its slide; returns the upload."""
        upload = await self.upload(data, content_type)
        ok(await self.complete(upload))
        await self.rig.settle()
        return await self.read(upload)

    async def share(self, upload: str) -> None:
        """What a post does with an upload: claim it, and publish it."""
        async with self.rig.database.write() as tx:
            await self.rig.media.media.claim(tx, [int(upload)], owner=self.id, subject=1)
            await self.rig.media.media.publish(tx, [int(upload)])

    async def slide(self, upload: str, viewer: Id | None = None) -> Any:
        """The slide as another viewer is shown it, by way of a post."""
        async with self.rig.database.read() as reader:
            slides = await self.rig.media.media.slides(reader, [int(upload)], viewer=viewer)
        return slides[int(upload)]


@dataclass
class Rig:
    """The server, and the knobs that a test may turn."""

    folder: Path
    database: SqliteDatabase
    accounts: Accounts
    media: MediaPart
    circle: Circle
    background: Background
    app: FastAPI
    client: httpx.AsyncClient

    async def join(self, handle: str) -> Uploader:
        body = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
        joined = ok(await self.client.post("/v1/accounts", json=body))
        return Uploader(self, int(joined["account"]["id"]), joined["token"])

    async def settle(self) -> None:
        """Wait until every due job is done."""
        await self.background.settle(60)

    async def fetch(self, url: str, **headers: str) -> httpx.Response:
        """Fetch a file with no session, as a picture on a page without cookies does."""
        return await self.client.get(
            url.replace("\x01", BASE),
            headers={name.replace("_", "-"): v for name, v in headers.items()},
        )

    async def kept(self) -> list[str]:
        """Every key that the storage holds anything under, uploads in parts included."""
        blobs = self.media.storage.blobs
        keys = [upload.key async for upload in blobs.uploads()]
        for prefix in ("originals/", "renditions/"):
            keys += [blob.key async for blob in blobs.under(prefix)]
        return sorted(keys)

    def files(self) -> list[str]:
        """Every blob on the disk, uploads in parts included."""
        root = self.folder / "blobs"
        return sorted(
            str(path.relative_to(root))
            for folder in ("blobs", "uploads")
            for path in (root / folder).rglob("*")
            if path.is_file()
        )


@asynccontextmanager
async def open_rig(
    folder: Path,
    *,
    clock: Clock | None = None,
    settings: MediaSettings | None = None,
    disk: DiskSettings | None = None,
    s3: S3Settings | None = None,
) -> AsyncIterator[Rig]:
    """A server in this process with its jobs running; its media are on the disk, or in ``s3``."""
    clock = clock or SystemClock()
    secret = Secret.in_folder(folder)
    circle = Circle()
    # The tables of every slice are known by now: importing the wiring declared them.
    migrate(folder / "tintype.sqlite", folder / "backups")
    database = SqliteDatabase(folder / "tintype.sqlite", clock)
    passwords = Passwords(AccountSettings())
    sessions = Sessions(database, passwords, AccountSettings())
    accounts = Accounts(database, passwords, sessions, AccountSettings())
    media = compose_media(
        folder,
        MediaConfig(
            media=settings or MediaSettings(avif=False),
            disk=disk or DiskSettings(free_floor=0),
            texts=TEXTS,
            s3=s3,
        ),
        database=database,
        accounts=accounts,
        sessions=sessions,
        audience=circle,
        secret=secret,
    )
    kit = Kit(
        authenticator=_Tokens(sessions),
        limiter=RateLimiter(RateLimitSettings(factor=10_000), clock),
        keeper=Keeper(database, secret.seal("idempotency")),
        public_url=None,
    )
    app = create_app(kit, [account_routes(accounts, sessions), media.routes])
    app.router.routes.extend(media.part_routes)
    work = Work(
        handlers=media.handlers,
        slow_handlers=media.slow_handlers,
        late_handlers=media.late_handlers,
    )
    background = Background(database, work, Log(None, Relay(database).run))
    transport = httpx.ASGITransport(Envelope(app, unlimited=("/parts/",)))
    outside = {} if s3 is None else {s3.origin: httpx.AsyncHTTPTransport()}
    client = httpx.AsyncClient(
        transport=transport, mounts=outside, base_url=BASE, timeout=60, follow_redirects=True
    )
    await media.start()
    background.start()
    try:
        yield Rig(folder, database, accounts, media, circle, background, app, client)
    finally:
        await client.aclose()
        await background.stop()
        await media.stop()
        passwords.close()
        await database.close()


NOTES = (b"Ada's secret phone", b"51.5007N", b"written by hand")


def photo_with_notes(width: int, height: int) -> bytes:
    """A JPEG as phones write them: maker, place and remarks in EXIF and XMP."""
    image = pyvips.Image.new_from_buffer(photo(width, height), "").copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Model", NOTES[0].decode())
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "51/1 30/1 2/1")
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + NOTES[1] + b"</x:xmpmeta>"
    image.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd2-UserComment", NOTES[2].decode())
    data: bytes = image.jpegsave_buffer(keep="all")
    return data


def photo(width: int = 400, height: int = 300, *, seed: int = 1, kind: str = ".jpg") -> bytes:
    """A photo of coloured noise: small, real, and different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    image = pyvips.Image.new_from_memory(coarse.tobytes(), 16, 12, 3, "uchar")
    image = image.copy(interpretation="srgb").resize(width / 16, vscale=height / 12, kernel="cubic")
    data: bytes = image.write_to_buffer(kind)
    return data


def manual_clock() -> ManualClock:
    return ManualClock(START)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def eventually(check: Any, seconds: float = 10) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - the condition lies in the store
            await asyncio.sleep(0.02)

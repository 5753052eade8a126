"""The few photos that all posts of a world show: made once, as any photo is."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from pathlib import Path

import sqlalchemy as sa

from tintype.accounts.model import Device, Newcomer
from tintype.codecs.scenes import paint_photo
from tintype.entry.bench.rows import DOMAIN, HANDLE
from tintype.entry.compose import Server, compose
from tintype.entry.settings import Settings
from tintype.kernel.ids import Id, shard_of
from tintype.media import store
from tintype.media.model import Announced, original_key
from tintype.media.service.uploads import process_job
from tintype.posts.model import Draft, DraftSlide
from tintype.posts.store.posts import posts

_SIZE = (960, 720)
_PATIENCE_S = 600.0
_POLL_S = 0.2


class PhotosFailed(Exception):  # noqa: N818 - it reads as what it says
    """The photos were not published in time."""


async def publish_photos(settings: Settings, seed: int, count: int) -> list[Id]:
    """Publish so many photos on an account of the world's own; their uploads.

    Everybody may see them, and so the posts of everybody that show them.

    Raises:
        PhotosFailed: one was not published within minutes.
    """
    quick = settings.media.model_copy(update={"avif": False})
    server = compose(settings.model_copy(update={"media": quick}))
    await server.start()
    try:
        return await _published(server, seed, count)
    finally:
        await server.stop()


async def _published(server: Server, seed: int, count: int) -> list[Id]:
    newcomer = Newcomer(
        handle=f"{HANDLE}photos",
        email=f"photos{DOMAIN}",
        password=secrets.token_urlsafe(32),
        display_name="The photos of this world",
    )
    joined = await server.accounts.sign_up(
        newcomer, device=Device("", "tintype bench"), admin=False
    )
    owner = int(joined.account.id)
    uploads = []
    for number in range(count):
        photo = await asyncio.to_thread(paint_photo, seed + number, *_SIZE)
        upload = await _uploaded(server, owner, photo)
        draft = Draft(slides=[DraftSlide(media=upload)], caption=f"Scene {number + 1}")
        await server.posts.publishing.create(draft, actor=owner)
        uploads.append(upload)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while await _live(server, owner) < count:  # noqa: ASYNC110 - it is read from the store
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        message = "The photos of the world were not published in time. Look at tintype jobs list."
        raise PhotosFailed(message) from error
    return uploads


async def _uploaded(server: Server, owner: Id, photo: bytes) -> Id:
    """An original that arrived, with the job that makes its renditions."""
    file = Announced(content_type="image/jpeg", size=len(photo), filename="scene.jpg")
    upload = await server.media.uploads.prepare(file, owner=owner)
    blobs = server.media.storage.blobs
    key = original_key(upload.id)
    await blobs.abort(key, upload.remote)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.jpg"
        path.write_bytes(photo)
        await blobs.store(key, path, content_type=upload.content_type)
    async with server.database.write() as tx:
        await server.media.uploads.begin(tx, upload)
        await store.change(tx, upload.id, {"state": "processing"})
        await tx.enqueue(process_job(upload.id, kind=upload.kind))
    return upload.id


async def _live(server: Server, owner: Id) -> int:
    """How many posts of an account others see by now."""
    asked = sa.select(sa.func.count()).where(
        posts.c.shard == shard_of(owner), posts.c.author == owner, posts.c.state == "published"
    )
    async with server.database.read() as reader:
        return int(await reader.scalar(asked))

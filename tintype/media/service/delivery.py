"""Handing out renditions: to everybody, or to one viewer who was granted it and still may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import msgspec
import structlog

from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.errors import MediaNotFound
from tintype.media.model import SERVED_TYPES, Audience, Rendition, Upload, rendition_key
from tintype.media.service.grants import Grants
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)

_NAME = re.compile(r"([0-9a-f]{32})\.(jpg|webp|mp4)")


class Served(msgspec.Struct, frozen=True):
    """A rendition that may be handed out now; ``public`` ones may be kept by anybody's cache."""

    key: str
    content_type: str
    bytes: int
    etag: str
    public: bool


class Delivery:
    """Decides about every request for a file, and reads its bytes."""

    def __init__(
        self, database: Database, blobs: Blobs, grants: Grants, audience: Audience
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._grants = grants
        self._audience = audience

    async def find(
        self, upload_id: Id, name: str, *, viewer: Id | None, grant: str | None
    ) -> Served:
        """The rendition with this name, if this caller may have it at this moment.

        What everybody may see needs no grant; a signed-in ``viewer`` who may not see it (blocked)
        gets it all the same as little as its owner's other things. Everything else takes a grant,
        and a viewer, when one is signed in, who is the one it was made for.

        Raises:
            MediaNotFound: unknown, not ready, released, or not for this caller.
        """
        named = _NAME.fullmatch(name)
        if named is None:
            raise MediaNotFound
        async with self._database.read() as reader:
            found = await store.find_ready(reader, upload_id, named.group(1))
        if found is None or found[1].name != name:
            raise MediaNotFound
        upload, rendition = found
        if await self._is_public(upload):
            if viewer is not None and not await self._may_see(viewer, upload):
                raise MediaNotFound
            return _served(upload, rendition, public=True)
        granted = self._grants.viewer_in(grant or "", upload=upload_id, name=name)
        if granted is None or viewer not in {None, granted}:
            raise MediaNotFound
        if not await self._may_see(granted, upload):
            raise MediaNotFound
        return _served(upload, rendition, public=False)

    async def read(self, served: Served, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to ``end`` (exclusive); the first piece is at hand on return.

        Raises:
            MediaNotFound: the storage has lost the file.
        """
        pieces = self._blobs.stream(served.key, start=start, length=end - start)
        try:
            first = await anext(pieces, b"")
        except BlobNotFound as error:
            log.error("media.lost", key=served.key)  # noqa: TRY400 - the key says it all
            raise MediaNotFound from error
        return _joined(first, pieces)

    async def _is_public(self, upload: Upload) -> bool:
        if upload.access == "viewers":
            return await self._audience.may_see_media(None, upload.owner, upload.id)
        return upload.access == "everyone"

    async def _may_see(self, viewer: Id, upload: Upload) -> bool:
        if viewer == upload.owner or upload.access == "everyone":
            return True
        if upload.access == "owner":
            return False
        return await self._audience.may_see_media(viewer, upload.owner, upload.id)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _served(upload: Upload, rendition: Rendition, *, public: bool) -> Served:
    return Served(
        key=rendition_key(upload.id, rendition.name),
        content_type=SERVED_TYPES[rendition.name.rpartition(".")[2]],
        bytes=rendition.bytes,
        etag=f'"{rendition.sha256[:32]}"',
        public=public,
    )

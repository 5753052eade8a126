"""Handing out renditions: to everybody, or to one viewer who was granted it and still may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import msgspec
import structlog

from tintype.accounts import Sessions
from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.errors import MediaNotFound
from tintype.media.model import (
    DOWNLOAD,
    SERVED_TYPES,
    TEXTS,
    Audience,
    ReadyFile,
    rendition_key,
)
from tintype.media.service.choosing import Wish, choose
from tintype.media.service.grants import Grants
from tintype.ports.blobs import Blobs
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)

# How long an address in the bucket is good: it can not be taken back, so it ends within the minute
# in which a block, a withdrawal, the private switch or the end of a session must reach files too.
_WAY_S = 60
_ON_ITS_WAY_S = 5

_NAME = re.compile(r"([0-9a-f]{32})\.([a-z0-9]{3,4})")


class Served(msgspec.Struct, frozen=True):
    """A rendition that may be handed out now; ``public`` ones may be kept by anybody's cache.

    What is to be downloaded and not shown has the name that it is ``saved_as``.
    """

    key: str
    name: str
    content_type: str
    bytes: int
    etag: str
    public: bool
    saved_as: str | None = None

    @property
    def is_film(self) -> bool:
        return self.content_type.startswith("video/")

    @property
    def names_others(self) -> bool:
        """Whether it leads to further files in its own folder, as playlists do."""
        return self.content_type in TEXTS


class Chosen(msgspec.Struct, frozen=True):
    """The rendition that fits a wish; one that is not ``settled`` may give way to a better one."""

    served: Served
    settled: bool


class Elsewhere(msgspec.Struct, frozen=True):
    """Where the storage itself hands a rendition out; the way may be kept for ``keep_s``."""

    url: str
    keep_s: int


class Delivery:
    """Decides about every request for a file, and reads its bytes."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        grants: Grants,
        sessions: Sessions,
        audience: Audience,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._blobs = blobs
        self._grants = grants
        self._audience = audience

    async def find(
        self, upload_id: Id, name: str, *, viewer: Id | None, grant: str | None
    ) -> Served:
        """The rendition with this name, if this caller may have it at this moment.

        What everybody may see needs no grant; a signed-in ``viewer`` who may not see it (blocked)
        gets it all the same as little as its owner's other things. Everything else takes a grant;
        whoever it was made for must still be signed in, here or, where the request carries no
        session (a media address of its own, a native client), with the session that the grant was
        made for.

        Raises:
            MediaNotFound: unknown, not ready, released, or not for this caller.
        """
        named = _NAME.fullmatch(name)
        if named is None:
            raise MediaNotFound
        async with self._database.read() as reader:
            found = await store.find_ready(reader, upload_id, named.group(1))
            if found is None:
                now = self._database.clock.now_ms()
                found = await store.find_lingering(reader, upload_id, name, now_ms=now)
        if found is None or found.rendition.name != name:
            raise MediaNotFound
        return _served(found, public=await self._let_in(found, viewer, grant))

    async def choose(
        self, upload_id: Id, wish: Wish, *, viewer: Id | None, grant: str | None
    ) -> Chosen:
        """The stored picture that fits a wish best, for the same callers as by its name.

        Raises:
            MediaNotFound: as ``find``; also where there is no picture.
        """
        async with self._database.read() as reader:
            upload = await store.read(reader, upload_id)
            made = await store.renditions_of(reader, [upload_id])
        best = choose(made[upload_id], wish)
        if upload is None or upload.state != "ready" or best is None:
            raise MediaNotFound
        file = ReadyFile(upload=upload_id, owner=upload.owner, access=upload.access, rendition=best)
        served = _served(file, public=await self._let_in(file, viewer, grant))
        return Chosen(served, settled=best.format == wish.format)

    async def _let_in(self, file: ReadyFile, viewer: Id | None, grant: str | None) -> bool:
        """Whether everybody may see the file.

        Raises:
            MediaNotFound: this caller may not.
        """
        if await self._is_public(file):
            if viewer is not None and not await self._may_see(viewer, file):
                raise MediaNotFound
            return True
        granted = self._grants.granted_by(grant or "", upload=file.upload)
        if granted is None or viewer not in {None, granted.viewer}:
            raise MediaNotFound
        if not await self._may_see(granted.viewer, file):
            raise MediaNotFound
        if viewer is None and not await self._sessions.is_signed_in(
            granted.viewer, session=granted.session
        ):
            raise MediaNotFound
        return False

    async def elsewhere(self, served: Served) -> Elsewhere | None:
        """Where to fetch it without this server; ``None`` where the storage has no such place.

        Texts that name other files always come from here: players look for those beside them.
        Whoever has the address can use it until it ends, a minute after this at the latest.
        """
        if served.content_type in TEXTS:
            return None
        url = await self._blobs.sign_read(served.key, seconds=_WAY_S)
        if url is None:
            return None
        return Elsewhere(url=url, keep_s=_WAY_S // 2 - _ON_ITS_WAY_S)

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

    async def _is_public(self, file: ReadyFile) -> bool:
        if file.access == "viewers":
            return await self._audience.may_see_media(None, file.owner, file.upload)
        return file.access == "everyone"

    async def _may_see(self, viewer: Id, file: ReadyFile) -> bool:
        if viewer == file.owner or file.access == "everyone":
            return True
        if file.access == "owner":
            return False
        return await self._audience.may_see_media(viewer, file.owner, file.upload)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _served(file: ReadyFile, *, public: bool) -> Served:
    name = file.rendition.name
    suffix = name.rpartition(".")[2]
    is_download = file.rendition.rung == DOWNLOAD
    saved_as = f"photo-{file.upload}.{suffix}" if is_download else None
    return Served(
        key=rendition_key(file.upload, name),
        name=name,
        content_type=SERVED_TYPES[suffix],
        bytes=file.rendition.bytes,
        etag=f'"{file.rendition.sha256[:32]}"',
        public=public,
        saved_as=saved_as,
    )

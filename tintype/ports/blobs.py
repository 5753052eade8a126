"""Opaque bytes under keys, and resumable uploads that reach them in parts.

The multipart protocol is the one of S3, because it is the one that lets browsers and phones send
gigabytes straight to storage; every adapter speaks it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

PART_URL_SECONDS = 3600
"""How long a signed part URL may be used, in seconds."""

_KEY = re.compile(r"[a-z0-9_-][a-z0-9_.-]*(/[a-z0-9_-][a-z0-9_.-]*)*")
_KEY_LENGTH = 500


class Blob(msgspec.Struct, frozen=True):
    """A stored blob. ``etag`` is opaque and changes when the content is replaced.

    ``stored_ms`` is when it was, since 1970 by the storage's own clock, to the second.
    """

    key: str
    bytes: int
    etag: str
    stored_ms: int = 0


class StoredPart(msgspec.Struct, frozen=True):
    """A part that arrived whole. Parts are numbered from 1."""

    number: int
    bytes: int
    etag: str


class SignedPart(msgspec.Struct, frozen=True):
    """Leave to send one part.

    ``url`` is absolute, or begins with ``/`` and is then meant for this server's own origin.
    ``headers`` must be sent as given. After ``expires_at_ms`` (since 1970) the URL is refused.
    """

    url: str
    method: str
    headers: dict[str, str]
    expires_at_ms: int


Speed = Literal["expedited", "standard", "bulk"]
"""How quickly an archive is asked to bring something out; what each costs is its own affair."""


class Standing(msgspec.Struct, frozen=True):
    """How a blob can be had. ``grade`` names its class of storage, where there are several.

    One that is not ``awake`` has to be woken before it is read, which takes minutes to hours;
    ``waking`` tells that this was asked for.
    """

    grade: str | None = None
    awake: bool = True
    waking: bool = False


class OpenUpload(msgspec.Struct, frozen=True):
    """An upload that was begun and neither completed nor aborted."""

    key: str
    upload: str
    begun_at_ms: int


class Blobs(Protocol):
    """Stores blobs.

    A method that stores returns only when the effect survives a power cut, and a blob is seen
    whole or not at all. Keys match ``[a-z0-9/_.-]``: anything else is a ``ValueError``, as is a
    key with an empty or dot-led segment. No key may be the folder of another one. Every method
    may raise ``Unavailable`` (``TimedOut`` included) and may then be called again with the same
    arguments; methods that read may raise ``Asleep``, where ``standing`` says so. Methods
    that store may raise ``OutOfSpace``, which leaves nothing behind and does not keep reads from
    working.
    """

    async def create_upload(self, key: str, *, size: int, content_type: str) -> str:
        """Begin an upload of ``size`` bytes towards ``key``; returns the upload's name.

        Nothing is visible under the key before ``complete``. Every call begins another upload.

        Raises:
            OutOfSpace: ``size`` bytes would not fit.
        """
        ...

    async def sign_part(self, key: str, upload: str, *, number: int, size: int) -> SignedPart:
        """Leave to send part ``number`` with exactly ``size`` bytes during the next hour.

        The URL answers 200 with an ``ETag`` once the part is stored; a part sent again replaces
        the earlier one in one step. Another method, length or number, or a late request, is
        refused with a 4xx. It is not checked here that the upload exists.
        """
        ...

    async def sign_read(self, key: str, *, seconds: int) -> str | None:
        """An absolute address from which anybody reads the blob, ranges included, by GET.

        It is good for at most ``seconds`` from now and for at least half of them, and the same for
        as long as that holds, so that caches meet it again. ``None``: this storage has no such
        addresses, and its blobs are streamed. It is not checked here that the blob exists.
        """
        ...

    async def parts(self, key: str, upload: str) -> list[StoredPart]:
        """The parts stored so far, by number.

        Raises:
            NoSuchUpload: see there; also after ``complete`` and ``abort``.
        """
        ...

    async def complete(self, key: str, upload: str, parts: Sequence[StoredPart]) -> Blob:
        """Make ``parts``, in order, the blob under ``key``, and forget the upload.

        May be called again after it succeeded, and answers the same. May take as long as copying
        the bytes takes: never call it while somebody waits for an answer.

        Raises:
            Corrupt: a part is missing or is not the one named; the upload stays as it is.
            NoSuchUpload: see there, and the key does not hold these parts' bytes either.
        """
        ...

    async def abort(self, key: str, upload: str) -> None:
        """Throw the upload and its parts away. Unknown uploads are a no-op."""
        ...

    def uploads(self, prefix: str = "") -> AsyncIterator[OpenUpload]:
        """Every open upload towards a key that begins so, in no particular order."""
        ...

    async def head(self, key: str) -> Blob:
        """What is stored under the key.

        Raises:
            BlobNotFound: see there.
        """
        ...

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Up to ``length`` bytes (all, when ``None``) from byte ``start`` on.

        Reading past the end gives what there is. Only for blobs that fit in memory.

        Raises:
            BlobNotFound: see there.
        """
        ...

    def stream(
        self, key: str, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """The same bytes as ``read``, in pieces of at most 256 KiB.

        A stream that has begun goes on to its end when the blob is deleted or replaced meanwhile,
        with the old bytes.

        Raises:
            BlobNotFound: at the first piece.
        """
        ...

    async def write(self, key: str, data: bytes, *, content_type: str) -> Blob:
        """Store ``data`` under ``key``, replacing what was there in one step."""
        ...

    async def store(self, key: str, path: Path, *, content_type: str) -> Blob:
        """Store a local file's content under ``key``; the file stays the caller's."""
        ...

    async def pour(
        self, key: str, pieces: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> Blob:
        """Store what ``pieces`` give under ``key``, replacing what was there in one step.

        Memory does not grow with ``size``. What ``pieces`` raise comes out here, and then nothing
        was stored.

        Raises:
            Corrupt: there were more or fewer bytes than ``size``; nothing was stored.
        """
        ...

    async def standing(self, key: str) -> Standing:
        """How the blob can be had now.

        Raises:
            BlobNotFound: see there.
        """
        ...

    async def wake(self, key: str, *, days: int, speed: Speed) -> None:
        """Ask for a sleeping blob to be readable for ``days``, in the class where it is.

        Changes nothing when it is awake, or was asked for already.

        Raises:
            BlobNotFound: see there.
        """
        ...

    async def regrade(self, key: str, grade: str) -> None:
        """Keep an awake blob in another class of storage, under the same key, in one step.

        Who reads meanwhile reads the same bytes; repeats change nothing. A class that this storage
        does not have is a ``ValueError`` where it can tell, and ``Unavailable`` where only the
        server can.

        Raises:
            BlobNotFound: see there.
            Asleep: see there.
        """
        ...

    async def fetch(self, key: str, path: Path) -> None:
        """Make the blob readable at ``path``, which must not exist yet.

        The file may share its storage with the blob: read and delete it, never write to it.

        Raises:
            BlobNotFound: see there.
            OutOfSpace: no room for the local copy.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the blob. Deleting a missing key is a no-op."""
        ...

    def under(self, prefix: str) -> AsyncIterator[Blob]:
        """Every blob whose key begins with ``prefix`` (whole segments, ending in ``/``)."""
        ...

    async def room(self) -> int | None:
        """How many more bytes may be stored; ``None`` when there is no known bound."""
        ...


def checked_key(key: str) -> str:
    """The key itself.

    Raises:
        ValueError: not a key as ``Blobs`` defines them.
    """
    if len(key) > _KEY_LENGTH or not _KEY.fullmatch(key):
        message = f"not a blob key: {key[:80]!r}"
        raise ValueError(message)
    return key

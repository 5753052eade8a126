"""What an upload is, what is accepted, and the rules that need no storage."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath
from typing import Literal, Protocol

import msgspec
from pydantic import BaseModel, ConfigDict, model_validator

from tintype.kernel.ids import Id, shard_of

Kind = Literal["photo", "video"]
State = Literal["uploading", "processing", "ready", "failed", "expired", "released"]
Access = Literal["owner", "viewers", "everyone"]
Tier = Literal["hot", "warm", "cold"]
ObjectState = Literal["resting", "moving", "restoring", "dropped"]

PART_BYTES = 16 * 1024 * 1024
SMALLEST_PART, MOST_PARTS = 5 * 1024 * 1024, 10_000
LONGEST_FILENAME = 255
UPLOAD_MS = 48 * 3600 * 1000

PHOTO_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/avif",
    "image/gif",
    "image/heic",
    "image/heif",
)
VIDEO_TYPES = ("video/mp4", "video/quicktime", "video/webm")
SERVED_TYPES = {
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "png": "image/png",
    "gif": "image/gif",
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "vtt": "text/vtt; charset=utf-8",
}
EXTENSIONS = {
    "jpeg": "jpg",
    "webp": "webp",
    "avif": "avif",
    "png": "png",
    "gif": "gif",
    "mp4": "mp4",
    "m3u8": "m3u8",
    "vtt": "vtt",
}
FORMATS = {extension: format_ for format_, extension in EXTENSIONS.items()}
TEXTS = frozenset({SERVED_TYPES["m3u8"], SERVED_TYPES["vtt"]})
"""Types of files that name others in their own folder: where they are fetched from matters."""

PICTURES = ("jpeg", "webp", "avif")

AVATAR = "avatar"
FILM, LOOP, SPRITE = "film", "loop", "sprite"
"""The rungs of the progressive film, of a photo that moves, and of a video's small pictures."""
MASTERS = ("hls", "hls2", "hls3")
"""The rungs of master playlists: at first, with all rungs, and with AV1. Earlier ones stay good."""
PLAIN = "plain"
"""The rung of an edited photo as it was, for its owner alone: to edit it once more."""
DOWNLOAD = "download"
"""The rung of the file that others may download: the original without its metadata."""
ORIGINAL = "original"

LINGER_MS = 10 * 60_000
"""For how long a file that was given up stays stored: pages that name it may still be out."""

GAVE_UP, DAMAGED, LOST, LENGTH = "gave-up", "damaged", "lost", "length"
MOVES = "moves"
"""The code of the failure of a photo that moves and was to be edited."""
TRANSIENT = frozenset({GAVE_UP, DAMAGED, LOST, LENGTH})
"""Codes of failures that another attempt with the same file may not meet again."""
_PROCESSABLE = frozenset({GAVE_UP, MOVES})

_BY_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
_UNTOLD = {"", "application/octet-stream"}
_NAME_HEX = 32
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)

_BASE_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?")

GIB = 1024**3


class Cdn(msgspec.Struct, frozen=True):
    """A base address from which everybody fetches files, and its share of them."""

    address: str
    weight: float


class MediaSettings(BaseModel):
    """How much people may upload, and where files are fetched from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    photo_bytes: int = 8 * 1024**2
    """The largest photo, in bytes."""
    video_bytes: int = 4 * GIB
    """The largest video, in bytes."""
    quota_bytes: int = 50 * GIB
    """What one account may keep here, originals and renditions together, in bytes."""
    open_uploads: int = 100
    """Uploads that one account may have under way at the same time."""
    avif: bool = True
    """Whether published photos get AVIF files later on, when the machine has time."""
    av1: bool = False
    """Whether a video that is liked often within a minute, or is posted by somebody with very many
    followers, gets a rung in AV1 as well: fewer bytes, for many times the work."""
    origin: str | None = None
    """The host name of media alone, as `https://media.photos.example`: it reaches this server or
    its shield, and gets no cookies. Unset: files come from wherever the caller reached the API."""
    cdns: str = ""
    """Base addresses of CDNs that fetch from this server, separated by commas; one that is to have
    twice its share of the files is written `https://cdn.example*2`."""
    warm_per_minute: int = 120
    """Likes of a post within a minute after which its files are fetched through every CDN, before
    the rest asks, and its videos are worth AV1. 0: never."""

    @property
    def edges(self) -> tuple[Cdn, ...]:
        """What ``cdns`` says."""
        return tuple(_cdn(each) for each in self.cdns.split(",") if each.strip())

    @model_validator(mode="after")
    def _has_places(self) -> MediaSettings:
        for place in (
            *([] if self.origin is None else [self.origin]),
            *(each.address for each in self.edges),
        ):
            if not _BASE_ADDRESS.fullmatch(place):
                message = (
                    f"media.origin and media.cdns hold addresses like https://media.example, "
                    f"without a path; {place!r} is none."
                )
                raise ValueError(message)
        return self


def _cdn(text: str) -> Cdn:
    address, _, weight = text.strip().partition("*")
    if not (weight or "1").replace(".", "", 1).isdigit() or float(weight or 1) <= 0:
        message = f"media.cdns: the share of {address} is a number above 0, not {weight!r}."
        raise ValueError(message)
    return Cdn(address, float(weight or 1))


class Audience(Protocol):
    """Decides who may see what an account has published; implemented above this slice."""

    async def may_see_media(self, viewer: Id | None, owner: Id, upload: Id) -> bool:
        """Whether the viewer (``None``: somebody unknown) may see this upload right now.

        Asked on every delivery, so revocation acts on the next request.
        """
        ...


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on their way in, and later what was made of them.

    ``subject`` says what uses it: a post's id, ``avatar``, or ``None`` while it is nobody's.
    ``held_bytes`` is what it takes of the owner's quota. ``part_bytes`` is the length of every
    part but the last. ``progress`` is the percentage of a video that is encoded, ``poster_at`` the
    moment in seconds that its owner wants to see on the poster. ``sha256`` is the hash of the
    stored original, once it has been read; the declared ones are what the owner's client says it
    must be. ``animated`` tells of a photo that it moves; ``offered`` that its owner lets others
    download it as it was sent. ``recipe`` is how a photo is to be shown, if not as it is, in JSON;
    ``revision`` grows with every change of it, and ``rendered`` is the one that the files show.
    """

    id: Id
    owner: Id
    kind: Kind
    state: State
    access: Access
    subject: str | None
    content_type: str
    bytes: int
    held_bytes: int
    remote: str
    reason_code: str | None
    reason: str | None
    width: int
    height: int
    duration: float | None
    thumbhash: str | None
    expires_ms: int
    changed_ms: int
    part_bytes: int = PART_BYTES
    filename: str | None = None
    declared_sha256: str | None = None
    declared_parts_sha256: str | None = None
    sha256: str | None = None
    animated: bool = False
    offered: bool = False
    progress: int | None = None
    poster_at: float | None = None
    recipe: str | None = None
    revision: int = 0
    rendered: int = 0

    @property
    def stale(self) -> bool:
        """Whether it is ready, but shown by an earlier recipe than its owner's last one."""
        return self.state == "ready" and self.rendered != self.revision

    @property
    def retryable(self) -> bool:
        """Whether it failed for a reason that sending the same file again may mend."""
        return self.state == "failed" and self.reason_code in TRANSIENT

    @property
    def processable(self) -> bool:
        """Whether it failed though nothing is known against its stored bytes."""
        return (self.state == "failed" or self.stale) and self.reason_code in _PROCESSABLE


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A file that somebody is about to send, as their client describes it.

    ``head`` is its first bytes: with them it can be refused before the rest is sent.
    """

    content_type: str
    size: int
    filename: str | None = None
    sha256: str | None = None
    head: bytes | None = None
    part_bytes: int = PART_BYTES


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of the bytes that it sent, to have it checked.

    ``parts_sha256`` is the hash of the parts' SHA-256 digests, one after the other; ``etags`` are
    those that the storage answered, by part.
    """

    sha256: str | None = None
    parts_sha256: str | None = None
    etags: dict[int, str] = {}


class Rendition(msgspec.Struct, frozen=True):
    """One file made from an original; ``rung`` names the step of the ladder."""

    rung: str
    format: str
    width: int
    height: int
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in addresses: the hash of its content, so that it never changes."""
        return f"{self.sha256[:_NAME_HEX]}.{EXTENSIONS[self.format]}"


class ReadyFile(msgspec.Struct, frozen=True):
    """A rendition of a ready upload, and what decides who may have it."""

    upload: Id
    owner: Id
    access: Access
    rendition: Rendition


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger: an original or a rendition as it is stored.

    ``sha256`` is unknown until somebody has read the bytes. ``place`` is where they are and
    ``target`` where they are being brought; ``claimed_ms`` is when somebody last showed to be at
    it, 0 when nobody is; ``changed_ms`` is when it came to where it is. ``dropped`` is what
    nothing refers to any more and will be deleted; until ``served_until_ms`` it can be fetched.
    """

    upload: Id
    name: str
    kind: str
    bytes: int
    sha256: str | None
    tier: Tier
    state: ObjectState
    place: str
    target: str | None
    claimed_ms: int
    stays_until_ms: int
    stored_ms: int
    changed_ms: int
    served_until_ms: int = 0

    @property
    def is_original(self) -> bool:
        return self.kind == ORIGINAL

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted at this moment."""
        return self.state == "dropped" and self.claimed_ms > 0

    @property
    def key(self) -> str:
        """Its key, the same in every place."""
        if self.is_original:
            return original_key(self.upload)
        return rendition_key(self.upload, self.name)


class UploadStatus(msgspec.Struct, frozen=True):
    """How far an upload is; ``reason`` is a sentence for its owner when it failed.

    ``processable`` tells that it failed though nothing is known against its bytes.
    """

    state: State
    kind: Kind
    reason: str | None = None
    filename: str | None = None
    processable: bool = False


class Work(msgspec.Struct, frozen=True):
    """The payload of every job about one upload."""

    upload: Id


class Part(msgspec.Struct, frozen=True):
    """One piece of the file that is to be sent."""

    number: int
    bytes: int


def accepted_type(content_type: str, filename: str | None) -> str | None:
    """The content type as it is accepted; told by the file name where the client knows none.

    Hearsay all the same: what the file really is, is found out from its bytes.
    """
    told = content_type.split(";", maxsplit=1)[0].strip().lower()
    if told in _UNTOLD:
        told = _BY_SUFFIX.get(PurePath(filename or "").suffix.lower(), "")
    return told if told in PHOTO_TYPES or told in VIDEO_TYPES else None


def kind_of(content_type: str) -> Kind:
    return "video" if content_type.startswith("video/") else "photo"


def part_count(size: int, part_bytes: int = PART_BYTES) -> int:
    return -(-size // part_bytes)


def plan(size: int, part_bytes: int = PART_BYTES) -> list[Part]:
    """The parts of a file of this size: all of the same length, the last one what is left."""
    count = part_count(size, part_bytes)
    last = size - (count - 1) * part_bytes
    return [
        Part(number=number, bytes=part_bytes if number < count else last)
        for number in range(1, count + 1)
    ]


def shown_name(filename: str | None) -> str | None:
    """A file's own name as its owner is shown it: no folders, no control characters, one line."""
    if filename is None:
        return None
    name = PurePath(filename.replace("\\", "/")).name
    kept = "".join(each for each in name if each.isprintable()).strip()
    return unicodedata.normalize("NFC", kept)[:LONGEST_FILENAME] or None


def original_key(upload: Id) -> str:
    return f"originals/{shard_of(upload):03x}/{upload}"


def renditions_prefix(upload: Id) -> str:
    return f"renditions/{shard_of(upload):03x}/{upload}/"


def rendition_key(upload: Id, name: str) -> str:
    return renditions_prefix(upload) + name


class Span(msgspec.Struct, frozen=True):
    """Bytes ``start`` to ``end`` (exclusive) of a whole."""

    start: int
    end: int


def asked_span(header: str | None, size: int) -> Span | Literal["all", "none"]:
    """What a Range header asks for (RFC 9110 §14): a span, everything, or nothing there is.

    Several ranges at once are answered with everything, as the standard allows.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.groups() == ("", ""):
        return "all"
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        return Span(size - length, size) if length else "none"
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return "all"
    return Span(start, end) if start < size else "none"


def names_etag(header: str | None, etag: str) -> bool:
    """Whether an ``If-None-Match`` names this strong etag, by the weak comparison it asks for."""
    if header is None:
        return False
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return etag in named or named == ["*"]

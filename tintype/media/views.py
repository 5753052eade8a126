from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tintype.kernel.clock import to_rfc3339
from tintype.kernel.links import HERE
from tintype.media.model import (
    PART_BYTES,
    PHOTO_TYPES,
    VIDEO_TYPES,
    Kind,
    MediaSettings,
    Rendition,
    State,
    Upload,
    part_count,
)
from tintype.ports.blobs import SignedPart, StoredPart


class RenditionView(msgspec.Struct, frozen=True):
    format: str
    width: int
    height: int
    url: str


class SlideView(msgspec.Struct, frozen=True):
    """One photo or video, with everything a client needs to lay it out before it loads.

    ``width`` and ``height`` are the original's pixels, upright; ``duration`` is in seconds;
    ``thumbhash`` is base64. ``alt`` belongs to the post and is filled in there.
    """

    id: str
    kind: Kind
    width: int
    height: int
    renditions: list[RenditionView]
    alt: str = ""
    duration: float | None = None
    thumbhash: str | None = None
    poster: str | None = None
    mp4: str | None = None
    hls: str | None = None


class PartView(msgspec.Struct, frozen=True):
    number: int
    bytes: int
    etag: str


class NewUploadView(msgspec.Struct, frozen=True):
    """How the file is to be cut: ``part_count`` parts of ``part_size`` bytes, the last shorter."""

    id: str
    part_size: int
    part_count: int
    expires_at: str


class UploadView(msgspec.Struct, frozen=True):
    """An upload as its owner sees it; ``parts`` are the ones that need not be sent again."""

    id: str
    state: State
    content_type: str
    bytes: int
    part_size: int
    part_count: int
    parts: list[PartView]
    expires_at: str
    reason: str | None = None
    slide: SlideView | None = None


class SignedPartView(msgspec.Struct, frozen=True):
    """Where and how to send one part; after ``expires_at`` ask again."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: str


class TextLimits(msgspec.Struct, frozen=True):
    """Characters that the texts around media may have, and slides of a post."""

    slides: int
    caption: int
    comment: int
    alt: int
    bio: int
    display_name: int


class QuotaView(msgspec.Struct, frozen=True):
    """Bytes of stored media."""

    used: int
    limit: int


class LimitsView(msgspec.Struct, frozen=True):
    """What this server accepts, for clients to check before they send."""

    photo_bytes: int
    video_bytes: int
    photo_types: list[str]
    video_types: list[str]
    part_size: int
    slides: int
    caption: int
    comment: int
    alt: int
    bio: int
    display_name: int
    quota: QuotaView | None = None


def limits_view(settings: MediaSettings, texts: TextLimits, quota: QuotaView | None) -> LimitsView:
    return LimitsView(
        photo_bytes=settings.photo_bytes,
        video_bytes=settings.video_bytes,
        photo_types=list(PHOTO_TYPES),
        video_types=list(VIDEO_TYPES),
        part_size=PART_BYTES,
        quota=quota,
        **msgspec.structs.asdict(texts),
    )


def new_upload_view(upload: Upload) -> NewUploadView:
    return NewUploadView(
        id=str(upload.id),
        part_size=PART_BYTES,
        part_count=part_count(upload.bytes),
        expires_at=to_rfc3339(upload.expires_ms),
    )


def upload_view(
    upload: Upload, parts: Sequence[StoredPart] = (), slide: SlideView | None = None
) -> UploadView:
    return UploadView(
        id=str(upload.id),
        state=upload.state,
        content_type=upload.content_type,
        bytes=upload.bytes,
        part_size=PART_BYTES,
        part_count=part_count(upload.bytes),
        parts=[PartView(number=each.number, bytes=each.bytes, etag=each.etag) for each in parts],
        expires_at=to_rfc3339(upload.expires_ms),
        reason=upload.reason,
        slide=slide,
    )


def signed_part_view(signed: SignedPart) -> SignedPartView:
    return SignedPartView(
        url=HERE + signed.url if signed.url.startswith("/") else signed.url,
        method=signed.method,
        headers=signed.headers,
        expires_at=to_rfc3339(signed.expires_at_ms),
    )


def media_url(upload: Upload, rendition: Rendition) -> str:
    """The address of a rendition; grants come after it."""
    return f"{HERE}/media/{upload.id}/{rendition.name}"


def avatar_url(upload: Upload, renditions: Sequence[Rendition]) -> str:
    """The address of the smallest JPEG: avatars are small, and every client shows JPEG."""
    pictures = [each for each in renditions if each.format == "jpeg"]
    return media_url(upload, min(pictures, key=lambda each: each.width))


def slide_view(
    upload: Upload, renditions: Sequence[Rendition], suffixes: Mapping[str, str]
) -> SlideView:
    """The slide; what ``suffixes`` says of a rendition's name comes after its address."""
    pictures = [each for each in renditions if each.format != "mp4"]
    films = [each for each in renditions if each.format == "mp4"]
    urls = {each.name: media_url(upload, each) + suffixes.get(each.name, "") for each in renditions}
    posters = [each for each in pictures if each.format == "jpeg"] if films else []
    return SlideView(
        id=str(upload.id),
        kind=upload.kind,
        width=upload.width,
        height=upload.height,
        renditions=[
            RenditionView(
                format=each.format, width=each.width, height=each.height, url=urls[each.name]
            )
            for each in pictures
        ],
        duration=upload.duration,
        thumbhash=upload.thumbhash,
        poster=urls[posters[-1].name] if posters else None,
        mp4=urls[films[-1].name] if films else None,
    )

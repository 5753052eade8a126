"""Whether a file that somebody is about to send may be sent at all, and the words when it may not.

The words name the file and the limit: people send many files at once.
"""

from __future__ import annotations

import re

from tintype.codecs import Kind, Limits, Rejected, check_head
from tintype.kernel.problem import FieldError
from tintype.media.errors import ContentTypeRefused, FileRefused, UploadEmpty, UploadTooLarge
from tintype.media.model import (
    PHOTO_TYPES,
    VIDEO_TYPES,
    Announced,
    MediaSettings,
    accepted_type,
    kind_of,
    shown_name,
)

_LIMITS = Limits()
_SUBJECT = re.compile(r"This (?:file|photo|video) |This (?=is )")
_TYPES = {
    Kind.JPEG: "image/jpeg",
    Kind.PNG: "image/png",
    Kind.WEBP: "image/webp",
    Kind.AVIF: "image/avif",
    Kind.GIF: "image/gif",
    Kind.HEIC: "image/heic",
    Kind.MP4: "video/mp4",
    Kind.MOV: "video/quicktime",
    Kind.WEBM: "video/webm",
}


def accept(file: Announced, settings: MediaSettings) -> str:
    """The content type that the file is taken for: by its first bytes, or else by hearsay.

    Raises:
        ContentTypeRefused, FileRefused, UploadEmpty, UploadTooLarge.
    """
    name = shown_name(file.filename)
    if file.size < 1:
        said = named("This file is empty.", name)
        raise UploadEmpty(said, errors=[FieldError(pointer="/bytes", detail=said)])
    accepted = _by_head(file.head, name) if file.head else None
    accepted = accepted or accepted_type(file.content_type, file.filename)
    if accepted is None:
        said = named("This file is of a kind that is not accepted.", name)
        raise ContentTypeRefused(
            f"{said} Photos may be JPEG, PNG, WebP, AVIF, GIF or HEIC; videos MP4, MOV or WebM.",
            accepted=[*PHOTO_TYPES, *VIDEO_TYPES],
        )
    kind = kind_of(accepted)
    limit = settings.photo_bytes if kind == "photo" else settings.video_bytes
    if file.size > limit:
        said = f"This {kind} has {readable(file.size)}; a {kind} may have up to {readable(limit)}."
        raise UploadTooLarge(named(said, name), limit=limit)
    return accepted


def named(sentence: str, name: str | None) -> str:
    """A sentence about a file with the file's name as its subject."""
    return sentence if name is None else _SUBJECT.sub(lambda _: f"{name} ", sentence, count=1)


def readable(size: int) -> str:
    """Bytes as people read them, in powers of 1 024: ``8 MB``, ``3.5 GB``."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"


def _by_head(head: bytes, name: str | None) -> str:
    try:
        return _TYPES[check_head(head, _LIMITS)]
    except Rejected as verdict:
        said = named(verdict.sentence, name)
        if verdict.code == "unknown-kind":
            raise ContentTypeRefused(said, accepted=[*PHOTO_TYPES, *VIDEO_TYPES]) from verdict
        errors = [FieldError(pointer="/head", detail=said)]
        raise FileRefused(said, errors=errors, code=verdict.code) from verdict

"""What the first bytes of a file decide already, before the rest of it is sent or decoded.

Nothing here decodes: a few fixed fields are read with bounds checked, so it may run where a decoder
may not. What the header does not tell is for a confined decoder to find out.
"""

from __future__ import annotations

import struct

from tintype.codecs.limits import check_size
from tintype.codecs.model import Limits, Rejected
from tintype.codecs.sniff import Kind, sniff
from tintype.codecs.strangers import name_of

_MARK = 0xFF
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset(range(0xD0, 0xDA)) | {0x01}
_PNG_SIZE, _GIF_SIZE = 16, 6
_BOX, _VERSION = 8, 4
_VP8X, _VP8L, _VP8 = b"VP8X", b"VP8L", b"VP8 "


def check_head(head: bytes, limits: Limits, *, video: bool | None = None) -> Kind:
    """The kind of a file that starts with ``head``: the first ``HEAD_BYTES`` bytes, or all of it.

    ``video`` says what it was announced as, if it was.

    Raises:
        Rejected: ``empty``, ``unknown-kind``, ``not-a-photo``, ``not-a-video``, or what
            ``check_size`` has against the size that a photo's header tells.
    """
    if not head:
        raise Rejected("empty", "This file is empty.")
    kind = sniff(head)
    if kind is None:
        raise Rejected("unknown-kind", _unknown(head))
    if video is False and kind.is_video:
        raise Rejected("not-a-photo", "This is a video, not a photo.")
    if video and not kind.is_video:
        raise Rejected("not-a-video", "This is a photo, not a video.")
    size = size_of(head, kind)
    if size is not None:
        check_size(*size, limits)
    return kind


def size_of(head: bytes, kind: Kind) -> tuple[int, int] | None:
    """Width and height in pixels, before any rotation; ``None`` where the head does not tell."""
    try:
        match kind:
            case Kind.PNG:
                width, height = struct.unpack_from(">II", head, _PNG_SIZE)
            case Kind.GIF:
                width, height = struct.unpack_from("<HH", head, _GIF_SIZE)
            case Kind.WEBP:
                width, height = _webp(head)
            case Kind.JPEG:
                width, height = _jpeg(head)
            case Kind.AVIF | Kind.HEIC:
                width, height = _heif(head)
            case _:
                return None
    except (struct.error, ValueError):
        return None
    return width, height


def _unknown(head: bytes) -> str:
    name = name_of(head)
    if name is None:
        return "This file is not a photo or video of a kind known here."
    if any(word in name for word in ("photo", "picture", "video")):
        return f"This file is {name}, which is a kind that is not known here."
    return f"This file is {name}, not a photo or video."


def _jpeg(head: bytes) -> tuple[int, int]:
    """From the frame header (ITU T.81 B.2.2), wherever among the segments it stands."""
    at = 2
    while True:
        mark, marker = struct.unpack_from(">BB", head, at)
        if mark != _MARK:
            raise ValueError(mark)
        if marker == _MARK:
            at += 1
            continue
        if marker in _JPEG_BARE:
            at += 2
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            # A height of 0 is told later, by a DNL segment.
            if height == 0:
                raise ValueError(height)
            return width, height
        (length,) = struct.unpack_from(">H", head, at + 2)
        at += 2 + max(2, length)


def _webp(head: bytes) -> tuple[int, int]:
    """From the first chunk (RFC 9649 §2.5–2.7)."""
    chunk = head[12:16]
    if chunk == _VP8X:
        low, high = head[24:27], head[27:30]
        if len(high) < 3:  # noqa: PLR2004 - the field's own 3 bytes
            raise ValueError(chunk)
        return int.from_bytes(low, "little") + 1, int.from_bytes(high, "little") + 1
    if chunk == _VP8L:
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == _VP8:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(chunk)


def _heif(head: bytes) -> tuple[int, int]:
    """The largest size among the properties of items (ISO/IEC 23008-12 §6.5.3)."""
    at, end = 0, len(head)
    for name, version in ((b"meta", _VERSION), (b"iprp", 0), (b"ipco", 0)):
        at, end = _found(head, name, at, end)
        at += version
    sizes = []
    while at < end:
        try:
            start, stop = _found(head, b"ispe", at, end)
            sizes.append(struct.unpack_from(">II", head, start + _VERSION))
        except (ValueError, struct.error):
            break
        at = stop
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return width, height


def _found(head: bytes, name: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the first box of this name has its content, and where it ends, as far as it is here."""
    while at + _BOX <= end:
        length, kind = struct.unpack_from(">I4s", head, at)
        if length < _BOX:
            break
        if kind == name:
            return at + _BOX, min(at + length, end)
        at += length
    raise ValueError(name)

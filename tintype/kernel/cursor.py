"""Opaque positions in a list: what a page hands out and the next request brings back."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

from tintype.kernel.problem import Malformed

_VERSION = 1


class UnknownCursor(Malformed):
    """This cursor does not belong to this list."""


def encode(kind: str, *parts: int) -> str:
    """A cursor for lists of one kind, holding 64-bit integers.

    A cursor grants nothing: visibility is decided again on every page, so it is not signed, only
    tied to its kind by a checksum that turns typing errors and foreign cursors into a problem.
    """
    body = struct.pack(f">B{len(parts)}q", _VERSION, *parts)
    return base64.urlsafe_b64encode(body + _check(kind, body)).decode().rstrip("=")


def decode(kind: str, text: str | None, parts: int = 1) -> tuple[int, ...] | None:
    """The integers of a cursor of this kind; ``None`` when there is no cursor.

    Raises:
        UnknownCursor: forged, truncated, or handed out by another list.
    """
    if not text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnknownCursor from error
    body, check = raw[:-4], raw[-4:]
    if len(body) != 1 + 8 * parts or check != _check(kind, body) or body[0] != _VERSION:
        raise UnknownCursor
    values: tuple[int, ...] = struct.unpack(f">{parts}q", body[1:])
    return values


def _check(kind: str, body: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(kind.encode() + b"\0" + body))

"""Opaque positions in a list: what a page hands out and the next request brings back."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from functools import lru_cache

from tintype.kernel.problem import Malformed

_VERSION = 1
_TO_URL = bytes.maketrans(b"+/", b"-_")


class UnknownCursor(Malformed):
    """This cursor does not belong to this list."""


def encode(kind: str, *parts: int) -> str:
    """A cursor for lists of one kind, holding 64-bit integers.

    A cursor grants nothing: visibility is decided again on every page, so it is not signed, only
    tied to its kind by a checksum that turns typing errors and foreign cursors into a problem.
    """
    body = _layout(len(parts)).pack(_VERSION, *parts)
    text = binascii.b2a_base64(body + _check(kind, body), newline=False)
    return text.translate(_TO_URL).rstrip(b"=").decode()


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
    values: tuple[int, ...] = _layout(parts).unpack(body)[1:]
    return values


def _check(kind: str, body: bytes) -> bytes:
    return zlib.crc32(body, _seed(kind)).to_bytes(4)


@lru_cache(maxsize=1024)
def _seed(kind: str) -> int:
    return zlib.crc32(kind.encode() + b"\0")


@lru_cache(maxsize=8)
def _layout(parts: int) -> struct.Struct:
    return struct.Struct(f">B{parts}q")

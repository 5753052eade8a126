"""Forging: chunks of PNG, boxes of ISO media files, and numbers that lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta"}


def png(width: int, height: int, *, depth: int = 8, colours: int = 2, **parts: bytes) -> bytes:
    """A PNG that claims this size; ``rows`` is its compressed data, ``before`` more chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    rows = parts.get("rows", zlib.compress(bytes(1000)))
    body = chunk(b"IHDR", header) + parts.get("before", b"")
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def outermost(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of one level: their names and bodies."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def rewritten(data: bytes, wanted: bytes, body: bytes) -> bytes:
    """The file with the body of every box of this name replaced, sizes made to fit."""
    made = b""
    for name, old in outermost(data):
        if name == wanted:
            made += box(name, body)
        elif name in CONTAINERS:
            made += box(name, rewritten(old, wanted, body))
        else:
            made += box(name, old)
    return made


def patched(data: bytes, box_name: bytes, offset: int, value: bytes) -> bytes:
    """The file with bytes overwritten at an offset from the name of a box, wherever it occurs."""
    made, at = bytearray(data), data.find(box_name)
    assert at >= 0, box_name
    while at >= 0:
        made[at + offset : at + offset + len(value)] = value
        at = data.find(box_name, at + 1)
    return bytes(made)

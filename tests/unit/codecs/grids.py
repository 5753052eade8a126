"""HEIC photos as phones write them: in tiles (ISO/IEC 23008-12 §6.6.2.3)."""

from __future__ import annotations

import struct
from typing import Any

from tests.unit.codecs import originals
from tests.unit.codecs.boxes import box

TILE = 64


def grid(image: Any, *, quarter_turns: int = 0) -> bytes:
    """The image cut into tiles of 64 × 64, the last ones padded; shown turned anticlockwise."""
    across, down = -(-image.width // TILE), -(-image.height // TILE)
    padded = image.embed(0, 0, across * TILE, down * TILE, extend="copy")
    tiles = [
        _coded(padded.crop(x * TILE, y * TILE, TILE, TILE).copy(interpretation="srgb"))
        for y in range(down)
        for x in range(across)
    ]
    last = len(tiles) + 1
    plan = struct.pack(">BBBBHH", 0, 0, down - 1, across - 1, image.width, image.height)
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    sizes = [len(data) for _, data in tiles]
    # The place of the data depends on the length of what comes before, not on what it says.
    length = len(head + _meta(tiles[0][0], sizes, plan, 0, image, quarter_turns))
    meta = _meta(tiles[0][0], sizes, plan, length + 8, image, quarter_turns)
    assert last == len(sizes) + 1
    return head + meta + box(b"mdat", b"".join(data for _, data in tiles))


def _coded(tile: Any) -> tuple[bytes, bytes]:
    """The decoder configuration and the pictures' bytes of one HEVC picture."""
    data = originals.heic(tile)
    at = data.index(b"hvcC") - 4
    configuration = data[at : at + int.from_bytes(data[at : at + 4], "big")]
    start = data.index(b"mdat") + 4
    size = int.from_bytes(data[start - 8 : start - 4], "big")
    return configuration, data[start : start - 8 + size]


def _full(name: bytes, version: int, *parts: bytes, flags: int = 0) -> bytes:
    return box(name, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def _meta(
    configuration: bytes, sizes: list[int], plan: bytes, start: int, image: Any, turns: int
) -> bytes:
    count = len(sizes)
    whole = count + 1
    items = [_full(b"infe", 2, struct.pack(">HH4sB", n, 0, b"hvc1", 0)) for n in range(1, whole)]
    items.append(_full(b"infe", 2, struct.pack(">HH4sB", whole, 0, b"grid", 0)))
    tiles = struct.pack(">HH", whole, count) + b"".join(
        struct.pack(">H", n) for n in range(1, whole)
    )
    properties = [
        configuration,
        _full(b"ispe", 0, struct.pack(">II", TILE, TILE)),
        _full(b"ispe", 0, struct.pack(">II", image.width, image.height)),
        box(b"irot", bytes([turns])),
    ]
    uses = b"".join(struct.pack(">HBBB", n, 2, 0x81, 2) for n in range(1, whole))
    uses += struct.pack(">HBBB", whole, 2, 3, 0x84)
    # Offsets and lengths of four bytes; tiles lie in the file, the plan in ``idat``.
    places, at = b"", start
    for number, size in enumerate(sizes, 1):
        places += struct.pack(">HHHHII", number, 0, 0, 1, at, size)
        at += size
    places += struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(plan))
    return _full(
        b"meta",
        0,
        _full(b"hdlr", 0, bytes(4) + b"pict" + bytes(13)),
        _full(b"pitm", 0, struct.pack(">H", whole)),
        _full(b"iinf", 0, struct.pack(">H", whole), *items),
        _full(b"iref", 0, box(b"dimg", tiles)),
        box(
            b"iprp",
            box(b"ipco", *properties),
            _full(b"ipma", 0, struct.pack(">I", whole), uses),
        ),
        _full(b"iloc", 1, struct.pack(">BBH", 0x44, 0, whole), places),
        box(b"idat", plan),
    )

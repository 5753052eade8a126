"""GIF, WebP, HEIC and AVIF files that mean harm."""

from __future__ import annotations

import struct
from functools import cache

from tests.hostile import seeds
from tests.hostile.canary import PAYLOAD
from tests.unit.codecs import boxes, grids, originals
from tests.unit.codecs.boxes import box

_LINE = b"\2\2\x4c\1\0"  # LZW of one pixel


def _gif(frames: bytes, *, width: int = 16, height: int = 12) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + b"\0\0\0\xff\xff\xff" + frames + b";"


def _frame(width: int, height: int, *, left: int = 0, data: bytes = _LINE) -> bytes:
    return b"," + struct.pack("<HHHHB", left, 0, width, height, 0) + data


def _pause(hundredths: int, disposal: int = 0) -> bytes:
    return b"!\xf9\4" + struct.pack("<BHB", disposal << 2, hundredths, 0) + b"\0"


def gif_bombs() -> dict[str, bytes]:
    """Too many pictures, or too many pixels, by the headers."""
    return {
        "a gif of 1 001 pictures": _gif(_frame(1, 1) * 1001, width=1, height=1),
        "a gif of 60 000 pictures": _gif(_frame(1, 1) * 60_000, width=1, height=1),
        "a gif of 900 large pictures": _gif(
            _frame(1900, 1900) + _frame(1, 1) * 899, width=1900, height=1900
        ),
        "a gif of 65 535 × 65 535": _gif(_frame(65_535, 65_535), width=65_535, height=65_535),
        "a gif of 65 535 × 1": _gif(_frame(65_535, 1), width=65_535, height=1),
        "a gif of 1 × 65 535": _gif(_frame(1, 65_535), width=1, height=65_535),
    }


def gifs() -> dict[str, bytes]:
    note = b"!\xfe" + (b"\xff" + b"x" * 255) * 4000 + b"\0"
    loops = b"!\xff\x0bNETSCAPE2.0\3\1\xff\xff\0"
    return {
        "a gif of 900 pictures on a canvas that nobody believes": _gif(
            _frame(1, 1) * 900, width=4000, height=3000
        ),
        "a gif of 16 383 × 3 000 and one pixel": _gif(_frame(1, 1), width=16_383, height=3000),
        "a gif of 40 large pictures of one pixel": _gif(
            (_pause(1) + _frame(1, 1)) * 40, width=4000, height=3000
        ),
        "a gif whose picture is outside": _gif(_frame(100, 100, left=60_000)),
        "a gif whose picture is larger than it": _gif(_frame(60_000, 60_000)),
        "a gif of pictures without pixels": _gif(_frame(0, 0) * 3),
        "a gif without a picture": _gif(b""),
        "a gif of codes of 0 bits": _gif(_frame(16, 12, data=b"\0\2\x4c\1\0")),
        "a gif of codes of 12 bits": _gif(_frame(16, 12, data=b"\x0c\2\x4c\1\0")),
        "a gif of codes of 255 bits": _gif(_frame(16, 12, data=b"\xff\2\x4c\1\0")),
        "a gif whose codes never end": _gif(_frame(16, 12, data=b"\2" + b"\xff" * 60_000)),
        "a gif with a note of a megabyte": _gif(note + _frame(16, 12)),
        "a gif of 30 000 extensions": _gif(b"!\xff\0" * 30_000 + _frame(16, 12)),
        "a gif that loops for ever": _gif(loops * 300 + _frame(16, 12) * 3),
        "a gif without pauses": _gif((_pause(0) + _frame(16, 12)) * 200),
        "a gif of pauses of eleven minutes": _gif((_pause(65_535) + _frame(16, 12)) * 50),
        "a gif of unknown disposals": _gif((_pause(5, 7) + _frame(16, 12)) * 9),
        "a gif that disposes of nothing": _gif((_pause(5, 3) + _frame(16, 12)) * 9),
        "a gif with an extension without end": _gif(b"!\xfe\xff" + b"x" * 90),
        "a gif of no size": _gif(_frame(0, 0), width=0, height=0),
        "a gif of six bytes": b"GIF89a",
        "a gif of unknown blocks": _gif(b"\x99" * 500),
    }


def _riff(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _canvas(width: int, height: int, flags: int) -> bytes:
    body = struct.pack("<I", flags) + (width - 1).to_bytes(3, "little")
    return _chunk(b"VP8X", body + (height - 1).to_bytes(3, "little"))


def _moving(width: int, height: int, *, left: int = 0, lasts: int = 10) -> bytes:
    """An animation frame's header, before the chunks of its picture."""
    fields = (left // 2, 0, width - 1, height - 1, lasts)
    return b"".join(each.to_bytes(3, "little") for each in fields) + b"\0"


@cache
def _stills() -> tuple[bytes, bytes]:
    """A picture's own chunk, lossy and lossless."""
    picture = originals.quarters()
    lossy, lossless = picture.webpsave_buffer(keep="none"), picture.webpsave_buffer(lossless=True)
    assert lossy[12:16] == b"VP8 "
    return lossy[12:], lossless[lossless.find(b"VP8L") :]


def webp_bombs() -> dict[str, bytes]:
    still, _ = _stills()
    frame = _chunk(b"ANMF", _moving(64, 48) + still)
    return {
        "a webp canvas of 16 384 × 16 384": _riff(_canvas(16_384, 16_384, 0), still),
        "a webp canvas of 2²⁴ × 2²⁴": _riff(_canvas(1 << 24, 1 << 24, 2), still),
        "a webp canvas of 16 384 × 2": _riff(_canvas(16_384, 2, 0), still),
        "a webp of 1 200 pictures": _riff(
            _canvas(64, 48, 2), _chunk(b"ANIM", bytes(6)), frame * 1200
        ),
        "a lossless webp of 16 384 × 16 384": _riff(_chunk(b"VP8L", b"\x2f" + b"\xff" * 40)),
    }


def webps() -> dict[str, bytes]:
    still, lossless = _stills()
    animation = _chunk(b"ANIM", bytes(6))
    plain = originals.quarters(2, 2).new_from_image([9, 9, 9]).copy(interpretation="srgb")
    wide = plain.embed(0, 0, 8000, 6000, extend="copy").webpsave_buffer(lossless=True, effort=0)
    return {
        "a lossless webp of 48 megapixels of one colour": wide,
        "a webp with a frame outside": _riff(
            _canvas(64, 48, 2), animation, _chunk(b"ANMF", _moving(64, 48, left=9000) + still)
        ),
        "a webp with a frame of other sizes": _riff(
            _canvas(64, 48, 2), animation, _chunk(b"ANMF", _moving(9, 9) + still) * 3
        ),
        "a webp of pictures that never pass": _riff(
            _canvas(64, 48, 2),
            animation,
            _chunk(b"ANMF", _moving(64, 48, lasts=(1 << 24) - 1) + still) * 20,
        ),
        "a webp that moves without pictures": _riff(_canvas(64, 48, 2), animation),
        "a webp of a canvas alone": _riff(_canvas(64, 48, 0)),
        "a webp of a frame in a frame": _riff(
            _canvas(64, 48, 2),
            animation,
            _chunk(b"ANMF", _moving(64, 48) + _chunk(b"ANMF", _moving(64, 48) + still)),
        ),
        "a webp with EXIF of 4 MB": _riff(
            _canvas(64, 48, 8), still, _chunk(b"EXIF", b"MM\0*" + bytes(4 << 20))
        ),
        "a webp with XMP of 4 MB": _riff(
            _canvas(64, 48, 4), still, _chunk(b"XMP ", PAYLOAD * 300_000)
        ),
        "a webp with a wrong profile": _riff(
            _canvas(64, 48, 32), _chunk(b"ICCP", b"\xff" * 5000), still
        ),
        "a webp with transparency of nonsense": _riff(
            _canvas(64, 48, 16), _chunk(b"ALPH", b"\xff" * 300), still
        ),
        "a webp with a chunk of 2³²": _riff(still[:4] + b"\xff\xff\xff\xff" + still[8:]),
        "a webp with a chunk of no length": _riff(still[:4] + bytes(4) + still[8:]),
        "a webp that says it is empty": _riff(still, length=0),
        "a webp that says it is 2³² long": _riff(still, length=2**32 - 1),
        "a webp of two pictures": _riff(still, still),
        "a webp of 20 000 unknown chunks": _riff(_chunk(b"BOMB", b"x") * 20_000, still),
        "a lossless webp of wrong tables": _riff(lossless[:14] + b"\xff" * 200),
        "a webp of another version": _riff(still[:8] + b"\xfe" + still[9:]),
        "a webp of twelve bytes": b"RIFF\4\0\0\0WEBP",
    }


@cache
def _tiled() -> bytes:
    return seeds.photos()["tiled heic"]


def _full(name: bytes, version: int, *parts: bytes) -> bytes:
    return box(name, bytes([version, 0, 0, 0]), *parts)


def heif_bombs() -> dict[str, bytes]:
    """Sizes in a header of boxes, and tiles without number."""
    avif, heic, tiled = seeds.photos()["avif"], seeds.photos()["heic"], _tiled()
    sizes = {"2³² − 1": 2**32 - 1, "65 536": 65_536, "16 384": 16_384}
    made = {}
    for name, side in sizes.items():
        size = struct.pack(">II", side, side)
        made[f"an avif of {name} each way"] = boxes.patched(avif, b"ispe", 8, size)
        made[f"a heic of {name} each way"] = boxes.patched(heic, b"ispe", 8, size)
        made[f"a tiled heic of {name} each way"] = boxes.patched(tiled, b"ispe", 8, size)
    return made


def heifs() -> dict[str, bytes]:
    avif, heic, tiled = seeds.photos()["avif"], seeds.photos()["heic"], _tiled()
    grid = tiled.find(b"idat") + 4
    wide = struct.pack(">BBBBHH", 0, 0, 255, 255, 16_000, 3000)
    whole = b"\xff" * 8
    made = {
        "a heic of 65 536 tiles": tiled[:grid] + wide + tiled[grid + 8 :],
        "a heic of tiles that are the grid": boxes.patched(tiled, b"dimg", 8, b"\0\5" * 4),
        "a heic of the same tile": boxes.patched(tiled, b"dimg", 8, b"\0\1" * 4),
        "a heic of tiles that are not there": boxes.patched(tiled, b"dimg", 8, b"\x7f\xff" * 4),
        "a heic of 65 535 references": boxes.patched(tiled, b"dimg", 6, b"\xff\xff"),
        "a heic without its first item": boxes.patched(heic, b"pitm", 8, b"\x7f\xff"),
        "a heic of 65 535 items": boxes.patched(heic, b"iinf", 8, b"\xff\xff"),
        "a heic of items kept in items": boxes.patched(tiled, b"iloc", 14, b"\0\2"),
        "a heic whose items lie nowhere": boxes.patched(heic, b"iloc", 14, whole),
        "a heic whose items have no length": boxes.patched(heic, b"iloc", 18, bytes(8)),
        "a heic of 65 535 places": boxes.patched(heic, b"iloc", 10, b"\xff\xff"),
        "a heic of 255 properties": boxes.patched(heic, b"ipma", 8, b"\0\0\xff\xff"),
        "a heic of unknown properties": boxes.patched(heic, b"ipma", 15, b"\xff\xff"),
        "a heic of wrong parameters": boxes.patched(heic, b"hvcC", 4, b"\xff" * 40),
        "a heic of 65 535 parameter sets": boxes.patched(heic, b"hvcC", 26, b"\xff" * 4),
        "a heic of wrong data": heic[:-400] + b"\xff" * 400,
        "a heic of boxes of length 1": boxes.patched(heic, b"iprp", -4, b"\0\0\0\1"),
        "a heic of boxes of length 0": boxes.patched(heic, b"ipco", -4, bytes(4)),
        "a heic of boxes beyond its end": boxes.patched(heic, b"ipco", -4, b"\x7f\xff\xff\xff"),
        "a heic without a handler": boxes.patched(heic, b"hdlr", 0, b"free"),
        "an avif of wrong parameters": boxes.patched(avif, b"av1C", 4, b"\xff" * 4),
        "an avif of wrong data": avif[:-60] + b"\xff" * 60,
        "an avif without its first item": boxes.patched(avif, b"pitm", 8, b"\x7f\xff"),
        "an avif whose items lie nowhere": boxes.patched(avif, b"iloc", 14, whole),
        "an avif that calls itself a sequence": avif[:8] + b"avis" + avif[12:],
        "an avif of two headers": avif[:32] + avif,
        "a heic named an avif": heic[:8] + b"avif" + heic[12:],
        "an avif named a heic": avif[:8] + b"heic" + avif[12:],
        "a heic of deep boxes": heic[:24] + _deep(b"meta", 3000),
        "a heic of a name alone": heic[:24],
    }
    large = grids.grid(originals.quarters(200, 150), quarter_turns=3)
    made["a heic turned, without the last tile"] = large[:-300]
    return made


def _deep(name: bytes, levels: int) -> bytes:
    nested = b""
    for _ in range(levels):
        nested = _full(name, 0, nested)
    return nested

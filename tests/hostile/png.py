"""PNG files that mean harm: bombs, lies and chunks out of their places (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib

from tests.hostile.canary import PAYLOAD
from tests.unit.codecs.boxes import chunk, png

_MAGIC = b"\x89PNG\r\n\x1a\n"
_MEGABYTE = 1 << 20
_ROWS = zlib.compress(bytes((64 * 3 + 1) * 48))
_SIZE = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
_END = chunk(b"IEND", b"")


def _zeros(length: int) -> bytes:
    """So many zeros, compressed, without ever holding them."""
    packer = zlib.compressobj(9)
    packed = [packer.compress(bytes(_MEGABYTE)) for _ in range(length // _MEGABYTE)]
    packed += [packer.compress(bytes(length % _MEGABYTE)), packer.flush()]
    return b"".join(packed)


def _header(width: int, height: int, depth: int, colours: int, *, interlaced: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced)


def _of(*chunks: bytes) -> bytes:
    return _MAGIC + b"".join(chunks)


def _png(before: bytes = b"", rows: bytes = _ROWS, after: bytes = b"") -> bytes:
    """A right picture of 64 × 48, with more chunks around its data."""
    return _of(chunk(b"IHDR", _SIZE), before, chunk(b"IDAT", rows), after, _END)


def too_large() -> dict[str, bytes]:
    """More pixels than allowed, by the header."""
    return {
        "a png of 8 192 × 8 192": png(8192, 8192),
        "a png of 16 383 × 16 383": png(16_383, 16_383, depth=1, colours=0),
        "a png of 2³¹ × 1": png(2**31 - 1, 1),
        "a png of 1 × 2³¹": png(1, 2**31 - 1),
        "a png of 16 384 × 1": png(16_384, 1),
        "a png of 1 × 16 384": png(1, 16_384),
        "a png of 50 000 001 pixels": png(50_000_001, 1),
        "a png of 2³² − 1 each way": png(2**32 - 1, 2**32 - 1),
        "a png of 65 536 × 65 536": png(65_536, 65_536),
    }


def bombs() -> dict[str, bytes]:
    """Little that becomes much, within the limits of a header."""
    deep = 4000 * (8 * 4000 + 1)
    text = zlib.compress(bytes(8 * _MEGABYTE), 9)
    nested = zlib.compress(zlib.compress(zlib.compress(bytes(32 * _MEGABYTE), 9), 9), 9)
    zero_data = chunk(b"IDAT", b"")
    notes = b"".join(chunk(b"zTXt", b"note %d\0\0" % each + text) for each in range(60))
    international = b"note\0\1\0en\0note\0" + text
    pages = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    control = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 0, 0, 0, 0)
    later = b"".join(
        chunk(b"fcTL", struct.pack(">I", 2 * each + 1) + control[4:])
        + chunk(b"fdAT", struct.pack(">I", 2 * each + 2) + _ROWS)
        for each in range(500)
    )
    return {
        "a png of 16 bits, 16 megapixels, interlaced": _of(
            chunk(b"IHDR", _header(4000, 4000, 16, 6, interlaced=1)),
            chunk(b"IDAT", _zeros(deep)),
            _END,
        ),
        "a png of 1 bit and 49 megapixels": _of(
            chunk(b"IHDR", _header(7000, 7000, 1, 0)), chunk(b"IDAT", _zeros(7000 * 876)), _END
        ),
        "a png of 16 383 × 3 051": _of(
            chunk(b"IHDR", _header(16_383, 3_051, 8, 0)),
            chunk(b"IDAT", _zeros(3_051 * 16_384)),
            _END,
        ),
        "a png with sixty texts of 8 MB": _png(notes),
        "a png with an international text of 8 MB": _png(chunk(b"iTXt", international)),
        "a png with a text in a text in a text": _png(chunk(b"zTXt", b"note\0\0" + nested)),
        "a png with a profile in a profile": _png(chunk(b"iCCP", b"icc\0\0" + nested)),
        "a png of 30 000 empty data": _of(
            chunk(b"IHDR", _SIZE), zero_data * 30_000, chunk(b"IDAT", _ROWS), _END
        ),
        "a png that claims 2³¹ moving pictures": _png(pages + chunk(b"fcTL", control)),
        "a png of 500 moving pictures": _png(
            chunk(b"acTL", struct.pack(">II", 501, 0)) + chunk(b"fcTL", control), after=later
        ),
        "a png with a palette for every note": _png(chunk(b"sPLT", b"p\0\x08" + bytes(600_000))),
        "a png with EXIF of 4 MB": _png(chunk(b"eXIf", b"MM\0*" + bytes(4 * _MEGABYTE))),
        "a png with data after its data": _png(rows=_ROWS + bytes(2 * _MEGABYTE)),
        "a png of unpacked blocks": _png(rows=zlib.compress(bytes(193 * 48), 0)),
    }


def liars() -> dict[str, bytes]:
    """Chunks that are not what they should be."""
    whole = _png()
    names = (b"gAMA", b"cHRM", b"pHYs", b"tRNS", b"hIST", b"bKGD", b"sBIT", b"cICP", b"mDCV")
    wrong = {name: chunk(name, b"\xff" * 32) for name in names}
    size = chunk(b"IHDR", _SIZE)
    long_ago = size + chunk(b"tIME", b"\0\0" + b"\xff" * 5)
    return {
        **{f"a png with a wrong {name.decode()}": _png(each) for name, each in wrong.items()},
        "a png of two headers": _of(size, chunk(b"IHDR", _header(9000, 9000, 8, 6)), whole[33:]),
        "a png that ends before it begins": _of(size, _END, chunk(b"IDAT", _ROWS)),
        "a png without data": _of(size, _END),
        "a png without an end": _of(size, chunk(b"IDAT", _ROWS)),
        "a png whose data come first": _of(chunk(b"IDAT", _ROWS), size, _END),
        "a png whose data are cut in two by a note": _of(
            size,
            chunk(b"IDAT", _ROWS[:20]),
            chunk(b"tEXt", b"a\0b"),
            chunk(b"IDAT", _ROWS[20:]),
            _END,
        ),
        "a png with a chunk of 2³¹": whole[:33] + b"\x7f\xff\xff\xfftEXt" + whole[33:],
        "a png with a chunk of 2³² − 1": whole[:33] + b"\xff\xff\xff\xfftEXt" + whole[33:],
        "a png whose header is short": _MAGIC + struct.pack(">I", 12) + whole[12:],
        "a png whose header is long": _MAGIC + struct.pack(">I", 14) + whole[12:],
        "a png of a new kind of chunk": _png(chunk(b"BOMB", PAYLOAD)),
        "a png packed in another way": _of(
            chunk(b"IHDR", _SIZE[:10] + b"\1\0\0"), chunk(b"IDAT", _ROWS), _END
        ),
        "a png filtered in another way": _of(
            chunk(b"IHDR", _SIZE[:11] + b"\5\0"), chunk(b"IDAT", _ROWS), _END
        ),
        "a png interlaced in another way": _of(
            chunk(b"IHDR", _SIZE[:12] + b"\2"), chunk(b"IDAT", _ROWS), _END
        ),
        "a png of three bits": png(64, 48, depth=3),
        "a png of 255 bits": png(64, 48, depth=255),
        "a png of 16 bits with a palette": png(64, 48, depth=16, colours=3),
        "a png without the palette that it names": png(64, 48, colours=3),
        "a png of 300 colours": _png(chunk(b"PLTE", bytes(900))),
        "a png of unknown filters": _png(rows=zlib.compress((b"\xff" + bytes(192)) * 48)),
        "a png whose data need a dictionary": _png(rows=b"\x78\xbb" + bytes(4) + _ROWS[2:]),
        "a png whose data have a window too large": _png(rows=b"\x88\x1c" + _ROWS[2:]),
        "a png with a wrong sum of its data": _png(rows=_ROWS[:-4] + b"\0\0\0\0"),
        "a png with too few rows": _png(rows=zlib.compress(bytes(193 * 20))),
        "a png made in the year 0": _of(long_ago, chunk(b"IDAT", _ROWS), _END),
        "a png with a name in its profile that never ends": _png(chunk(b"iCCP", b"x" * 70_000)),
        "a png with half a magic": b"\x89PNG\r\n\x1a" + whole[9:],
        "a png as its name in a text": whole.replace(b"\x89PNG\r\n", b"\x89PNG\n"),
    }

"""JPEG files taken apart and put together again (ITU-T T.81), without touching a pixel.

Only what a decoder needs is carried over, segment by segment, so that nothing else can be: notes,
thumbnails, further pictures and whatever lies behind the end are left where they were.
"""

from __future__ import annotations

import re
import struct

_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
# Tables, restart interval, and the frame: baseline, extended or progressive, by Huffman coding.
_NEEDED = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _SOS})
_NOTES = frozenset(range(0xE0, 0xF0)) | {0xFE}
# Within a scan a marker is 0xFF and neither a stuffed zero, nor a restart, nor a filler.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Compressed pixels hardly ever read as a line of text, if not as the same few letters over and
# over again, or as a record of an archive.
_LINE, _LETTERS = re.compile(rb"[\t\n\r\x20-\x7e]{32,}"), 12
_ARCHIVED = re.compile(rb"PK[\1-\6][\1-\7]")
_MARK, _FILLER = b"\xff", 0xFF
_FRAMES, _FRAME_BYTES = frozenset({0xC0, 0xC1, 0xC2}), 6
_DQT, _TABLE = 0xDB, 64
_ADOBE_BYTES = 12
_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_UPRIGHT = 1


def stripped(data: bytes, orientation: int, profile: bytes | None) -> bytes | None:
    """The same picture with no note but its orientation (1–8) and the colour profile given.

    ``None`` when the file is built in a way that is not known here.
    """
    pieces = _needed(data)
    if pieces is None or not _tables_are_used(pieces[1]):
        return None
    named_by_adobe, kept = pieces
    head = [bytes([0xFF, _SOI])]
    head += [named_by_adobe] if named_by_adobe else [_segment(_APP0, _JFIF)]
    if orientation != _UPRIGHT:
        head.append(_segment(_APP1, _exif(orientation)))
    if profile is not None:
        head.append(_segment(_APP2, b"ICC_PROFILE\0\x01\x01" + profile))
    return b"".join([*head, *kept, bytes([0xFF, _EOI])])


def _needed(data: bytes) -> tuple[bytes, list[bytes]] | None:
    """Adobe's note on the colour transform (T.872), cut to its length, and what decoders need."""
    adobe, at = b"", 2
    kept: list[bytes] = []
    while data[at : at + 1] == _MARK:
        marker = data[at + 1] if at + 1 < len(data) else _EOI
        if marker == _FILLER:
            at += 1
            continue
        if marker == _EOI:
            return adobe, kept
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : end]
        if marker == _APP14 and body.startswith(b"Adobe") and len(body) >= _ADOBE_BYTES:
            adobe = _segment(_APP14, body[:_ADOBE_BYTES])
        elif marker in _NEEDED:
            if marker == _SOS:
                end = _end_of_scan(data, end)
                if _is_legible(data, at, end):
                    return None
            kept.append(data[at:end])
        elif marker not in _NOTES:
            return None
        at = end
    return None


def _tables_are_used(kept: list[bytes]) -> bool:
    """Whether there is one quantization table for each that the frame names, and none beside.

    What nobody reads could be anything.
    """
    defined: list[int] = []
    named: set[int] = set()
    for piece in kept:
        marker, body = piece[1], piece[4:]
        if marker == _DQT:
            at = 0
            while at < len(body):
                defined.append(body[at] & 0x0F)
                at += 1 + _TABLE * (2 if body[at] >> 4 else 1)
        elif marker in _FRAMES:
            named |= set(body[8 : 6 + 3 * body[5] : 3]) if len(body) > _FRAME_BYTES else set()
    return len(defined) == len(set(defined)) and set(defined) == named


def _is_legible(data: bytes, start: int, end: int) -> bool:
    """Whether a scan holds more than pixels: behind the last one it may hold anything, and no
    decoder warns of it.
    """
    lines = _LINE.finditer(data, start, end)
    return _ARCHIVED.search(data, start, end) is not None or any(
        len(set(line.group())) >= _LETTERS for line in lines
    )


def _end_of_scan(data: bytes, start: int) -> int:
    found = _MARKER.search(data, start)
    return found.start() if found else len(data)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _exif(orientation: int) -> bytes:
    """The shortest EXIF there is: one entry, the orientation."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)

"""What files are that are none of ours, so that a refusal can say what was sent instead."""

from __future__ import annotations

import re

_BY_HEAD: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xcf\xfa\xed\xfe", "a Mac program"),
    (b"\xca\xfe\xba\xbe", "a Mac or Java program"),
    (b"#!", "a script"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ\0", "a compressed file"),
    (b"\x28\xb5\x2f\xfd", "a compressed file"),
    (b"II*\0", "a TIFF or raw photo"),
    (b"MM\0*", "a TIFF or raw photo"),
    (b"FUJIFILM", "a raw photo"),
    (b"BM", "a BMP picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\x1a\x45\xdf\xa3", "a Matroska video"),
    (b"FLV\x01", "a Flash video"),
    (b"\x00\x00\x01\xba", "an MPEG video"),
    (b"\x00\x00\x01\xb3", "an MPEG video"),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file"),
    (b"ID3", "a sound file"),
    (b"\xff\xfb", "a sound file"),
    (b"\xff\xf1", "a sound file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a sound file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document"),
    (b"SQLite format 3\0", "a database"),
    (b"#EXTM3U", "a playlist"),
)
_BY_RIFF = {b"WAVE": "a sound file", b"AVI ": "an AVI video"}
_MARKUP = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<(!doctype html|html|svg|\?xml|script|head|body)", re.IGNORECASE
)
_PLAIN = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]+")
_ENOUGH = 512


def name_of(head: bytes) -> str | None:
    """What a file is that starts with ``head``, with its article: ``a PDF document``.

    A guess for people, made only of files that are refused anyway; ``None`` when nothing is known.
    """
    if head[:4] == b"RIFF":
        return _BY_RIFF.get(head[8:12])
    for start, name in _BY_HEAD:
        if head.startswith(start):
            return name
    found = _MARKUP.match(head[:_ENOUGH])
    if found:
        drawn = b"<svg" in head.lower()
        return "an SVG drawing" if drawn else "a web page or other markup"
    return "a text" if head and _PLAIN.fullmatch(head[:_ENOUGH]) and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Whether the beginning is UTF-8, a character cut in two at its end forgiven."""
    for end in range(4):
        try:
            head[: len(head) - end].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False

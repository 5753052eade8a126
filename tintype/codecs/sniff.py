"""What a file is, told by its first bytes alone; type names and file extensions are hearsay."""

from __future__ import annotations

import enum
from pathlib import Path

HEAD_BYTES = 4096

_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MOV_BRANDS = frozenset({b"qt  "})
_MP4_BRANDS = frozenset(
    {b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"}
    | {b"mp41", b"mp42", b"mp71", b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"dash", b"cmfc"}
    | {b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"XAVC", b"f4v ", b"3gp4", b"3gp5", b"3gp6", b"3g2a"}
)
_EBML_DOCTYPE = b"\x42\x82"
_BOX_HEADER = 8


class Kind(enum.StrEnum):
    """The kinds of original that Tintype accepts."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    HEIC = "heic"
    MP4 = "mp4"
    MOV = "mov"
    WEBM = "webm"

    @property
    def is_video(self) -> bool:
        return self in {Kind.MP4, Kind.MOV, Kind.WEBM}


def sniff(head: bytes) -> Kind | None:
    """The kind of a file that starts with ``head``; ``None`` when it is none of ours.

    Give it the first ``HEAD_BYTES`` bytes, or all of a shorter file. It never raises and promises
    nothing about the rest of the file: that is for a confined decoder to find out.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(head)
    return _boxes(head)


def is_sequence(path: Path) -> bool:
    """Whether an AVIF or HEIC file calls itself a sequence of pictures."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    size = int.from_bytes(head[:4], "big")
    return head[4:8] == b"ftyp" and b"avis" in _brands(head[8 : min(max(size, 16), len(head))])


def _brands(box: bytes) -> set[bytes]:
    """The major brand and the compatible ones."""
    return {box[:4]} | {box[at : at + 4] for at in range(8, len(box), 4)}


def _matroska(head: bytes) -> Kind | None:
    """WebM only: its EBML header (RFC 8794) names the document type; Matroska at large is wider."""
    at = head.find(_EBML_DOCTYPE, 4, 64)
    if at < 0 or at + 3 > len(head):
        return None
    length = head[at + 2] & 0x7F
    return Kind.WEBM if head[at + 3 : at + 3 + length].rstrip(b"\0") == b"webm" else None


def _boxes(head: bytes) -> Kind | None:
    """ISO base media files (ISO/IEC 14496-12) and the QuickTime files that came before them."""
    if len(head) < _BOX_HEADER:
        return None
    size, box = int.from_bytes(head[:4], "big"), head[4:8]
    if box == b"ftyp":
        major, rest = head[8:12], head[16 : min(max(size, 16), len(head))]
        return _by_brand(major, {rest[at : at + 4] for at in range(0, len(rest), 4)})
    older = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
    plausible = size in {0, 1} or size >= _BOX_HEADER
    return Kind.MOV if box in older and plausible else None


def _by_brand(major: bytes, compatible: set[bytes]) -> Kind | None:
    if major in _AVIF_BRANDS:
        return Kind.AVIF
    if major in _HEIC_BRANDS:
        named_avif = bool(compatible & _AVIF_BRANDS)
        return Kind.AVIF if named_avif and major in {b"mif1", b"msf1"} else Kind.HEIC
    if major in _MOV_BRANDS:
        return Kind.MOV
    if major in _MP4_BRANDS or compatible & _MP4_BRANDS:
        return Kind.MP4
    return None

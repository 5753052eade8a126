from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.codecs import originals
from tintype.codecs import HEAD_BYTES, Kind, sniff


def _ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = major + bytes(4) + b"".join(compatible)
    return (len(body) + 8).to_bytes(4, "big") + b"ftyp" + body


def _webm(doctype: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doctype)]) + doctype


@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
def test_a_photo_is_known_by_its_first_bytes(kind: str) -> None:
    assert sniff(originals.photo(kind)[:HEAD_BYTES]) is Kind(kind)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm"])
def test_a_film_is_known_by_its_first_bytes(tmp_path: Path, suffix: str) -> None:
    film = originals.film(tmp_path / f"film.{suffix}", size="64x48", seconds=0.2)

    assert sniff(film.read_bytes()[:HEAD_BYTES]) is Kind(suffix)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (_ftyp(b"mif1", b"mif1", b"heic"), Kind.HEIC),
        (_ftyp(b"mif1", b"mif1", b"avif"), Kind.AVIF),
        (_ftyp(b"avis", b"mif1"), Kind.AVIF),
        (_ftyp(b"qt  ", b"qt  "), Kind.MOV),
        (_ftyp(b"what", b"mp42"), Kind.MP4),
        (_ftyp(b"what", b"ever"), None),
        (b"\0\0\0\x08wide\0\0\0\x00mdat", Kind.MOV),
        (b"\0\0\0\x01mdat", Kind.MOV),
        (b"\0\0\0\x04moov", None),
        (_webm(b"webm"), Kind.WEBM),
        (_webm(b"matroska"), None),
        (b"\x1a\x45\xdf\xa3", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"II*\0", None),
        (b"%PDF-1.7", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"#EXTM3U\n", None),
        (b"BM", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_kinds_are_told_apart_and_all_others_are_unknown(head: bytes, kind: Kind | None) -> None:
    assert sniff(head) is kind


def test_no_beginning_of_a_file_makes_it_stumble() -> None:
    heads = [originals.photo(kind)[:64] for kind in originals.PHOTO_KINDS]
    heads += [_ftyp(b"mif1", b"heic"), _webm(b"webm"), b"\0\0\0\0ftyp", b"\xff\xff\xff\xffftypheic"]

    for head in heads:
        for end in range(len(head)):
            sniff(head[:end])

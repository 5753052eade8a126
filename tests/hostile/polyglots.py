"""Files that are two things at once: a photo or film to us, something else to whoever gets it."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile

from tests.hostile import seeds
from tests.hostile.canary import PAYLOAD
from tests.hostile.jpeg import after_magic, segment
from tests.unit.codecs import boxes
from tests.unit.codecs.boxes import box, chunk

SCRIPT = b"<script>hostile(document.cookie)</script>"
_PAGE = b"<!doctype html><html><body>" + SCRIPT + PAYLOAD
_PROGRAM = b"<?php /* hostile-payload */ system($_GET['c']); ?>"
_PDF = b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(hostile-payload)>>>>endobj\n%%EOF\n"


def behind() -> dict[str, bytes]:
    """Something else behind the end of every kind."""
    tails = {
        "an archive": _zip(),
        "a page": _PAGE,
        "a program": _PROGRAM,
        "a document": _PDF,
        "a tape": _tar(),
    }
    whole = {**seeds.photos(), **seeds.films()}
    kinds = ("jpeg", "png", "webp", "avif", "gif", "heic", "mp4", "mov", "webm")
    return {
        f"a {kind} that is {name} too": whole[kind] + tail
        for kind in kinds
        for name, tail in tails.items()
    }


def inside() -> dict[str, bytes]:
    """Something else in a place that a decoder passes over."""
    photos, films = seeds.photos(), seeds.films()
    png, gif, webp = photos["png"], photos["gif"], photos["webp"]
    avif, heic = photos["avif"], photos["heic"]
    extended = b"VP8X" + struct.pack("<I", 10) + b"\4\0\0\0" + b"\x3f\0\0\x2f\0\0"
    xmp = b"XMP " + struct.pack("<I", len(_PAGE) // 2 * 2) + _PAGE[: len(_PAGE) // 2 * 2]
    body = b"WEBP" + extended + webp[12:] + xmp
    free = box(b"free", _PAGE)
    return {
        "a jpeg with a page in a note": after_magic(segment(0xFE, _PAGE)),
        "a jpeg with a program in a note": after_magic(segment(0xFE, _PROGRAM)),
        "a jpeg with an archive in a note": after_magic(segment(0xED, _zip())),
        "a jpeg with a page at the end of its scan": photos["jpeg"][:-2] + _PAGE + b"\xff\xd9",
        "a jpeg with a page between its scans": photos["progressive jpeg"].replace(
            b"\xff\xda", _PAGE + b"\xff\xda"
        ),
        "a jpeg with an archive at the end of its scan": photos["jpeg"][:-2]
        + _zip().replace(b"\xff", b"\xff\0")
        + b"\xff\xd9",
        "a jpeg with a page in a table that nobody uses": after_magic(
            segment(0xDB, b"\3" + (PAYLOAD + _PAGE)[:64])
        ),
        "a jpeg with a script for a header": b"\xff\xd8\xff\xe0/*"
        + bytes(9)
        + b"*/=hostile('hostile-payload')/*"
        + after_magic()[20:]
        + b"*/",
        "a png with a page in a note": png[:33] + chunk(b"tEXt", b"a\0" + _PAGE) + png[33:],
        "a png with a program in its colours": png[:33] + chunk(b"PLTE", _PROGRAM[:48]) + png[33:],
        "a gif that is a script": b"GIF89a/*\0\0" + gif[10:] + b"*/='hostile-payload';",
        "a gif with a page in a note": gif[:-1] + b"!\xfe\x30" + _PAGE[:48] + b"\0;",
        "a webp with a page in it": b"RIFF" + struct.pack("<I", len(body)) + body,
        "a webp that is a script": b"RIFF/**/" + webp[8:] + b"/*hostile-payload*/",
        "an avif with a page in it": avif + free,
        "a heic with a page in it": heic + free,
        "an mp4 with a page before its data": _before(films["fitting mp4"], free),
        "an mp4 with a document before its data": _before(films["mp4"], box(b"free", _PDF)),
        "an mp4 with a page for a name": _named(films["mp4"], _PAGE),
        "a mov that begins with a page": box(b"wide", _PAGE) + films["mov"],
        "a mov that begins with a document": box(b"skip", _PDF) + films["mov"],
        "a webm with a page in it": films["webm"] + b"\xec\x40" + bytes([len(_PAGE)]) + _PAGE,
        "a jpeg in a jpeg's small picture": after_magic(
            segment(0xE1, b"Exif\0\0MM\0*" + bytes(4) + seeds.photos()["jpeg"] + PAYLOAD)
        ),
    }


def between() -> dict[str, bytes]:
    """The head of one kind before the whole of another."""
    whole = {**seeds.photos(), **seeds.films()}
    kinds = ("jpeg", "png", "webp", "gif", "heic", "mp4", "webm")
    return {
        f"the head of a {one} before a {other}": whole[one][:24] + whole[other]
        for one in kinds
        for other in kinds
        if one != other
    }


def _zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.html", _PAGE)
        file.writestr("../../../../tmp/hostile", PAYLOAD)
    return archive.getvalue()


def _tar() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        about = tarfile.TarInfo("../../hostile")
        about.size = len(PAYLOAD)
        file.addfile(about, io.BytesIO(PAYLOAD))
    return archive.getvalue()


def _before(film: bytes, more: bytes) -> bytes:
    """More boxes between a film's head and its data."""
    end = int.from_bytes(film[:4], "big")
    return film[:end] + more + film[end:]


def _named(film: bytes, name: bytes) -> bytes:
    return boxes.rewritten(film, b"hdlr", bytes(8) + b"vide" + bytes(12) + name + b"\0")

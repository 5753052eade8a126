"""Every kind cut off at many places, with flipped bits, and what is hardly a file at all."""

from __future__ import annotations

import random

from tests.hostile import seeds
from tests.unit.codecs import originals

_CUTS = (1, 4, 8, 12, 16, 24, 33, 48)
_SHARES = (10, 30, 50, 75, 90, 97)
_PLAIN = ("jpeg", "png", "webp", "avif", "gif", "heic", "mp4", "mov", "webm")


def cut_short() -> dict[str, bytes]:
    """Of every kind a few first bytes: less than any header."""
    whole = {**seeds.photos(), **seeds.films()}
    return {
        f"the first {length} bytes of a {kind}": whole[kind][:length]
        for kind in _PLAIN
        for length in _CUTS
    }


def cut_off() -> dict[str, bytes]:
    """Of every kind and variant a part."""
    whole = {**seeds.photos(), **seeds.films()}
    return {
        f"{share} % of a {kind}": data[: len(data) * share // 100]
        for kind, data in whole.items()
        for share in _SHARES
    }


def one_byte_less() -> dict[str, bytes]:
    whole = {**seeds.photos(), **seeds.films()}
    return {f"a {kind} without its last byte": data[:-1] for kind, data in whole.items()}


def flipped() -> dict[str, bytes]:
    """Every kind with some bits flipped: in its header, in its middle, everywhere."""
    made = {}
    for kind, data in {**seeds.photos(), **seeds.films()}.items():
        for name, (low, high, count) in {
            "header": (8, min(len(data), 120), 6),
            "middle": (len(data) // 3, len(data) * 2 // 3, 12),
            "whole": (12, len(data), 60),
        }.items():
            dice, bits = random.Random(f"{kind} {name}"), bytearray(data)
            for _ in range(count):
                bits[dice.randrange(low, high)] ^= 1 << dice.randrange(8)
            made[f"a {kind} with bits flipped in its {name}"] = bytes(bits)
    return made


def hardly_files() -> dict[str, bytes]:
    """What is nothing at all."""
    dice = random.Random(11)
    return {
        "nothing at all": b"",
        "one zero": b"\0",
        "a byte of ones": b"\xff",
        "two bytes": b"\xff\xd8",
        "zeros": bytes(4096),
        "a megabyte of zeros": bytes(1 << 20),
        "a megabyte of ones": b"\xff" * (1 << 20),
        "noise of 100 bytes": dice.randbytes(100),
        "noise of 4 096 bytes": dice.randbytes(4096),
        "noise of a megabyte": dice.randbytes(1 << 20),
        "a text": b"Dear Tintype, this is not a photo. " * 40,
        "a text in another script": "これは写真ではありません。".encode() * 40,
        "a text in UTF-16": "not a photo".encode("utf-16"),
        "line ends": b"\r\n" * 500,
        "a zero and a text": b"\0" + b"text " * 100,
    }


def strangers() -> dict[str, bytes]:
    """Whole files of other kinds, and what only begins like them."""
    picture = originals.quarters()
    tiff = picture.tiffsave_buffer()
    return {
        "a tiff": tiff,
        "a tiff of 30 000 pages": tiff[:4] + b"\x08\0\0\0" + b"\1\0" * 30_000,
        "a tiff in circles": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "a large tiff": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
        "a raw photo of Canon": b"II*\0\x10\0\0\0CR\x02\0" + bytes(99),
        "a raw photo of Adobe": b"MM\0*\0\0\0\x08" + bytes(99),
        "a bitmap of 65 535 each way": b"BM" + bytes(16) + b"\xff\xff\0\0" * 2 + bytes(40),
        "a packed bitmap": b"BM" + bytes(28) + b"\1\0\0\0" + b"\xff\x01" * 900,
        "an icon of 65 535 pictures": b"\0\0\1\0\xff\xff" + bytes(64),
        "a cursor": b"\0\0\2\0\1\0" + bytes(64),
        "a photoshop file of 30 000 each way": b"8BPS\0\1" + bytes(8) + b"\0\0\x75\x30" * 2,
        "a jpeg xl": b"\xff\x0a" + bytes(90),
        "a jpeg xl in boxes": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90),
        "a jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(90),
        "a bare jpeg 2000": b"\xff\x4f\xff\x51" + bytes(90),
        "an OpenEXR": b"v/1\1" + bytes(90),
        "a radiance": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999 +X 99999\n",
        "a portable map of gigapixels": b"P6\n99999 99999\n255\n" + bytes(99),
        "a portable float map": b"PF\n99999 99999\n-1.0\n",
        "an X bitmap": b"#define x_width 99999\n#define x_height 99999\nstatic char x[] = {0};",
        "an X pixmap": b'/* XPM */\nstatic char *x[] = {"99999 99999 1 1","a c #000"};',
        "a targa": b"\0\0\x0a" + bytes(9) + b"\xff\xff\xff\xff\x18\0",
        "a PC paintbrush": b"\x0a\5\1\x08" + bytes(120),
        "a FITS": b"SIMPLE  =                    T",
        "a DICOM": bytes(128) + b"DICM",
        "a Windows metafile": b"\xd7\xcd\xc6\x9a" + bytes(60),
        "a flash film": b"FWS\x09" + bytes(60),
        "a packed flash film": b"CWS\x09" + bytes(60),
        "an AVI": b"RIFF\xff\xff\xff\xffAVI LIST" + bytes(60),
        "a wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
        "an Ogg film": b"OggS\0\2" + bytes(60),
        "a transport stream": (b"G" + bytes(187)) * 9,
        "a program stream": b"\0\0\1\xba" + bytes(60),
        "a bare H.264": b"\0\0\0\1\x67\x42" + bytes(60),
        "a RealMedia": b".RMF\0\0\0\x12" + bytes(60),
        "a Matroska": b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska",
        "a Windows program": b"MZ\x90\0" + bytes(99),
        "a Linux program": b"\x7fELF\2\1\1" + bytes(99),
        "a WebAssembly": b"\0asm\1\0\0\0",
        "a Java class": b"\xca\xfe\xba\xbe\0\0\0\x34",
        "a ZIP of itself": b"PK\3\4" + bytes(26) + b"PK\3\4" * 50,
        "a gzip of a photo": b"\x1f\x8b\x08" + bytes(99),
        "a database": b"SQLite format 3\0" + bytes(99),
        "a font": b"\0\1\0\0\0\x0c" + bytes(99),
        "a web font": b"wOF2" + bytes(99),
    }

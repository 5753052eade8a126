"""JPEG files that mean harm: sizes, tables and segments that lie (ITU-T T.81)."""

from __future__ import annotations

import struct
from functools import cache

from tests.hostile import seeds
from tests.hostile.canary import PAYLOAD
from tests.unit.codecs import originals


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@cache
def _jpeg() -> bytes:
    return seeds.photos()["noisy jpeg"]


def _frame() -> int:
    """Where the frame header's own fields begin: precision, height, width, components."""
    return _jpeg().find(b"\xff\xc0") + 4


def _with(at: int, value: bytes) -> bytes:
    data = _jpeg()
    return data[:at] + value + data[at + len(value) :]


def after_magic(*segments: bytes) -> bytes:
    """The JPEG with these segments before all of its own."""
    data = _jpeg()
    return data[:2] + b"".join(segments) + data[2:]


def _without(marker: bytes) -> bytes:
    data = _jpeg()
    while (at := data.find(marker)) >= 0:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        data = data[:at] + data[at + 2 + length :]
    return data


def _sized(width: int, height: int) -> bytes:
    return _with(_frame() + 1, struct.pack(">HH", height, width))


def too_large() -> dict[str, bytes]:
    """More pixels than allowed, by the header."""
    return {
        "a jpeg of 65 535 × 65 535": _sized(65_535, 65_535),
        "a jpeg of 65 535 × 1": _sized(65_535, 1),
        "a jpeg of 1 × 65 535": _sized(1, 65_535),
        "a jpeg of 16 384 × 16": _sized(16_384, 16),
        "a jpeg of 8 000 × 6 251": _sized(8_000, 6_251),
        "a jpeg of 60 000 × 800": _sized(60_000, 800),
    }


def _vast(progressive: bytes, side: int = 7000) -> bytes:
    """The same progressive JPEG, if one believes its header, of so many pixels squared."""
    size = progressive.find(b"\xff\xc2") + 5
    return progressive[:size] + struct.pack(">HH", side, side) + progressive[size + 4 :]


def _printed() -> bytes:
    inks = originals.quarters().icc_transform("cmyk", input_profile="srgb")
    data: bytes = inks.jpegsave_buffer(Q=70, interlace=True, subsample_mode="off", keep="none")
    return data


def liars() -> dict[str, bytes]:
    data, frame = _jpeg(), _frame()
    scan = data.find(b"\xff\xda")
    body = data[scan:]
    progressive = originals.quarters().jpegsave_buffer(Q=70, interlace=True)
    sampling = frame + 7
    frames = {"lossless": 0xC3, "arithmetic": 0xC9, "differential": 0xC5, "reserved": 0xC8}
    return {
        **{f"a jpeg of {name} frames": _with(frame - 3, bytes([n])) for name, n in frames.items()},
        "a jpeg of 49 megapixels without data": _sized(8000, 6000),
        "a jpeg of 16 383 × 3 000 without data": _sized(16_383, 3000),
        "a jpeg whose height comes later": _sized(64, 0)[:-2] + b"\xff\xdc\0\4\0\x30\xff\xd9",
        "a jpeg without a width": _sized(0, 48),
        "a jpeg of 12 bits": _with(frame, b"\x0c"),
        "a jpeg of 0 bits": _with(frame, b"\0"),
        "a jpeg of no components": _with(frame + 5, b"\0"),
        "a jpeg sampled by nothing": _with(sampling, b"\0"),
        "a jpeg sampled by fifteen": _with(sampling, b"\xff"),
        "a jpeg sampled by four": _with(sampling, b"\x44"),
        "a jpeg of the same component thrice": _with(sampling - 1, b"\1\x11\0\1\x11\0\1\x11\0"),
        "a jpeg without tables to unpack": _without(b"\xff\xc4"),
        "a jpeg without tables to scale": _without(b"\xff\xdb"),
        "a jpeg of two sizes": data[:scan]
        + segment(0xC0, b"\x08\x1f\x40\x1f\x40\x03\1\x11\0\2\x11\0\3\x11\0")
        + body,
        "a jpeg that scans first": data[:2] + body + data[2:],
        "a jpeg that restarts all the time": data[:scan] + segment(0xDD, b"\0\1") + body,
        "a jpeg with restarts for data": data[: scan + 14] + b"\xff\xd0\xff\xd7" * 5000,
        "a jpeg of a megabyte of fillers": data[:2] + b"\xff" * 1_000_000 + data[2:],
        "a jpeg of ones for data": data[: scan + 14] + b"\xff\x00" * 5000 + b"\xff\xd9",
        "a jpeg of zeros for data": data[: scan + 14] + bytes(100_000),
        "a jpeg without an end": data[:-2],
        "a jpeg of two jpegs": data + data,
        "a jpeg whose table overflows": after_magic(segment(0xC4, b"\0" + b"\xff" * 16)),
        "a jpeg whose table is everywhere": after_magic(
            segment(0xC4, (b"\x0f" + bytes(16)) * 3800)
        ),
        "a jpeg whose scale is number 15": after_magic(segment(0xDB, b"\x0f" + bytes(64))),
        "a jpeg with a segment of no length": data[:2] + b"\xff\xe1\0\0" + data[2:],
        "a jpeg with a segment of length 1": data[:2] + b"\xff\xe1\0\1" + data[2:],
        "a jpeg with a segment beyond its end": data[:2] + b"\xff\xe1\xff\xff" + data[2:],
        "a jpeg of 200 notes of 64 kB": after_magic(*[segment(0xFE, b"x" * 65_533)] * 200),
        "a jpeg of 20 000 segments": after_magic(*[segment(0xE5, b"")] * 20_000),
        "a jpeg with a small picture that lies": after_magic(
            segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\xff\xff" + bytes(300))
        ),
        "a jpeg of other colours by Adobe": after_magic(segment(0xEE, b"Adobe\0\x64\0\0\0\0\xff")),
        "a jpeg of many pictures that are not there": after_magic(
            segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1\xb0\1\0\4\xff\xff\xff\xff\0\0\0\x08")
        ),
        "a progressive jpeg that scans backwards": progressive.replace(
            b"\x01\x3f\x00", b"\x3f\x01\xdd", 1
        ),
        "a progressive jpeg of 49 megapixels": _vast(progressive),
        "a progressive jpeg of 49 megapixels, all of its colours": _vast(
            originals.quarters().jpegsave_buffer(Q=70, interlace=True, subsample_mode="off")
        ),
        "a progressive jpeg of 49 megapixels in printing inks": _vast(_printed()),
        "a progressive jpeg of 39 megapixels in printing inks": _vast(_printed(), 6300),
        "a jpeg of three bytes": b"\xff\xd8\xff",
        "a jpeg of its ends": b"\xff\xd8\xff\xd9",
        "a jpeg that is only named one": b"\xff\xd8\xff\xe0" + PAYLOAD * 40,
    }

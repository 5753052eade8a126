"""What the first bytes of a file decide, in words that name what was sent instead."""

from __future__ import annotations

import random
import struct

import pytest

from tests.media_rig import photo
from tests.unit.codecs import boxes, grids, originals
from tintype.codecs import HEAD_BYTES, Kind, Limits, Rejected, check_head
from tintype.codecs.head import size_of

LIMITS = Limits()


def verdict(head: bytes, *, video: bool | None = None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        check_head(head, LIMITS, video=video)
    return caught.value


@pytest.mark.parametrize(
    ("suffix", "kind"), [(".jpg", Kind.JPEG), (".png", Kind.PNG), (".webp", Kind.WEBP)]
)
def test_the_head_of_a_real_photo_tells_its_kind_and_size(suffix: str, kind: Kind) -> None:
    head = photo(640, 480, kind=suffix)[:HEAD_BYTES]

    assert check_head(head, LIMITS, video=False) == kind
    assert size_of(head, kind) == (640, 480)


@pytest.mark.parametrize(("name", "kind"), [("avif", Kind.AVIF), ("heic", Kind.HEIC)])
def test_the_head_of_a_photo_in_boxes_tells_its_size(name: str, kind: Kind) -> None:
    head = originals.photo(name, originals.quarters(320, 240))[:HEAD_BYTES]

    assert check_head(head, LIMITS, video=False) == kind
    assert size_of(head, kind) == (320, 240)


def test_the_size_of_a_photo_in_tiles_is_that_of_all_of_them() -> None:
    head = grids.grid(originals.quarters(200, 150))[:HEAD_BYTES]

    assert size_of(head, Kind.HEIC) == (200, 150)


@pytest.mark.parametrize("name", ["avif", "heic"])
def test_a_photo_in_boxes_that_claims_too_much_is_refused_by_its_head(name: str) -> None:
    claimed = struct.pack(">II", 17_000, 17_000)
    head = boxes.patched(originals.photo(name), b"ispe", 8, claimed)[:HEAD_BYTES]

    assert verdict(head).code == "too-many-pixels"


@pytest.mark.parametrize("name", ["avif", "heic"])
def test_a_head_of_boxes_that_breaks_off_anywhere_is_no_trouble(name: str) -> None:
    head = originals.photo(name)[:HEAD_BYTES]

    for length in range(12, min(len(head), 600)):
        size_of(head[:length], Kind.AVIF)


def test_a_lossless_and_an_animated_head_tell_their_size_too() -> None:
    lossless = photo(321, 123, kind=".webp[lossless]")[:HEAD_BYTES]
    gif = photo(200, 100, kind=".gif")[:HEAD_BYTES]

    assert size_of(lossless, Kind.WEBP) == (321, 123)
    assert size_of(gif, Kind.GIF) == (200, 100)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
        (b"MZ\x90\0\x03", "a Windows program"),
        (b"\x7fELF\x02\x01", "a Linux program"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing"),
        (b"II*\0\x08\0\0\0", "a TIFF or raw photo"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound file"),
        ("Grüße aus dem Hafen\n".encode(), "a text"),
    ],
)
def test_a_stranger_is_named_in_the_refusal(head: bytes, name: str) -> None:
    refused = verdict(head)

    assert refused.code == "unknown-kind"
    assert name in refused.sentence
    assert refused.sentence.endswith(".")


def test_what_nobody_knows_is_refused_without_a_name() -> None:
    sentence = verdict(bytes(64)).sentence

    assert sentence == "This file is not a photo or video of a kind known here."


def test_an_empty_head_is_an_empty_file() -> None:
    assert verdict(b"").code == "empty"


def test_a_header_that_promises_too_many_pixels_is_refused() -> None:
    claim = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30_000, 30_000)

    refused = verdict(claim)

    assert refused.code == "too-many-pixels"
    assert "50 megapixels" in refused.sentence


def test_a_photo_announced_as_a_video_is_told_apart() -> None:
    assert verdict(photo()[:HEAD_BYTES], video=True).code == "not-a-video"


def test_no_head_breaks_the_reader() -> None:
    rng = random.Random(4)
    starts = [photo(kind=kind)[:200] for kind in (".jpg", ".png", ".webp", ".gif")]

    for turn in range(4000):
        data = bytearray(starts[turn % 4][: rng.randrange(200)])
        for _ in range(rng.randrange(6)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            check_head(bytes(data), LIMITS)
        except Rejected as refused:
            assert refused.sentence  # noqa: PT017 - every outcome is fine that is an outcome

"""Photos as cameras, phones, printers and editors write them, right in colour and upright."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.unit.codecs import grids, originals
from tests.unit.codecs.boxes import chunk
from tests.unit.codecs.conftest import Photo
from tests.unit.codecs.test_downloads import CANARY
from tintype.codecs import PhotoResult

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEAR, COARSE = 6, 16


def _corners(result: PhotoResult) -> list[tuple[int, ...]]:
    """The corners as the largest JPEG shows them."""
    jpegs = [made for made in result.renditions if made.format == "jpeg"]
    return originals.corner_colours(originals.looked_at(jpegs[-1].path))


def _meant(image: Any) -> list[tuple[int, ...]]:
    """The corners as the profile of the image means them, in sRGB."""
    return originals.corner_colours(image.icc_transform("srgb", embedded=True).numpy())


def _apart(found: Sequence[tuple[int, ...]], meant: Sequence[tuple[int, ...]]) -> int:
    return max(map(originals.apart, found, meant))


def _leaks(result: PhotoResult) -> list[str]:
    return [made.path.name for made in result.renditions if CANARY in made.path.read_bytes()]


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".avif"])
async def test_a_wide_gamut_photo_is_brought_into_srgb(photo: Photo, kind: str) -> None:
    wide = originals.quarters(160, 120).icc_transform("p3", input_profile="srgb")
    options = {".jpg": {"Q": 95}, ".webp": {"Q": 95}, ".avif": {"Q": 90}}.get(kind, {})

    result = await photo(wide.write_to_buffer(kind, keep="icc", **options))

    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


async def test_printing_inks_are_read_by_their_profile(photo: Photo) -> None:
    inks = originals.quarters(160, 120).icc_transform("cmyk", input_profile="srgb")

    result = await photo(inks.jpegsave_buffer(Q=95, keep="icc"))

    assert _apart(_corners(result), _meant(inks)) <= COARSE


async def test_printing_inks_without_a_profile_are_read_by_a_common_one(photo: Photo) -> None:
    inks = originals.quarters(160, 120).icc_transform("cmyk", input_profile="srgb")
    bare = inks.jpegsave_buffer(Q=95, keep="none")
    assert not pyvips.Image.new_from_buffer(bare, "").get_typeof("icc-profile-data")

    result = await photo(bare)

    assert _apart(_corners(result), _meant(inks)) <= COARSE


async def test_sixteen_bits_of_colour_look_as_eight_do(photo: Photo) -> None:
    deep = originals.quarters(160, 120).numpy().astype(np.uint16) * 257

    result = await photo(originals.picture(deep).pngsave_buffer())

    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


async def test_sixteen_bits_of_grey_look_as_eight_do(photo: Photo) -> None:
    deep = originals.quarters(160, 120).numpy()[:, :, :1].astype(np.uint16) * 257
    grey = originals.picture(deep).copy(interpretation="grey16")

    result = await photo(grey.pngsave_buffer())

    assert _apart(_corners(result), [(red, red, red) for red, _, _ in originals.CORNERS]) <= NEAR


async def test_progressive_and_restarted_jpegs_are_read_to_the_end(photo: Photo) -> None:
    image = originals.quarters(160, 120)

    for options in ({"interlace": True}, {"restart_interval": 4}, {"trellis_quant": True}):
        result = await photo(image.jpegsave_buffer(Q=92, **options))

        assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


async def test_a_palette_with_clear_places_lies_on_white(photo: Photo) -> None:
    image = originals.quarters(160, 120).bandjoin(255).copy(interpretation="srgb")
    clear = image.draw_rect([0, 0, 0, 0], 0, 0, 80, 60, fill=True)

    result = await photo(clear.pngsave_buffer(palette=True))

    assert _apart(_corners(result), [(255, 255, 255), *originals.CORNERS[1:]]) <= COARSE


async def test_an_ultra_hdr_photo_is_its_plain_picture_and_nothing_of_the_rest(
    photo: Photo,
) -> None:
    result = await photo(originals.ultra_hdr(originals.quarters(160, 120), CANARY))

    assert (result.width, result.height) == (160, 120)
    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE
    assert _leaks(result) == []
    for made in result.renditions:
        data = made.path.read_bytes()
        assert b"hdrgm" not in data
        assert b"MPF" not in data
        assert made.format != "jpeg" or data.count(b"\xff\xd8\xff") == 1


async def test_a_profile_tells_nothing_of_whoever_made_it(photo: Photo) -> None:
    wide = originals.quarters(160, 120).icc_transform("p3", input_profile="srgb").copy()
    profile = bytearray(wide.get("icc-profile-data") + CANARY)
    struct.pack_into(">I", profile, 0, len(profile))
    wide.set_type(pyvips.GValue.blob_type, "icc-profile-data", bytes(profile))
    data = wide.jpegsave_buffer(keep="icc")
    assert CANARY in data

    result = await photo(data)

    assert _leaks(result) == []
    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


async def test_a_maker_note_and_a_png_text_are_gone(photo: Photo) -> None:
    entry = struct.pack(">HHII", 0x927C, 7, len(CANARY), 44)
    pointer = struct.pack(">HHII", 0x8769, 4, 1, 26)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + pointer + bytes(4)
    exif += struct.pack(">H", 1) + entry + bytes(4) + CANARY
    plain = originals.photo("jpeg")
    noted = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    png = originals.photo("png")
    text = png[:33] + chunk(b"tEXt", b"Author\0" + CANARY) + png[33:]

    assert _leaks(await photo(noted)) == []
    assert _leaks(await photo(text)) == []


@pytest.mark.parametrize(("width", "height"), [(128, 128), (160, 120), (201, 133)])
async def test_a_heic_of_tiles_is_put_together(photo: Photo, width: int, height: int) -> None:
    result = await photo(grids.grid(originals.quarters(width, height)))

    assert (result.width, result.height) == (width, height)
    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


async def test_a_heic_of_tiles_that_was_turned_stands_upright(photo: Photo) -> None:
    sideways = originals.quarters(160, 120).rot90()

    result = await photo(grids.grid(sideways, quarter_turns=1))

    assert (result.width, result.height) == (160, 120)
    assert _apart(_corners(result), list(originals.CORNERS)) <= COARSE


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (17, 300)])
async def test_odd_sizes_of_heic_keep_every_line(photo: Photo, width: int, height: int) -> None:
    result = await photo(originals.heic(originals.quarters(width, height)))

    assert (result.width, result.height) == (width, height)

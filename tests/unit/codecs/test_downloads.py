"""Originals that others may download: every pixel as it was, and not a byte about their author."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.unit.codecs import originals
from tintype.codecs import Codecs, Rejected, Rendition

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = b"canary-8c41"
NEAR = 6


@pytest.fixture
def download(codecs: Codecs, tmp_path: Path) -> Any:
    async def make(data: bytes) -> Rendition:
        source = tmp_path / "original"
        source.write_bytes(data)
        return await codecs.make_download(source, tmp_path / "out")

    return make


def noted(image: Any, **fields: int) -> Any:
    """The image with the canary in every note that a file can hold."""
    marked = image.copy()
    note = CANARY.decode()
    for name in ("exif-ifd0-Make", "exif-ifd0-Artist", "exif-ifd2-UserComment"):
        marked.set_type(pyvips.GValue.gstr_type, name, f"{note} ({note}, ASCII, 12 components)")
    marked.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "48/1 51/1 30/1")
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    marked.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    marked.set_type(pyvips.GValue.blob_type, "iptc-data", b"Photoshop 3.0\0" + CANARY)
    for name, value in fields.items():
        marked.set_type(pyvips.GValue.gint_type, name, value)
    return marked


def pixels_of(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "").numpy()


async def test_what_hides_where_no_decoder_looks_is_not_handed_on(download: Any) -> None:
    plain = originals.photo("jpeg")
    unused = b"\xff\xdb\0\x43\3" + (CANARY + bytes(64))[:64]
    page = b"<!doctype html><script>steal('" + CANARY + b"')</script>"
    hidden = {
        "behind the last pixel": plain[:-2] + page + b"\xff\xd9",
        "in a table without use": plain[:2] + unused + plain[2:],
    }

    made = {name: (await download(data)).path.read_bytes() for name, data in hidden.items()}

    assert [name for name, data in made.items() if CANARY in data] == []
    assert {pixels_of(data).shape for data in made.values()} == {(48, 64, 3)}


@pytest.mark.parametrize("progressive", [False, True])
async def test_a_jpeg_keeps_its_pixels_to_the_bit_and_loses_its_notes(
    download: Any, progressive: bool
) -> None:
    data = noted(originals.quarters(321, 243)).jpegsave_buffer(
        Q=91, interlace=progressive, keep="all"
    )
    assert data.count(CANARY) > 3

    made = await download(data + CANARY)

    kept = made.path.read_bytes()
    assert (made.rung, made.format) == ("download", "jpeg")
    assert CANARY not in kept
    assert b"Exif" not in kept
    assert np.array_equal(pixels_of(kept), pixels_of(data))


@pytest.mark.parametrize("orientation", range(2, 9))
async def test_a_jpeg_still_stands_upright(download: Any, orientation: int) -> None:
    data = noted(originals.quarters(), orientation=orientation).jpegsave_buffer(Q=92, keep="all")

    made = await download(data)

    kept = made.path.read_bytes()
    image = pyvips.Image.new_from_buffer(kept, "")
    assert CANARY not in kept
    assert image.get("orientation") == orientation
    assert np.array_equal(
        image.autorot().numpy(), pyvips.Image.new_from_buffer(data, "").autorot().numpy()
    )


async def test_a_wide_gamut_jpeg_keeps_its_colours_under_a_profile_of_ours(download: Any) -> None:
    wide = originals.quarters().icc_transform("p3", input_profile="srgb")
    profile = wide.get("icc-profile-data").replace(b"wtpt", b"wtpt") + CANARY
    wide.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    data = wide.jpegsave_buffer(Q=95, subsample_mode="off", keep="icc")
    assert CANARY in data

    made = await download(data)

    kept = made.path.read_bytes()
    assert CANARY not in kept
    assert np.array_equal(pixels_of(kept), pixels_of(data))
    shown = pyvips.Image.thumbnail_buffer(kept, 64, output_profile="srgb").numpy()
    found = originals.corner_colours(shown)
    assert max(map(originals.apart, found, originals.CORNERS)) <= NEAR


async def test_a_jpeg_in_printing_inks_is_converted(download: Any) -> None:
    inks = originals.quarters().icc_transform("cmyk", input_profile="srgb")

    made = await download(inks.write_to_buffer(".jpg", Q=95))

    shown = pyvips.Image.new_from_file(str(made.path))
    assert shown.bands == 3
    assert shown.get_typeof("icc-profile-data") == 0
    meant = inks.icc_transform("srgb", embedded=True).numpy()
    found = zip(
        originals.corner_colours(shown.numpy()), originals.corner_colours(meant), strict=True
    )
    assert max(originals.apart(*pair) for pair in found) <= NEAR


async def test_sixteen_bits_of_a_png_stay_sixteen(download: Any) -> None:
    deep = np.random.default_rng(1).integers(0, 65535, (48, 64, 3), dtype=np.uint16)
    data = noted(originals.picture(deep)).pngsave_buffer(keep="all")
    assert CANARY in data

    made = await download(data)

    kept = made.path.read_bytes()
    assert made.format == "png"
    assert CANARY not in kept
    assert np.array_equal(pixels_of(kept), deep)


@pytest.mark.parametrize("kind", ["webp", "avif", "heic", "gif"])
async def test_other_photos_are_encoded_anew_at_full_size(download: Any, kind: str) -> None:
    data = originals.photo(kind, originals.quarters(1700, 1100))

    made = await download(data)

    assert (made.format, made.width, made.height) == ("jpeg", 1700, 1100)
    found = originals.corner_colours(originals.looked_at(made.path))
    assert max(map(originals.apart, found, originals.CORNERS)) <= 14


async def test_what_is_transparent_is_downloaded_as_png(download: Any) -> None:
    image = originals.quarters().bandjoin(255).copy(interpretation="srgb")
    clear = image.draw_rect([0, 0, 0, 0], 0, 0, 32, 24, fill=True)

    made = await download(originals.photo("webp", clear))

    shown = originals.looked_at(made.path)
    assert made.format == "png"
    assert originals.colour(shown, 0.25, 0.25)[3] == 0


@pytest.mark.parametrize("kind", [".gif", ".webp"])
async def test_an_animation_keeps_its_frames_and_their_times(download: Any, kind: str) -> None:
    data = originals.moving(kind, delays=[100, 200, 300])

    made = await download(data)

    image = pyvips.Image.new_from_file(str(made.path), n=-1)
    assert f".{made.format}" == kind
    assert image.get("n-pages") == 3
    assert image.get("delay") == [100, 200, 300]


async def test_a_file_that_is_cut_off_is_not_offered(download: Any) -> None:
    data = originals.photo("jpeg", originals.quarters(400, 300))

    with pytest.raises(Rejected):
        await download(data[: len(data) // 2])

"""Nothing that a camera or an editor noted about its owner is left in what others receive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pyvips

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Film, Photo
from tintype.codecs import Rendition

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANARY = b"canary-8c41"
NOTED_PLACE = "+48.8584+002.2945"
# What tells of metadata at all: EXIF, XMP, ICC, IPTC, and the boxes of MP4 that name places.
MARKS = (
    b"Exif",
    b"http://ns.adobe.com",
    b"ICC_PROFILE",
    b"ICCP",
    b"Photoshop",
    b"\xa9xyz",
    b"XMP ",
)


def _clean(made: Rendition, *more: bytes) -> bool:
    data = made.path.read_bytes()
    return not [mark for mark in (CANARY, *MARKS, *more) if mark in data]


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".avif"])
async def test_exif_xmp_iptc_and_profiles_of_the_uploader_are_gone(photo: Photo, kind: str) -> None:
    data = _noted(originals.quarters()).write_to_buffer(kind)
    assert CANARY in data

    result = await photo(data)

    assert all(_clean(made) for made in result.renditions)
    fields = [pyvips.Image.new_from_file(str(each.path)).get_fields() for each in result.renditions]
    assert not [
        name
        for names in fields
        for name in names
        if name.startswith(("exif", "xmp", "iptc", "icc"))
    ]


async def test_what_an_iphone_notes_in_a_heic_is_gone(photo: Photo) -> None:
    gps = b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + CANARY
    xmp = b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"
    data = originals.heic(originals.quarters(), exif=gps, xmp=xmp)
    assert data.count(CANARY) == 2

    result = await photo(data)

    assert all(_clean(made) for made in result.renditions)


async def test_comments_and_bytes_behind_the_end_are_gone(photo: Photo) -> None:
    jpeg = originals.photo("jpeg")
    comment = b"\xff\xfe" + (len(CANARY) + 2).to_bytes(2, "big") + CANARY
    data = jpeg[:2] + comment + jpeg[2:] + CANARY + b"PK\x03\x04<script>alert(1)</script>"

    result = await photo(data)

    assert all(_clean(made, b"<script>", b"PK\x03\x04") for made in result.renditions)


async def test_a_profile_never_swells_a_small_rendition(photo: Photo) -> None:
    image = _noted(originals.quarters(600, 400), profile_bytes=400_000)

    result = await photo(image.write_to_buffer(".jpg"))

    assert max(made.bytes for made in result.renditions) < 30_000


@pytest.mark.parametrize("fits", [True, False], ids=["kept as it is", "encoded again"])
async def test_place_maker_and_handlers_of_a_film_are_gone(
    film: Film, tmp_path: Path, fits: bool
) -> None:
    notes = {"location": NOTED_PLACE, "comment": CANARY.decode(), "title": CANARY.decode()}
    output = [word for name, value in notes.items() for word in ("-metadata", f"{name}={value}")]
    output += ["-metadata:s:v", f"handler_name={CANARY.decode()}"]
    output += ["-metadata:s:a", f"handler_name={CANARY.decode()}"]
    output += ["-movflags", "use_metadata_tags"]
    make = originals.fitting_film if fits else originals.film
    size = "320x240" if fits else "2600x1500"
    source = make(tmp_path / "noted.mp4", size=size, output=tuple(output), seconds=0.5)
    assert CANARY in source.read_bytes()

    result = await film(source)

    assert result.remuxed is fits
    assert _clean(result.renditions[0], NOTED_PLACE.encode(), b"Lavf", b"use_metadata", b"location")
    # An encoder's remarks inside the pictures go with the copy, too.
    assert not fits or b"x264" not in result.renditions[0].path.read_bytes()
    assert all(_clean(each) for each in result.poster)


def _noted(image: Any, profile_bytes: int = 0) -> Any:
    noted = image.copy()
    note = CANARY.decode()
    for name in ("exif-ifd0-Make", "exif-ifd0-Artist", "exif-ifd2-UserComment"):
        noted.set_type(pyvips.GValue.gstr_type, name, f"{note} ({note}, ASCII, 12 components)")
    noted.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "48/1 51/1 30/1")
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + CANARY + b"</x:xmpmeta>"
    noted.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    noted.set_type(pyvips.GValue.blob_type, "iptc-data", b"Photoshop 3.0\0" + CANARY)
    if profile_bytes:
        profile = image.icc_transform("p3", input_profile="srgb").get("icc-profile-data")
        noted.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile + bytes(profile_bytes))
    return noted

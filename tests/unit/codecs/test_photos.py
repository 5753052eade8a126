from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import pyvips

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Photo
from tintype.codecs import Kind, PhotoResult, Rejected, sniff

pytestmark = pytest.mark.asyncio(loop_scope="module")

LADDER = (
    ("150", 150, 113),
    ("240", 240, 180),
    ("480", 480, 360),
    ("640", 640, 480),
    ("750", 750, 563),
    ("1080", 1080, 810),
    ("1440", 1440, 1080),
)
TOLERANCE = 14  # chroma subsampling and two lossy generations of flat colour


def _sizes(result: PhotoResult) -> list[tuple[str, str, int, int]]:
    return [(each.rung, each.format, each.width, each.height) for each in result.renditions]


def _look_right(path: Path, expected: tuple[tuple[int, ...], ...]) -> None:
    found = originals.corner_colours(originals.looked_at(path))
    wrong = [
        pair for pair in zip(found, expected, strict=True) if originals.apart(*pair) > TOLERANCE
    ]
    assert not wrong, path.name


@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
async def test_every_kind_of_photo_becomes_jpeg_and_webp(photo: Photo, kind: str) -> None:
    data = originals.photo(kind)

    result = await photo(data)

    assert sniff(data) == kind
    assert (result.width, result.height) == (64, 48)
    assert _sizes(result) == [("150", "jpeg", 64, 48), ("150", "webp", 64, 48)]
    for made in result.renditions:
        _look_right(made.path, originals.CORNERS)


@pytest.mark.parametrize("kind", [".gif", ".webp"])
async def test_of_an_animation_the_first_picture_is_taken(photo: Photo, kind: str) -> None:
    result = await photo(originals.animation(frames=5, kind=kind))

    assert (result.width, result.height) == (64, 48)
    _look_right(result.renditions[0].path, originals.CORNERS)


async def test_a_large_photo_gets_every_rung_once(photo: Photo) -> None:
    result = await photo(originals.photo("jpeg", originals.quarters(1600, 1200)))

    assert (result.width, result.height) == (1600, 1200)
    assert _sizes(result) == [
        (rung, format_, width, height)
        for rung, width, height in LADDER
        for format_ in ("jpeg", "webp")
    ]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, [1]),
        (149, [149]),
        (150, [150]),
        (151, [150, 151]),
        (480, [150, 240, 480]),
        (700, [150, 240, 480, 640, 700]),
        (1440, [150, 240, 480, 640, 750, 1080, 1440]),
        (1441, [150, 240, 480, 640, 750, 1080, 1440]),
    ],
)
async def test_nothing_is_enlarged_and_no_size_is_made_twice(
    photo: Photo, width: int, expected: list[int]
) -> None:
    result = await photo(originals.photo("png", originals.quarters(width, 20)))

    widths = [made.width for made in result.renditions if made.format == "webp"]
    assert widths == expected
    assert len({made.path for made in result.renditions}) == len(result.renditions)


async def test_a_panorama_and_a_tall_strip_keep_their_proportions(photo: Photo) -> None:
    panorama = await photo(originals.photo("png", originals.quarters(2160, 100)))
    strip = await photo(originals.photo("png", originals.quarters(100, 9000)))

    assert _sizes(panorama)[-1][2:] == (1440, 67)
    assert _sizes(strip) == [("150", "jpeg", 100, 9000), ("150", "webp", 100, 9000)]


async def test_what_a_rendition_says_of_itself_is_true(photo: Photo) -> None:
    result = await photo(originals.photo("jpeg", originals.quarters(500, 300)))

    for made in result.renditions:
        data = made.path.read_bytes()
        image = pyvips.Image.new_from_buffer(data, "")
        assert sniff(data) is Kind(made.format)
        assert made.bytes == len(data)
        assert made.sha256 == hashlib.sha256(data).hexdigest()
        assert (image.width, image.height) == (made.width, made.height)


async def test_the_same_photo_becomes_the_same_bytes(photo: Photo) -> None:
    data = originals.photo("heic", originals.quarters(300, 200))

    first = [made.sha256 for made in (await photo(data)).renditions]
    second = [made.sha256 for made in (await photo(data)).renditions]

    assert first == second


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_stands_upright_whichever_way_the_camera_was_held(
    photo: Photo, orientation: int
) -> None:
    upright = originals.quarters()
    stored = _as_stored(orientation)
    stored.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    data = stored.write_to_buffer(".jpg", Q=92, subsample_mode="off")

    result = await photo(data)

    assert (result.width, result.height) == (upright.width, upright.height)
    assert {(made.width, made.height) for made in result.renditions} == {(64, 48)}
    for made in result.renditions:
        _look_right(made.path, originals.CORNERS)


def _as_stored(orientation: int) -> pyvips.Image:
    """The upright picture as a sensor writes it: the inverse of what the EXIF value asks for."""
    upright = originals.quarters()
    stored = {
        1: upright,
        2: upright.fliphor(),
        3: upright.rot180(),
        4: upright.flipver(),
        5: upright.rot90().fliphor(),
        6: upright.rot270(),
        7: upright.rot270().fliphor(),
        8: upright.rot90(),
    }[orientation]
    return stored.copy()


async def test_a_heic_stands_upright_too(photo: Photo) -> None:
    result = await photo(originals.heic(originals.quarters().rot270(), exif=_exif(6)))

    assert (result.width, result.height) == (64, 48)
    _look_right(result.renditions[0].path, originals.CORNERS)


def _exif(orientation: int) -> bytes:
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


@pytest.mark.parametrize("kind", ["png", "webp", "heic", "avif"])
async def test_what_is_transparent_lies_on_white_in_jpeg_and_stays_clear_in_webp(
    photo: Photo, kind: str
) -> None:
    image = originals.quarters().bandjoin(255).copy(interpretation="srgb")
    clear = image.draw_rect([0, 0, 0, 0], 0, 0, 32, 24, fill=True)

    result = await photo(originals.photo(kind, clear))

    by_format = {made.format: originals.looked_at(made.path) for made in result.renditions}
    assert originals.apart(originals.colour(by_format["jpeg"], 0.25, 0.25), (255,) * 3) < 6
    assert originals.colour(by_format["webp"], 0.25, 0.25)[3] < 6
    assert originals.colour(by_format["webp"], 0.75, 0.75)[3] > 249
    seen = originals.colour(by_format["jpeg"], 0.75, 0.75)
    assert originals.apart(seen, originals.YELLOW) <= TOLERANCE


async def test_alpha_that_hides_nothing_is_dropped(photo: Photo) -> None:
    result = await photo(originals.photo("png", originals.quarters().bandjoin(255)))

    assert originals.looked_at(result.renditions[1].path).shape[2] == 3


async def test_a_grey_photo_stays_grey(photo: Photo) -> None:
    grey = originals.quarters().colourspace("b-w")

    result = await photo(originals.photo("jpeg", grey))

    shown = originals.looked_at(result.renditions[1].path)
    first = originals.colour(shown, 0.25, 0.25)
    assert max(first) - min(first) <= 2


async def test_a_video_is_not_taken_for_a_photo(photo: Photo) -> None:
    with pytest.raises(Rejected) as refused:
        await photo(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100))

    assert refused.value.code == "not-a-photo"

"""The photo ladder: one upright sRGB picture becomes files in a few widths and formats."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from tintype.codecs.head import size_of
from tintype.codecs.model import PHOTO_RUNGS, Format, PictureFormat, Rejected
from tintype.codecs.sniff import HEAD_BYTES, Kind
from tintype.codecs.wire import Made, RungName

AT_ONCE: tuple[PictureFormat, ...] = ("jpeg", "webp")
LATER: tuple[PictureFormat, ...] = ("avif",)

# No JPEG is taller (its marker holds 16 bits): a height that never bounds.
UNBOUNDED = 65_535
WHITE = [255, 255, 255]
_NAMES: dict[int, RungName] = {int(name): name for name in get_args(RungName) if name.isdigit()}
# WebP is what most see within the first second: a third of the time at effort 4, for 7 % of bytes.
SAVING: dict[PictureFormat, tuple[str, dict[str, Any]]] = {
    "jpeg": ("jpegsave", {"Q": 82, "optimize_coding": True}),
    "webp": ("webpsave", {"Q": 80, "effort": 2}),
    "avif": ("heifsave", {"Q": 58, "effort": 2, "compression": "av1"}),
}
_OPAQUE = 255
# What the two decoders can leave out while they still read everything.
_JPEG_SHRINK = 8
_WEBP_SCALE = 1 / 64
_SRGB_BANDS = 3


def rungs_for(width: int) -> list[tuple[RungName, int]]:
    """The rungs that a picture so wide gets, and their widths, smallest first.

    Nothing is enlarged: the first rung that is wider than the picture takes it at its own size
    and is the last.
    """
    chosen = []
    for rung in PHOTO_RUNGS:
        chosen.append((_NAMES[rung], min(rung, width)))
        if width <= rung:
            break
    return chosen


def as_it_is(picture: Any) -> Any:
    return picture


def make(
    widest: Any,
    results: Path,
    formats: Sequence[PictureFormat] = AT_ONCE,
    *,
    finish: Callable[[Any], Any] = as_it_is,
) -> tuple[tuple[Made, ...], str]:
    """The renditions of ``widest``, smallest first, and its ThumbHash in base64.

    ``widest`` is a pyvips image in memory, upright, 8-bit sRGB with or without alpha, as wide as
    the widest rung. Each rung is made of the one above it, and then finished by ``finish``.
    """
    picture = without_idle_alpha(widest)
    made: list[Made] = []
    for rung, width in reversed(rungs_for(picture.width)):
        if width < picture.width:
            picture = _shrunk(picture, width, UNBOUNDED).copy_memory()
        shown = finish(picture)
        made += [save(shown, rung, format_, results) for format_ in reversed(formats)]
    return tuple(reversed(made)), _placeholder(picture)


def verify(made: tuple[Made, ...], results: Path, allow: Callable[[Format], None]) -> None:
    """Decode every file again; ``allow`` opens the loader of a format.

    The size in the header is compared, and every coefficient of the picture is read, to the last.
    JPEG and WebP are decoded to a fraction of their size, which spares only the drawing of pixels.

    Raises:
        Rejected: ``could-not-read``: what was written is not what was meant.
    """
    import pyvips

    for format_ in dict.fromkeys(each.format for each in made):
        allow(format_)
        for each in (each for each in made if each.format == format_):
            try:
                right = _reads_back(each, str(results / each.name))
            except pyvips.Error:
                right = False
            if not right:
                raise Rejected("could-not-read", "This picture could not be converted.")


def _reads_back(made: Made, path: str) -> bool:
    """Whether a file decodes to its last line, and is as large as it was meant to be."""
    import pyvips

    size = made.width, made.height
    careful = {"access": "sequential", "fail_on": "warning"}
    # Loaders are named: asking each whether the file is its own takes as long as a small picture.
    if made.format == "webp":
        scale = max(_WEBP_SCALE, 1 / min(size))
        image = pyvips.Image.webpload(path, scale=scale, **careful)
    elif made.format == "jpeg" and min(size) >= _JPEG_SHRINK:
        image = pyvips.Image.jpegload(path, shrink=_JPEG_SHRINK, **careful)
    else:
        image = pyvips.Image.new_from_file(path, **careful)
        # Line after line, so that the last one comes after all others.
        image.crop(0, image.height - 1, image.width, 1).copy_memory()
        return (image.width, image.height) == size
    image.copy_memory()
    return _size_told(path, made.format) == size


def _size_told(path: str, format_: Format) -> tuple[int, int] | None:
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    return size_of(head, Kind.JPEG if format_ == "jpeg" else Kind.WEBP)


def save(
    picture: Any, rung: RungName, format_: PictureFormat, results: Path, **changes: int
) -> Made:
    """One file, without a word about its origin; JPEG has no alpha and lies on white.

    ``changes`` are other options of the encoder than usual.
    """
    flat = format_ == "jpeg" and picture.hasalpha()
    shown = picture.flatten(background=WHITE) if flat else picture
    made = Made(rung, format_, picture.width, picture.height)
    saver, options = SAVING[format_]
    getattr(shown, saver)(str(results / made.name), keep="none", **(options | changes))
    return made


def _shrunk(picture: Any, width: int, height: int) -> Any:
    return picture.thumbnail_image(width, height=height, size="down", no_rotate=True)


def without_idle_alpha(picture: Any) -> Any:
    if not picture.hasalpha() or picture[picture.bands - 1].min() < _OPAQUE:
        return picture
    return picture.extract_band(0, n=_SRGB_BANDS)


def _placeholder(smallest: Any) -> str:
    # Here and not above: a decoder that refuses its first file never needs numpy.
    from tintype.codecs import thumbhash

    side = thumbhash.LONGEST_SIDE
    tiny = _shrunk(smallest, side, side)
    rgba = tiny if tiny.hasalpha() else tiny.bandjoin(_OPAQUE)
    return base64.b64encode(thumbhash.encode(rgba.cast("uchar").numpy())).decode()

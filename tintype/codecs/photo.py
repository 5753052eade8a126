"""Photos, inside the sandbox: header → limits → upright sRGB → ladder → verification."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tintype.codecs import heif, ladder
from tintype.codecs.limits import check_animation, check_size
from tintype.codecs.model import PHOTO_RUNGS, Format, Limits, Rejected
from tintype.codecs.recipe import Recipe
from tintype.codecs.sniff import Kind, is_sequence
from tintype.codecs.wire import ORIGINAL, Made, PhotoDone, PhotoJob

_SHUT, _OPEN = True, False
_ALL_LOADERS = "VipsForeignLoad"
_LOADERS = {
    Kind.JPEG: "VipsForeignLoadJpegFile",
    Kind.PNG: "VipsForeignLoadPngFile",
    Kind.WEBP: "VipsForeignLoadWebpFile",
    Kind.AVIF: "VipsForeignLoadHeifFile",
    Kind.GIF: "VipsForeignLoadNsgifFile",
}
_OWN_LOADERS: dict[Format, Kind] = {
    "jpeg": Kind.JPEG,
    "webp": Kind.WEBP,
    "avif": Kind.AVIF,
    "png": Kind.PNG,
    "gif": Kind.GIF,
}
_UNEDITED_WIDTH = 1080
# Another than that of rungs: files are named by their content, and this one is not for everybody.
_UNEDITED_QUALITY = 90
MOVES = "moves"
"""The code of the verdict on an animation that was to be edited."""
_SIDEWAYS = {5, 6, 7, 8}
_SRGB_BANDS = (3, 4)
_PRINTING_INKS, _PRINTED_PIXELS = 4, 40_000_000
_PROFILE = "icc-profile-data"


def load_library() -> None:
    """Import libvips and shut every loader; each file gets the one that its magic names."""
    import pyvips

    pyvips.cache_set_max(0)
    pyvips.operation_block_set(_ALL_LOADERS, _SHUT)


def process(job: PhotoJob, incoming: Path, results: Path) -> PhotoDone:
    """The photo ladder of the original in the incoming folder.

    Raises:
        Rejected: too large, damaged, or cut off.
    """
    import pyvips

    try:
        original = taken_in(job.kind, incoming, results)
        moves = is_animated(original, job.kind, job.limits)
        if job.recipe is None:
            width, height, picture = upright(original, job.kind, job.limits)
            made, placeholder = ladder.make(picture, results, job.formats)
        elif moves:
            raise Rejected(MOVES, "This photo moves, and one that moves can not be edited.")
        else:
            width, height, made, placeholder = _edited(original, job, job.recipe, results)
    except pyvips.Error as error:
        raise verdict(str(error)) from error
    ladder.verify(made, results, allow_written)
    return PhotoDone(width, height, placeholder, made, animated=moves)


def _edited(
    original: Path, job: PhotoJob, recipe: Recipe, results: Path
) -> tuple[int, int, tuple[Made, ...], str]:
    """The ladder by a recipe; with the first formats, also one picture without it, to edit from."""
    from tintype.codecs import darkroom

    width, height, see = _opened(original, job.kind, job.limits)
    plain: list[Made] = []
    if "jpeg" in job.formats:
        unedited = see(_View(_UNEDITED_WIDTH))
        plain = [ladder.save(unedited, "plain", "jpeg", results, Q=_UNEDITED_QUALITY)]
    part = see(_View(PHOTO_RUNGS[-1], recipe))
    del see  # a HEIC of full size
    picture = darkroom.paint(recipe, darkroom.place(recipe, part).copy_memory())
    made, placeholder = ladder.make(
        picture, results, job.formats, finish=darkroom.sharpener(recipe)
    )
    return *recipe.size(width, height), (*made, *plain), placeholder


def allow_written(written: Format) -> None:
    """Open the loader of one of our own formats, to verify what was written."""
    allow_only(_OWN_LOADERS[written])


def allow_only(kind: Kind) -> None:
    """Open the loader of one kind and shut all others."""
    import pyvips

    pyvips.operation_block_set(_ALL_LOADERS, _SHUT)
    pyvips.operation_block_set(_LOADERS[kind], _OPEN)


def taken_in(kind: Kind, incoming: Path, results: Path) -> Path:
    """Where the original can be read as what it is.

    libvips does not know an AVIF sequence by its first name, but the still picture in it: then that
    is where a copy with the name of a still lies, for as long as the job takes.
    """
    original = incoming / ORIGINAL
    if kind is not Kind.AVIF or not is_sequence(original):
        return original
    renamed = results / "sequence.avif"
    data = original.read_bytes()
    renamed.write_bytes(data[:8] + b"avif" + data[12:])
    return renamed


def is_animated(original: Path, kind: Kind, limits: Limits) -> bool:
    """Whether a photo has more than one frame to show, one after the other, by its header.

    Raises:
        Rejected: ``too-many-frames``, or frames too large for so many.
    """
    if kind is Kind.AVIF:
        return is_sequence(original)
    if kind not in {Kind.GIF, Kind.WEBP}:
        return False
    import pyvips

    allow_only(kind)
    header = pyvips.Image.new_from_file(str(original), access="sequential")
    frames = header.get("n-pages") if header.get_typeof("n-pages") else 1
    check_animation(header.width, header.height, frames, limits)
    return bool(frames > 1)


def check_header(header: Any, limits: Limits) -> None:
    """Refuse what takes too much memory to decode.

    Of a progressive JPEG every coefficient is held, two bytes for each band of a pixel: so many
    pixels of four inks would not be decoded in half a gigabyte.

    Raises:
        Rejected: as ``check_size``.
    """
    check_size(header.width, header.height, limits)
    if header.bands == _PRINTING_INKS and header.interpretation == "cmyk":
        fewer = msgspec.structs.replace(limits, pixels=min(limits.pixels, _PRINTED_PIXELS))
        check_size(header.width, header.height, fewer, noun="photo in printing inks")


def upright(original: Path, kind: Kind, limits: Limits) -> tuple[int, int, Any]:
    """The displayed size of the original, and its widest rung: upright, 8-bit sRGB, in memory."""
    width, height, see = _opened(original, kind, limits)
    return width, height, see(_View(PHOTO_RUNGS[-1]))


def in_full(original: Path, kind: Kind, limits: Limits) -> Any:
    """The whole original, upright and in 8-bit sRGB, to be read once from its top to its end.

    Its pixels are not all in memory at a time, unless it has to be turned or is a HEIC; damage may
    show only when they are read.
    """
    return _opened(original, kind, limits)[-1](_View(limits.side, held=False))


class _View(NamedTuple):
    """How much of a picture is wanted."""

    widest: int
    recipe: Recipe | None = None
    held: bool = True

    def bound(self, size: tuple[int, int]) -> int:
        """How wide the whole of it has to be."""
        if self.recipe is None:
            return self.widest
        from tintype.codecs import darkroom

        return darkroom.needed_width(self.recipe, size, self.widest)

    def of(self, picture: Any) -> Any:
        """The wanted part in 8-bit sRGB, in memory if it is to be held there."""
        if self.recipe is not None:
            from tintype.codecs import darkroom

            picture = darkroom.cut(self.recipe, picture, self.widest)
        return as_srgb(picture.copy_memory()) if self.held else _in_srgb(picture)


def _opened(original: Path, kind: Kind, limits: Limits) -> tuple[int, int, Callable[[_View], Any]]:
    """The displayed size of the original, and what shows a view of it; asked for more than one, it
    decodes a HEIC once and other kinds, which can be decoded smaller, as often.

    With a recipe the picture is the part that its crop leaves, as wide as the widest rung needs,
    not turned yet.
    """
    if kind is Kind.HEIC:
        image, profile = heif.decode(original, limits)
        return image.width, image.height, lambda view: _bounded(image, profile, view)
    import pyvips

    allow_only(kind)
    header = pyvips.Image.new_from_file(str(original), access="sequential")
    check_header(header, limits)
    turned = header.get_typeof("orientation") and header.get("orientation") in _SIDEWAYS
    size = (header.height, header.width) if turned else (header.width, header.height)
    colours = _colours(header)
    return *size, lambda view: _shrink_on_load(original, size, view, colours)


def _colours(picture: Any) -> dict[str, str]:
    """How ``thumbnail`` gets sRGB out of a picture with these headers.

    Eight bits without a profile mean sRGB already. libvips would take them through a profile all
    the same, to the same values to the bit, and that takes longer than all the rest.
    """
    plain = picture.format == "uchar" and picture.interpretation == "srgb"
    return {} if plain and not picture.get_typeof(_PROFILE) else {"output_profile": "srgb"}


def _shrink_on_load(
    original: Path, size: tuple[int, int], view: _View, colours: dict[str, str]
) -> Any:
    """Decode no more than the widest rung needs; oriented, and converted from the embedded profile.

    A profile that does not fit its own picture is passed over, as browsers do.
    """
    import pyvips

    bound = view.bound(size)
    options = {"height": ladder.UNBOUNDED, "size": "down", "fail_on": "error"}
    try:
        return view.of(pyvips.Image.thumbnail(str(original), bound, **colours, **options))
    except pyvips.Error as error:
        if "profile" not in str(error):
            raise
        return view.of(pyvips.Image.thumbnail(str(original), bound, **options))


def _bounded(image: Any, input_profile: str | None, view: _View) -> Any:
    options = _colours(image)
    if input_profile:
        options = {"input_profile": input_profile, "output_profile": "srgb"}
    bound = view.bound((image.width, image.height))
    return view.of(
        image.thumbnail_image(
            bound, height=ladder.UNBOUNDED, size="down", no_rotate=True, **options
        )
    )


def as_srgb(picture: Any) -> Any:
    """Three or four 8-bit bands, in memory: greys and 16-bit pictures included."""
    if picture.format == "uchar" and picture.bands in _SRGB_BANDS:
        return picture
    return _in_srgb(picture).copy_memory()


def _in_srgb(picture: Any) -> Any:
    if picture.format == "uchar" and picture.bands in _SRGB_BANDS:
        return picture
    return picture.colourspace("srgb").cast("uchar")


def verdict(reason: str) -> Rejected:
    if os.strerror(errno.ENOSPC) in reason:
        raise OSError(errno.ENOSPC, reason)
    if "premature end" in reason or "end of file" in reason or "truncated" in reason:
        return Rejected("cut-off", "This photo is incomplete: its end is missing.")
    return Rejected("could-not-read", "This photo is damaged and could not be read.")

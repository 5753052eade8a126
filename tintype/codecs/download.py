"""Originals for others to download, inside the sandbox: the pixels, and nothing about anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintype.codecs import jpeg, ladder, photo
from tintype.codecs.model import Format, Limits, Rejected
from tintype.codecs.sniff import Kind
from tintype.codecs.wire import DownloadDone, DownloadJob, Made

_UPRIGHT = 1
_SIDEWAYS = {5, 6, 7, 8}
_PRINTING_INKS = 4
# Colours closer than this (CIE 1976 ΔE) are the same to the eye.
_SAME_COLOUR = 1.5
_MEASURED_PIXELS = 16_000_000
_SAMPLES = (0, 64, 128, 192, 255)


def process(job: DownloadJob, incoming: Path, results: Path) -> DownloadDone:
    """One file of the same pixels as the original.

    Raises:
        Rejected: too large, damaged, or cut off.
    """
    import pyvips

    original = photo.taken_in(job.kind, incoming, results)
    try:
        if photo.is_animated(original, job.kind, job.limits) and job.kind is not Kind.AVIF:
            made = _moving(original, job.kind, results)
        elif job.kind is Kind.JPEG:
            made = _jpeg(original, job.limits, results)
        elif job.kind is Kind.PNG:
            made = _png(original, job.limits, results)
        else:
            made = _encoded(original, job.kind, job.limits, results)
        _verify(made, results)
    except pyvips.Error as error:
        raise photo.verdict(str(error)) from error
    return DownloadDone((made,))


def _jpeg(original: Path, limits: Limits, results: Path) -> Made:
    """The same compressed pixels, where their colours need no conversion and nothing lies between
    them; else new ones.
    """
    header = _header(original, Kind.JPEG, limits)
    orientation = _orientation(header)
    colours = _colours_of(header)
    stripped = None
    if colours is not None and header.bands < _PRINTING_INKS:
        profile = _wide_profile() if colours == "p3" else None
        stripped = jpeg.stripped(original.read_bytes(), orientation, profile)
    made = Made("download", "jpeg", header.width, header.height)
    if stripped is None or not _is_flawless(made, stripped, results):
        return _encoded(original, Kind.JPEG, limits, results)
    return made


def _is_flawless(made: Made, data: bytes, results: Path) -> bool:
    """Write the file, and see whether it decodes without a warning."""
    import pyvips

    path = results / made.name
    path.write_bytes(data)
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="warning")
        image.crop(0, image.height - 1, image.width, 1).copy_memory()
    except pyvips.Error:
        return False
    return True


def _png(original: Path, limits: Limits, results: Path) -> Made:
    """The same pixels with all their bits; colours of other spaces become sRGB."""
    import pyvips

    header = _header(original, Kind.PNG, limits)
    picture = pyvips.Image.new_from_file(str(original), fail_on="error").autorot()
    if _colours_of(header) != "srgb":
        depth = 16 if picture.format == "ushort" else 8
        picture = picture.icc_transform("srgb", embedded=True, depth=depth)
    return _save(picture, "png", results)


def _encoded(original: Path, kind: Kind, limits: Limits, results: Path) -> Made:
    """New pixels in sRGB: the best JPEG, or PNG where something is transparent."""
    picture = photo.in_full(original, kind, limits)
    if picture.hasalpha():
        picture = ladder.without_idle_alpha(picture.copy_memory())
    return _save(picture, "png" if picture.hasalpha() else "jpeg", results)


def _moving(original: Path, kind: Kind, results: Path) -> Made:
    """Every frame, with its time."""
    import pyvips

    photo.allow_only(kind)
    strip = pyvips.Image.new_from_file(str(original), n=-1, access="sequential", fail_on="error")
    return _save(strip, "gif" if kind is Kind.GIF else "webp", results)


def _save(picture: Any, format_: Format, results: Path) -> Made:
    height = picture.get("page-height") if picture.get_typeof("page-height") else picture.height
    made = Made("download", format_, picture.width, height)
    path = str(results / made.name)
    match format_:
        case "jpeg":
            # Tables to measure cost a second look at all coefficients: 6 bytes a pixel in memory.
            small = picture.width * picture.height <= _MEASURED_PIXELS
            options = {"Q": 95, "subsample_mode": "off", "optimize_coding": small}
            picture.jpegsave(path, **options, keep="none")
        case "png":
            picture.pngsave(path, keep="none")
        case "gif":
            picture.gifsave(path, reuse=True, keep="none")
        case _:
            picture.webpsave(path, Q=90, keep="none")
    return made


def _header(original: Path, kind: Kind, limits: Limits) -> Any:
    import pyvips

    photo.allow_only(kind)
    header = pyvips.Image.new_from_file(str(original), access="sequential")
    photo.check_header(header, limits)
    return header


def _orientation(header: Any) -> int:
    return header.get("orientation") if header.get_typeof("orientation") else _UPRIGHT


def _colours_of(header: Any) -> str | None:
    """``srgb`` or ``p3`` where the embedded profile means one of them; else ``None``.

    Told by what the profile does, not by what it is called.
    """
    if not header.get_typeof("icc-profile-data"):
        return "srgb"
    import numpy as np
    import pyvips

    if header.bands not in {3, 4} or header.interpretation not in {"srgb", "rgb", "rgb16"}:
        return None
    grid = np.array([(r, g, b) for r in _SAMPLES for g in _SAMPLES for b in _SAMPLES], "uint8")
    samples = pyvips.Image.new_from_memory(grid.tobytes(), len(grid), 1, 3, "uchar")
    samples = samples.copy(interpretation="srgb")
    marked = samples.copy()
    marked.set_type(pyvips.GValue.blob_type, "icc-profile-data", header.get("icc-profile-data"))
    try:
        meant = marked.icc_import(embedded=True, pcs="lab")
    except pyvips.Error:
        return "srgb"
    for known in ("srgb", "p3"):
        seen = samples.icc_import(input_profile=known, pcs="lab")
        if meant.dE76(seen).max() < _SAME_COLOUR:
            return known
    return None


def _wide_profile() -> bytes:
    """Our own small profile for Display P3, in place of the uploader's."""
    import pyvips

    black = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    profile: bytes = black.icc_transform("p3", input_profile="srgb").get("icc-profile-data")
    return profile


def _verify(made: Made, results: Path) -> None:
    """Decode the file again, to the last pixel.

    Raises:
        Rejected: ``could-not-read``: what was written is not what was meant.
    """
    import pyvips

    photo.allow_written(made.format)
    image = pyvips.Image.new_from_file(
        str(results / made.name), access="sequential", fail_on="error"
    )
    image.crop(0, image.height - 1, image.width, 1).copy_memory()
    if (image.width, image.height) != (made.width, made.height):
        raise Rejected("could-not-read", "This picture could not be converted.")

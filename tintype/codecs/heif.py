"""HEIC photos: the container and HEVC by libheif and libde265, the colours by libvips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintype.codecs.limits import check_size
from tintype.codecs.model import Limits, Rejected

_DISPLAY_P3 = 12  # colour primaries of SMPTE EG 432-1, in ITU-T H.273


def decode(original: Path, limits: Limits) -> tuple[Any, str | None]:
    """The photo upright at full size, and the built-in profile to read it by if it names one.

    An embedded ICC profile travels with the picture and wins.

    Raises:
        Rejected: too large, damaged, or HEIC support is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise Rejected(
            "heic-unavailable", "This server cannot read HEIC photos; please send a JPEG."
        ) from error

    pillow_heif.options.DECODE_THREADS = 1
    try:
        photo = pillow_heif.open_heif(original, convert_hdr_to_8bit=True)
        width, height = photo.size
        check_size(width, height, limits)
        import numpy as np

        pixels = np.ascontiguousarray(np.asarray(photo))
    except (OSError, ValueError, EOFError, RuntimeError, SyntaxError, LookupError) as error:
        raise Rejected("could-not-read", "This photo is damaged and could not be read.") from error
    import pyvips

    height, width = pixels.shape[:2]
    bands = pixels.shape[2] if len(pixels.shape) > 2 else 1  # noqa: PLR2004 - grey has no third
    image = pyvips.Image.new_from_memory(pixels.data, width, height, bands, "uchar")
    image = image.copy(interpretation="srgb" if bands > 2 else "b-w")  # noqa: PLR2004 - the same
    profile = photo.info.get("icc_profile")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    declared = photo.info.get("nclx_profile") or {}
    return image, "p3" if declared.get("color_primaries") == _DISPLAY_P3 else None

"""A small whole file of every kind that Tintype accepts, in the variants that cameras write."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.unit.codecs import grids, originals


@cache
def photos() -> dict[str, bytes]:
    """Every kind of photo, and its variants."""
    picture = originals.quarters()
    grain = originals.picture(
        np.random.default_rng(4).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    )
    deep = originals.picture(
        np.random.default_rng(5).integers(0, 65535, (24, 32, 3)).astype(np.uint16)
    )
    with TemporaryDirectory() as folder:
        sequence = originals.avif_sequence(Path(folder) / "sequence.avif")
    return {
        **{kind: originals.photo(kind) for kind in originals.PHOTO_KINDS},
        "noisy jpeg": originals.photo("jpeg", grain),
        "noisy webp": originals.photo("webp", grain),
        "progressive jpeg": picture.jpegsave_buffer(Q=80, interlace=True),
        "noted jpeg": noted_jpeg(),
        "deep png": deep.pngsave_buffer(),
        "interlaced png": grain.pngsave_buffer(interlace=True),
        "palette png": picture.pngsave_buffer(palette=True),
        "lossless webp": picture.webpsave_buffer(lossless=True),
        "moving gif": originals.animation(frames=3),
        "moving webp": originals.animation(frames=3, kind=".webp"),
        "moving avif": sequence,
        "tiled heic": grids.grid(originals.quarters(96, 80)),
    }


def noted_jpeg() -> bytes:
    """A JPEG with EXIF, GPS, XMP and a colour profile, as phones write them."""
    import pyvips

    image = originals.quarters().icc_transform("p3", embedded=False).copy()
    text = pyvips.GValue.gstr_type
    image.set_type(text, "exif-ifd0-Model", "hostile-payload phone")
    image.set_type(text, "exif-ifd3-GPSLatitude", "51/1 30/1 2/1")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>51.5007N-hostile</x:xmpmeta>")
    data: bytes = image.jpegsave_buffer(keep="all")
    return data


@cache
def films() -> dict[str, bytes]:
    """Every kind of film, a third of a second long."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        small: dict[str, Any] = {"size": "64x48", "seconds": 0.3}
        plain = ("-fflags", "+bitexact")
        fragments = ("-movflags", "frag_keyframe+empty_moov+default_base_moof", *plain)
        made = {
            "mp4": originals.film(folder / "a.mp4", **small, output=plain),
            "mov": originals.film(folder / "b.mov", **small, output=plain),
            "webm": originals.film(folder / "c.webm", **small, output=plain),
            "fragmented mp4": originals.film(folder / "d.mp4", **small, output=fragments),
            "fitting mp4": originals.fitting_film(
                folder / "e.mp4", **small, output=("-movflags", "+faststart", *plain)
            ),
        }
        return {kind: path.read_bytes() for kind, path in made.items()}


def film_of(*output: str, suffix: str = "mp4", source: tuple[str, ...] = ()) -> bytes:
    """A film as ffmpeg makes it with these options after its inputs."""
    pictures = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=12:duration=0.3")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{suffix}"
        order = [originals.ffmpeg(), "-v", "error", "-nostdin", "-y", *(source or pictures)]
        subprocess.run([*order, *output, str(path)], check=True, cwd=folder)
        return path.read_bytes()

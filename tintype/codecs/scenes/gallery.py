"""The painted photos, finished and encoded."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np

from tintype.codecs.scenes import landscapes, studies
from tintype.codecs.scenes.canvas import develop

SCENES = {
    "mountains": landscapes.mountains,
    "portrait": studies.portrait,
    "sea": landscapes.sea,
    "ink": studies.ink,
    "lake": landscapes.lake,
    "flower": studies.flower,
    "dunes": landscapes.dunes,
    "bokeh": studies.bokeh,
    "aurora": landscapes.aurora,
}
# Painted no larger than this and enlarged: a twelve-megapixel picture takes a second, not ten.
_LONGEST_SIDE = 1400


def paint(seed: int, width: int, height: int, scene: str | None = None) -> Any:
    """A finished picture as a pyvips image: 8-bit sRGB, exactly ``width`` × ``height`` pixels.

    The seed chooses among ``SCENES`` unless one is named.
    """
    names = sorted(SCENES)
    chosen = scene or names[seed % len(names)]
    rng = np.random.default_rng([seed, names.index(chosen)])
    shrink = min(1.0, _LONGEST_SIDE / max(width, height))
    size = max(16, round(height * shrink)), max(16, round(width * shrink))
    return develop(SCENES[chosen](rng, *size), rng, width, height)


def paint_photo(
    seed: int,
    width: int,
    height: int,
    *,
    scene: str | None = None,
    encoding: Literal["jpeg", "png"] = "jpeg",
) -> bytes:
    """A painted photo as the bytes of a JPEG (quality 90) or PNG file."""
    image = paint(seed, width, height, scene)
    if encoding == "png":
        return cast("bytes", image.pngsave_buffer(keep="none"))
    return cast("bytes", image.jpegsave_buffer(Q=90, optimize_coding=True, keep="none"))

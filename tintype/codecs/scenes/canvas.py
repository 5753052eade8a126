"""The painter's tools: noise, gradients, soft shapes, and the darkroom at the end.

A canvas is a float array of shape (height, width, 3), linear in nothing: values 0–1 as displayed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.floating[Any]]
Mask = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]

_GRAIN = 0.022
_VIGNETTE = 0.28


def noise(rng: np.random.Generator, height: int, width: int, cells: tuple[float, float]) -> Mask:
    """Smooth value noise 0–1, about ``cells`` (down, across) bumps over the canvas."""
    down, across = (max(2, round(each) + 1) for each in cells)
    grid = rng.random((down, across), dtype=np.float32)
    return _spread(height, down) @ grid @ _spread(width, across).T


def clouds(
    rng: np.random.Generator, height: int, width: int, cells: float, stretch: float = 1.0
) -> Mask:
    """Fractal noise 0–1: up to six octaves from ``cells`` bumps down, lengthened by ``stretch``."""
    total = np.zeros((height, width), dtype=np.float32)
    aspect = width / height / stretch
    for octave in range(6):
        scale = cells * 2**octave
        if scale > height / 2:
            break
        total += noise(rng, height, width, (scale, scale * aspect)) * 0.55**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def skyline(rng: np.random.Generator, width: int, bumps: float, octaves: int) -> Mask:
    """A ridge line 0–1 along the width; more octaves make it craggier."""
    total = np.zeros(width, dtype=np.float32)
    for octave in range(octaves):
        total += noise(rng, 2, width, (1, bumps * 2**octave))[0] * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def gradient(height: int, width: int, stops: list[tuple[float, Colour]]) -> Canvas:
    """Bands of colour from top (0) to bottom (1), blended between the stops."""
    at = np.linspace(0, 1, height, dtype=np.float32)
    where = [stop for stop, _ in stops]
    column = np.stack(
        [np.interp(at, where, [colour[band] for _, colour in stops]) for band in range(3)], axis=1
    )
    return np.repeat(column[:, None, :], width, axis=1).astype(np.float32)


def plane(height: int, width: int) -> tuple[Mask, Mask]:
    """Coordinates y and x of every pixel, in units of the shorter side, from the centre."""
    unit = min(height, width)
    y = (np.arange(height, dtype=np.float32) - height / 2) / unit
    x = (np.arange(width, dtype=np.float32) - width / 2) / unit
    return y[:, None] + 0 * x[None, :], x[None, :] + 0 * y[:, None]


def soft(distance: Mask, edge: float) -> Mask:
    """1 inside (distance < 0), 0 outside, blended over ``edge``."""
    inside: Mask = np.clip(0.5 - distance / edge, 0, 1)
    return inside


def lay(canvas: Canvas, colour: Colour | Canvas, mask: Mask) -> Canvas:
    """Paint over: where the mask is 1 the colour covers, where it is 0 nothing changes."""
    paint = np.asarray(colour, dtype=np.float32)
    laid: Canvas = canvas + (paint - canvas) * mask.astype(np.float32)[:, :, None]
    return laid


def glow(canvas: Canvas, colour: Colour, light: Mask) -> Canvas:
    """Add light as a screen does: bright things stay below white."""
    lit = np.asarray(colour, dtype=np.float32) * light.astype(np.float32)[:, :, None]
    lit_up: Canvas = 1 - (1 - canvas) * (1 - np.clip(lit, 0, 1))
    return lit_up


def mix(one: Colour, other: Colour, share: float) -> Colour:
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def develop(canvas: Canvas, rng: np.random.Generator, width: int, height: int) -> Any:
    """The finished photo as a pyvips image: contrast, vignette, enlarged, with a film's grain."""
    import pyvips

    y, x = plane(*canvas.shape[:2])
    shade = 1 - _VIGNETTE * np.clip(x * x + y * y, 0, 1)
    toned = np.clip(canvas * shade[:, :, None], 0, 1)
    toned = toned + 0.12 * (toned * toned * (3 - 2 * toned) - toned)
    pixels = np.ascontiguousarray(np.clip(toned * 255, 0, 255).astype(np.float32))
    image = pyvips.Image.new_from_memory(
        pixels.data, canvas.shape[1], canvas.shape[0], 3, "float"
    ).copy_memory()
    if (image.width, image.height) != (width, height):
        image = image.resize(
            width / image.width, vscale=height / image.height, kernel="cubic"
        ).crop(0, 0, width, height)
    grain = pyvips.Image.gaussnoise(
        width, height, mean=0, sigma=255 * _GRAIN, seed=int(rng.integers(1 << 30))
    )
    return (image + grain).cast("uchar").copy(interpretation="srgb").copy_memory()


def _spread(size: int, points: int) -> Mask:
    """Weights (size × points) that blend neighbouring grid points smoothly along one axis."""
    at = np.linspace(0, points - 1.001, size, dtype=np.float32)
    left = np.floor(at).astype(np.int64)
    share = at - left
    share = share * share * (3 - 2 * share)
    weights = np.zeros((size, points), dtype=np.float32)
    rows = np.arange(size)
    weights[rows, left] = 1 - share
    weights[rows, np.minimum(left + 1, points - 1)] += share
    return weights

"""ThumbHash: a blurred placeholder, with colour, alpha and proportions, in about twenty bytes.

The encoder of Evan Wallace's public specification, bit for bit, on numpy: a discrete cosine
transform of each channel is two small matrix products.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LONGEST_SIDE = 100

_Plane = NDArray[np.float64]


def encode(rgba: NDArray[np.uint8]) -> bytes:
    """The hash of an image of shape (height, width, 4), straight alpha, at most 100 × 100.

    Raises:
        ValueError: a larger image, or one of another shape.
    """
    height, width = rgba.shape[:2]
    if rgba.shape[2:] != (4,) or height * width == 0 or max(height, width) > LONGEST_SIDE:
        message = f"a ThumbHash is made of RGBA up to {LONGEST_SIDE} × {LONGEST_SIDE}"
        raise ValueError(message)
    red, green, blue, alpha = _over_average(rgba)
    has_alpha = bool(alpha.sum() < width * height)
    longest, detail = max(width, height), 5 if has_alpha else 7
    across = max(1, _round(detail * width / longest))
    down = max(1, _round(detail * height / longest))

    lightness = _channel((red + green + blue) / 3, max(3, across), max(3, down))
    yellow_blue = _channel((red + green) / 2 - blue, 3, 3)
    red_green = _channel(red - green, 3, 3)
    head = (
        _round(63 * lightness[0])
        | _round(31.5 + 31.5 * yellow_blue[0]) << 6
        | _round(31.5 + 31.5 * red_green[0]) << 12
        | _round(31 * lightness[2]) << 18
        | int(has_alpha) << 23
    )
    shape = (
        (down if width > height else across)
        | _round(63 * yellow_blue[2]) << 3
        | _round(63 * red_green[2]) << 9
        | int(width > height) << 15
    )
    packed = head.to_bytes(3, "little") + shape.to_bytes(2, "little")
    waves = lightness[1] + yellow_blue[1] + red_green[1]
    if has_alpha:
        mean, more, scale = _channel(alpha, 5, 5)
        packed += bytes([_round(15 * mean) | _round(15 * scale) << 4])
        waves += more
    return packed + _nibbles(waves)


def _over_average(rgba: NDArray[np.uint8]) -> tuple[_Plane, _Plane, _Plane, _Plane]:
    """Colours 0–1 laid over their own average, so that transparent parts do not stand out."""
    values = rgba.astype(np.float64) / 255
    alpha = values[:, :, 3]
    total = alpha.sum()
    colours = values[:, :, :3] * alpha[:, :, None]
    average = colours.sum(axis=(0, 1)) / (total or 1)
    laid = average * (1 - alpha[:, :, None]) + colours
    return laid[:, :, 0], laid[:, :, 1], laid[:, :, 2], alpha


def _channel(plane: _Plane, across: int, down: int) -> tuple[float, list[float], float]:
    """The mean, the waves of the lower triangle scaled to 0–1, and their scale."""
    height, width = plane.shape
    waves = _cosines(down, height) @ plane @ _cosines(across, width).T / (width * height)
    kept = [
        float(waves[y, x])
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    scale = max((abs(wave) for wave in kept[1:]), default=0.0)
    scaled = [0.5 + 0.5 / scale * wave if scale else wave for wave in kept[1:]]
    return kept[0], scaled, scale


def _cosines(count: int, size: int) -> _Plane:
    at = np.arange(size) + 0.5
    return np.cos(np.pi / size * np.arange(count)[:, None] * at[None, :])


def _nibbles(waves: list[float]) -> bytes:
    values = [_round(15 * wave) for wave in waves]
    values += [0] * (len(values) % 2)
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))


def _round(value: float) -> int:
    """Halves round up, as the specification's JavaScript does; Python's would go to even."""
    return math.floor(value + 0.5)

"""ThumbHash against a second implementation that follows the specification step by step."""

from __future__ import annotations

import base64
import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Photo
from tintype.codecs import thumbhash
from tintype.codecs.scenes import paint

Pixels = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (16, 16), (24, 32), (32, 24), (9, 100), (100, 9)]
)
@pytest.mark.parametrize("opaque", [True, False])
def test_the_hash_is_that_of_the_specification(height: int, width: int, opaque: bool) -> None:
    rng = np.random.default_rng([height, width])
    rgba = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    rgba[: height // 2, :, 0] //= 3
    rgba[:, : width // 2, 2] //= 2
    if opaque:
        rgba[:, :, 3] = 255

    assert thumbhash.encode(rgba) == _by_the_book(rgba)


@pytest.mark.parametrize("colour", [(0, 0, 0, 255), (255, 255, 255, 255), (9, 99, 199, 0)])
def test_flat_and_invisible_pictures_have_a_hash_too(colour: tuple[int, ...]) -> None:
    """Its waves are of no height, so their phases in the rest of the hash mean nothing."""
    rgba = np.full((8, 12, 4), colour, dtype=np.uint8)

    assert thumbhash.encode(rgba)[:5] == _by_the_book(rgba)[:5]


@pytest.mark.parametrize("shape", [(101, 10, 4), (10, 101, 4), (10, 10, 3), (0, 10, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="100 × 100"):
        thumbhash.encode(np.zeros(shape, dtype=np.uint8))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_photo_comes_with_the_hash_of_its_smallest_rendition(photo: Photo) -> None:
    scene = paint(5, 96, 72)

    result = await photo(originals.photo("png", scene))

    assert base64.b64decode(result.thumbhash) == _by_the_book(scene.bandjoin(255).numpy())


def _by_the_book(rgba: Pixels) -> bytes:
    """The reference encoder's loops, pixel after pixel, without a shortcut."""
    height, width = rgba.shape[:2]
    pixels = [tuple(int(v) / 255 for v in rgba[y, x]) for y in range(height) for x in range(width)]
    alphas = sum(a for *_, a in pixels)
    average = [sum(p[band] * p[3] for p in pixels) / (alphas or 1) for band in range(3)]
    has_alpha = alphas < width * height
    limit, longest = (5 if has_alpha else 7), max(width, height)
    lx, ly = (max(1, _half_up(limit * side / longest)) for side in (width, height))
    light, blueness, redness, clear = [], [], [], []
    for *rgb, a in pixels:
        r, g, b = (average[band] * (1 - a) + a * rgb[band] for band in range(3))
        light.append((r + g + b) / 3)
        blueness.append((r + g) / 2 - b)
        redness.append(r - g)
        clear.append(a)
    size = (width, height)
    l_dc, l_ac, l_scale = _waves(light, size, max(3, lx), max(3, ly))
    p_dc, p_ac, p_scale = _waves(blueness, size, 3, 3)
    q_dc, q_ac, q_scale = _waves(redness, size, 3, 3)
    a_dc, a_ac, a_scale = _waves(clear, size, 5, 5) if has_alpha else (1.0, [], 1.0)
    head = _half_up(63 * l_dc) | _half_up(31.5 + 31.5 * p_dc) << 6
    head |= _half_up(31.5 + 31.5 * q_dc) << 12 | _half_up(31 * l_scale) << 18 | has_alpha << 23
    tail = (ly if width > height else lx) | _half_up(63 * p_scale) << 3
    tail |= _half_up(63 * q_scale) << 9 | (width > height) << 15
    made = [head & 255, head >> 8 & 255, head >> 16, tail & 255, tail >> 8]
    if has_alpha:
        made.append(_half_up(15 * a_dc) | _half_up(15 * a_scale) << 4)
    nibbles = [_half_up(15 * wave) for wave in [*l_ac, *p_ac, *q_ac, *a_ac]]
    nibbles += [0] * (len(nibbles) % 2)
    made += [low | high << 4 for low, high in list(pairwise(nibbles))[::2]]
    return bytes(made)


def _waves(
    channel: list[float], size: tuple[int, int], nx: int, ny: int
) -> tuple[float, list[float], float]:
    width, height = size
    dc, ac, scale = 0.0, [], 0.0
    for cy in range(ny):
        cx = 0
        while cx * ny < nx * (ny - cy):
            wave = 0.0
            for y in range(height):
                fy = math.cos(math.pi / height * cy * (y + 0.5))
                for x in range(width):
                    fx = math.cos(math.pi / width * cx * (x + 0.5))
                    wave += channel[x + y * width] * fx * fy
            wave /= width * height
            if cx or cy:
                ac.append(wave)
                scale = max(scale, abs(wave))
            else:
                dc = wave
            cx += 1
    if scale:
        ac = [0.5 + 0.5 / scale * wave for wave in ac]
    return dc, ac, scale


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)

"""What a recipe does to colours: sRGB as encoded, from 0 to 1.

These formulas are the specification. The web client previews by the same ones, and the vectors in
``tests/golden/recipes.json`` hold both to them. A picture is rendered by tables made of them: one
of 256 values for the sliders that bend a channel, and a cube for the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype.codecs.looks import LOOKS, LUMA
from tintype.codecs.recipe import Recipe

Colours = NDArray[np.float32]
"""Any shape whose last axis is red, green, blue, each from 0 to 1."""

GRID = 33
"""Samples along each axis of a colour cube."""

_REACH = 0.2  # of shadows and highlights: any steeper, and a brighter value could end up darker
_WARMTH, _TINT = 0.12, 0.08
_FADE_SCALE, _FADE_LIFT = 0.25, 0.12
_VIGNETTE = 0.75
_SHARPEN = 1.5
_VALUES = 256


def tone(recipe: Recipe, colours: Colours) -> Colours:
    """The colours after the sliders and then the look, each from 0 to 1.

    First what ``bend`` does to each channel, then what ``blend`` does to all three.
    """
    return blend(recipe, bend(recipe, colours))


def bend(recipe: Recipe, values: Colours) -> Colours:
    """Values of any channel after the sliders that know nothing of the other channels.

    - brightness ``b``: ``v ** 2**-b``
    - contrast ``c``: ``v + c (s(v) - v)`` with ``s(v) = v² (3 - 2 v)``
    - highlights ``h`` and shadows ``d``: ``v + 0.2 (4 h v² (1 - v) + 4 d v (1 - v)²)``

    The end is cut off at 0 and 1.
    """
    v: Any = np.clip(values, 0, 1).astype(np.float32)
    v = v ** np.float32(2.0**-recipe.brightness)
    v = v + recipe.contrast * (v * v * (3 - 2 * v) - v)
    rest = 1 - v
    lift = recipe.highlights * v * v * rest + recipe.shadows * v * rest * rest
    bent: Colours = np.clip(v + _REACH * 4 * lift, 0, 1).astype(np.float32)
    return bent


def blend(recipe: Recipe, colours: Colours) -> Colours:
    """The colours after the sliders that mix or weigh channels, and after the look.

    - saturation ``s``: ``y + (v - y) (1 + s)`` with ``y`` the luma of Rec. 709
    - warmth ``w`` and tint ``t``: red, green and blue times
      ``1 + 0.12 w``, ``1 - 0.08 t`` and ``1 - 0.12 w``; then cut off at 0 and 1
    - fade ``f``: ``v (1 - 0.25 f) + 0.12 f``
    - look ``l`` at strength ``a``: ``v + a (l(v) - v)``; then cut off at 0 and 1
    """
    luma = (colours @ LUMA)[..., None]
    v: Any = luma + (colours - luma) * (1 + recipe.saturation)
    warm = [1 + _WARMTH * recipe.warmth, 1 - _TINT * recipe.tint, 1 - _WARMTH * recipe.warmth]
    v = np.clip(v * np.asarray(warm, np.float32), 0, 1)
    v = v * (1 - _FADE_SCALE * recipe.fade) + _FADE_LIFT * recipe.fade
    if recipe.look is not None:
        v = v + recipe.strength * (LOOKS[recipe.look].apply(v) - v)
    blended: Colours = np.clip(v, 0, 1).astype(np.float32)
    return blended


def curve(recipe: Recipe) -> Colours:
    """``bend`` of every 8-bit value, from 0 to 1."""
    return bend(recipe, np.arange(_VALUES, dtype=np.float32) / np.float32(_VALUES - 1))


def cube(recipe: Recipe) -> Colours:
    """``blend`` sampled: ``[blue, green, red, channel]``, 33 × 33 × 33 × 3, from 0 to 1."""
    axis = np.linspace(0, 1, GRID, dtype=np.float32)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return blend(recipe, np.stack([red, green, blue], axis=-1))


def look_up(table: Colours, colours: Colours) -> Colours:
    """Colours through a cube, between its samples by trilinear interpolation."""
    place = colours * (GRID - 1)
    low = np.minimum(place.astype(np.int32), GRID - 2)
    first = low[..., 0] + GRID * (low[..., 1] + GRID * low[..., 2])
    red, green, blue = (place[..., axis] - low[..., axis] for axis in range(3))
    found = np.empty(colours.shape, np.float32)
    for channel in range(3):
        samples = table[..., channel].ravel()

        def between(corner: int, samples: Colours = samples) -> Colours:
            near, far = samples.take(first + corner), samples.take(first + corner + 1)
            met: Colours = near + red * (far - near)
            return met

        front, back = (
            near + green * (between(corner + GRID) - near)
            for corner in (0, GRID * GRID)
            for near in [between(corner)]
        )
        found[..., channel] = front + blue * (back - front)
    return found


def rendered(recipe: Recipe, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """8-bit colours as they are rendered: through the curve, then through the cube."""
    bent = curve(recipe)[pixels]
    toned = look_up(cube(recipe), bent) if recipe.blends else bent
    return np.rint(toned * 255).astype(np.uint8)


def vignette(amount: float, width: int, height: int) -> Colours:
    """What each pixel is multiplied by, height × width: ``1 - 0.75 a d⁴``, ``d`` its distance from
    the middle in shares of the half diagonal.
    """
    across = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    down = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    ratio = width / height
    squared = (across[None, :] ** 2 * ratio**2 + down[:, None] ** 2) / (ratio**2 + 1)
    darkened: Colours = (1 - _VIGNETTE * amount * squared**2).astype(np.float32)
    return darkened


def sharpening(amount: float) -> Colours:
    """What a pixel and its eight neighbours count: 3 × 3, together 1.

    Unsharp masking, ``v + 1.5 a (v - blur(v))``, where the blur weighs ``1 2 1`` in both
    directions; beyond an edge lies what lies on it. Done for every size on its own, last of all,
    so that each looks as sharp as the others.
    """
    across = np.asarray([0.25, 0.5, 0.25], np.float32)
    kernel = -_SHARPEN * amount * np.outer(across, across)
    kernel[1, 1] += 1 + _SHARPEN * amount
    weighed: Colours = kernel.astype(np.float32)
    return weighed

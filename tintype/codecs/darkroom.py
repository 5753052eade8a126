"""Recipes carried out, inside the sandbox: on a picture of the widest rung's size, in strips."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype.codecs import toning
from tintype.codecs.recipe import Recipe

_STRIP_PIXELS = 1 << 15
_COLOURS = 3
_WHITE = 255

Pixels = NDArray[np.uint8]


def needed_width(recipe: Recipe, size: tuple[int, int], widest: int) -> int:
    """How wide an upright picture has to be decoded for its crop to fill the widest rung."""
    shown = recipe.size(*size)[0]
    return math.ceil(size[0] * min(1.0, widest / shown))


def cut(recipe: Recipe, picture: Any, widest: int) -> Any:
    """The part of an upright picture that its crop leaves, before it is turned.

    Asks for no pixel: what is cut off is never held in memory.
    """
    if recipe.crop is None:
        return picture
    sideways = recipe.turn in {90, 270}
    width, height = picture.width, picture.height
    across, down = (height, width) if sideways else (width, height)
    left, top, wide, high = recipe.crop.pixels(across, down)
    wide = min(wide, widest)
    if recipe.mirror:
        left = across - left - wide
    for _ in range(recipe.turn // 90):
        left, top, wide, high, across, down = top, across - left - wide, high, wide, down, across
    return picture.crop(left, top, wide, high)


def place(recipe: Recipe, picture: Any) -> Any:
    """What ``cut`` left, turned and mirrored."""
    turned = {90: "rot90", 180: "rot180", 270: "rot270"}
    if recipe.turn:
        picture = getattr(picture, turned[recipe.turn])()
    return picture.fliphor() if recipe.mirror else picture


def paint(recipe: Recipe, picture: Any) -> Any:
    """The picture, 8-bit sRGB in memory, in its new colours and with its vignette."""
    import pyvips

    if not recipe.recolours and not recipe.vignette:
        return picture
    pixels: Pixels = picture.numpy()
    painted = pyvips.Image.new_from_memory(
        toned(recipe, pixels).data, picture.width, picture.height, picture.bands, "uchar"
    )
    return painted.copy(interpretation="srgb")


def toned(recipe: Recipe, pixels: Pixels) -> Pixels:
    """Rows of 8-bit pixels in their new colours; alpha, if there is any, as it was."""
    height, width = pixels.shape[:2]
    made = pixels.copy()
    curve = toning.curve(recipe)
    cube = toning.cube(recipe) if recipe.blends else None
    shade = toning.vignette(recipe.vignette, width, height) if recipe.vignette else None
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = slice(top, min(height, top + rows))
        values = curve[pixels[strip, :, :_COLOURS]]
        if cube is not None:
            values = toning.look_up(cube, values)
        if shade is not None:
            values *= shade[strip, :, None]
        made[strip, :, :_COLOURS] = np.rint(values * _WHITE)
    return made


def sharpener(recipe: Recipe | None) -> Callable[[Any], Any]:
    """What makes a picture of any size as sharp as the recipe says."""
    if recipe is None or not recipe.sharpen:
        return lambda picture: picture
    kernel = toning.sharpening(recipe.sharpen).tolist()

    def sharpen(picture: Any) -> Any:
        colours = picture.extract_band(0, n=_COLOURS) if picture.bands > _COLOURS else picture
        sharp = colours.conv(kernel, precision="float").rint().cast("uchar")
        if picture.bands > _COLOURS:
            sharp = sharp.bandjoin(picture.extract_band(_COLOURS))
        return sharp.copy(interpretation="srgb").copy_memory()

    return sharpen

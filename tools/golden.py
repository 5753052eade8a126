"""Writes ``tests/golden/recipes.json``: ``python -m tools.golden``.

What recipes do to colours, places and samples of pictures, by the formulas of ``tintype.codecs``.
The tests of the server and those of the web client hold both to the same file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from tintype.codecs import toning
from tintype.codecs.recipe import LOOK_NAMES, Crop, Recipe, Turn, follow

TARGET = Path(__file__).resolve().parents[1] / "tests" / "golden" / "recipes.json"

COLOURS = (
    *((value, value, value) for value in (0, 1, 8, 33, 64, 100, 128, 170, 200, 231, 254, 255)),
    *((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)),
    *((224, 172, 138), (92, 58, 40), (70, 120, 190), (60, 110, 50), (250, 180, 90), (17, 24, 45)),
)
_TWO_SIDED = ("brightness", "contrast", "highlights", "shadows", "saturation", "warmth", "tint")
_SETTINGS: tuple[Recipe, ...] = (
    *(Recipe(look=name, strength=share) for name, share in product(LOOK_NAMES, (1.0, 0.5))),
    *(
        msgspec.convert({name: value}, Recipe)
        for name, value in product(_TWO_SIDED, (-1, -0.35, 0.5, 1))
    ),
    *(Recipe(fade=value) for value in (0.4, 1)),
    Recipe(brightness=0.4, contrast=0.3, highlights=-0.6, shadows=0.7),
    Recipe(brightness=-0.5, saturation=0.6, warmth=0.5, tint=-0.3, fade=0.2),
    Recipe(look="tintype", strength=0.8, brightness=0.25, contrast=-0.4, warmth=1),
    Recipe(look="harbour", highlights=-1, shadows=1, saturation=-0.5, fade=0.6),
    Recipe(look="ember", strength=0.3, saturation=1, tint=1),
    Recipe(look="ink", brightness=1, contrast=1, fade=1),
)
_SIZES = ((4032, 3024), (3024, 4032), (1081, 719), (1, 1), (20, 3))
_CROPS = (
    Crop(0.25, 0.1, 0.5, 0.8),
    Crop(0, 0, 1, 1),
    Crop(0.95, 0.95, 0.05, 0.05),
    Crop(0.333333, 0.125, 0.333333, 0.75),
)
_TURNS: tuple[Turn, ...] = get_args(Turn)
_MOVES = tuple(
    Recipe(turn=turn, mirror=mirror, crop=crop)
    for turn, mirror, crop in product(_TURNS, (False, True), (None, Crop(0.25, 0.5, 0.5, 0.5)))
)
_PICTURE = (4, 2)
_POINTS = ((0.5, 0.5), (0.2, 0.3), (0.9, 0.6))
_VIGNETTES = ((1.0, 64, 48), (0.5, 48, 64), (0.3, 30, 30))
_PLACES = ((0, 0), (0.5, 0.5), (0.25, 0.75), (1, 0), (0.9, 0.5))
_GREYS = ((10, 10, 10, 200), (10, 120, 130, 200), (10, 120, 255, 0), (90, 91, 92, 93))


def vectors() -> dict[str, list[Any]]:
    """Everything that the file holds, by its parts.

    ``tones``: ``toned`` is what the formulas make of ``colours`` (of 255), ``rendered`` what the
    server does by its tables, in 8 bits. ``moves``: the numbered pixels of a picture, row by row.
    ``follows``: where a point lies after it lay somewhere before. ``vignettes``: factors at pixels.
    ``sharpenings``: grey pixels, in 8 bits.
    """
    return {
        "colours": [list(colour) for colour in COLOURS],
        "tones": [_tone(recipe) for recipe in _SETTINGS],
        "crops": [
            {"crop": _plain(crop), "size": size, "pixels": crop.pixels(*size)}
            for crop, size in product(_CROPS, _SIZES)
        ],
        "moves": [_move(recipe) for recipe in _MOVES],
        "follows": [
            {"point": point, "before": _plain(before), "after": _plain(after), "lies": lies}
            for point, (before, after) in product(
                _POINTS, zip(_MOVES, reversed(_MOVES), strict=True)
            )
            for lies in [_rounded(follow(point, before, after))]
        ],
        "vignettes": [_vignette(*each) for each in _VIGNETTES],
        "sharpenings": [
            {"amount": amount, "pixels": _GREYS, "sharpened": sharpened(amount, _GREYS)}
            for amount in (0.25, 1)
        ],
    }


def text() -> str:
    """The file: every vector on a line of its own."""
    parts = []
    for name, lines in vectors().items():
        listed = ",\n".join(f"    {json.dumps(line)}" for line in lines)
        parts.append(f'  "{name}": [\n{listed}\n  ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def moved(pixels: NDArray[Any], recipe: Recipe) -> NDArray[Any]:
    """A picture's rows turned, mirrored and cropped, in this order."""
    turned = np.rot90(pixels, -recipe.turn // 90)
    if recipe.mirror:
        turned = turned[:, ::-1]
    if recipe.crop is None:
        return turned
    left, top, width, height = recipe.crop.pixels(turned.shape[1], turned.shape[0])
    return turned[top : top + height, left : left + width]


def sharpened(amount: float, rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Grey pixels sharpened, one by one."""
    wide = np.pad(np.asarray(rows, np.float32), 1, mode="edge")
    kernel = toning.sharpening(amount)
    height, width = len(rows), len(rows[0])
    total = sum(
        kernel[y, x] * wide[y : y + height, x : x + width] for y in range(3) for x in range(3)
    )
    made: list[list[int]] = np.clip(np.rint(total), 0, 255).astype(int).tolist()
    return made


def _tone(recipe: Recipe) -> dict[str, Any]:
    pixels = np.asarray(COLOURS, np.uint8)
    toned = toning.tone(recipe, pixels.astype(np.float32) / np.float32(255))
    return {
        "recipe": _plain(recipe),
        "toned": [[round(float(value), 5) for value in colour] for colour in toned],
        "rendered": toning.rendered(recipe, pixels).tolist(),
    }


def _move(recipe: Recipe) -> dict[str, Any]:
    width, height = _PICTURE
    numbered = np.arange(width * height).reshape(height, width)
    return {
        "recipe": _plain(recipe),
        "picture": numbered.tolist(),
        "shown": moved(numbered, recipe).tolist(),
    }


def _vignette(amount: float, width: int, height: int) -> dict[str, Any]:
    factors = toning.vignette(amount, width, height)
    at = [(round(x * (width - 1)), round(y * (height - 1))) for x, y in _PLACES]
    found = [round(float(factors[y, x]), 5) for x, y in at]
    return {"amount": amount, "size": [width, height], "at": at, "factors": found}


def _plain(struct: msgspec.Struct) -> Any:
    return msgspec.to_builtins(struct)


def _rounded(point: tuple[float, float] | None) -> list[float] | None:
    return None if point is None else [round(share, 5) for share in point]


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")

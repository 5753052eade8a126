"""What an author does to a photo, as a recipe: kept beside the original, which never changes.

The steps in order: turn, mirror, crop, colours, vignette, sharpen. What each value does to a colour
is told in ``tintype.codecs.toning``.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

import msgspec

LookName = Literal[
    "ember",
    "harbour",
    "linen",
    "meadow",
    "midnight",
    "silver",
    "ink",
    "apricot",
    "polar",
    "canyon",
    "orchid",
    "tintype",
]
LOOK_NAMES: tuple[LookName, ...] = get_args(LookName)
"""In the order in which they are offered."""

SLIDERS = {
    "brightness": -1,
    "contrast": -1,
    "highlights": -1,
    "shadows": -1,
    "saturation": -1,
    "warmth": -1,
    "tint": -1,
    "fade": 0,
    "vignette": 0,
    "sharpen": 0,
}
"""The least value of each, in the order in which they are offered; the most is 1."""

Turn = Literal[0, 90, 180, 270]
Both = Annotated[float, msgspec.Meta(ge=-1, le=1)]
Upwards = Annotated[float, msgspec.Meta(ge=0, le=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Point = tuple[float, float]

LEAST_SIDE = 0.05
"""The smallest part of a side that a crop may leave."""
_SIDEWAYS = (90, 270)


class Crop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part that stays, in shares of the turned and mirrored picture's width and height."""

    x: Share
    y: Share
    width: Annotated[float, msgspec.Meta(ge=LEAST_SIDE, le=1)]
    height: Annotated[float, msgspec.Meta(ge=LEAST_SIDE, le=1)]

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, width and height within a picture of this size; never outside it.

        Halves of a pixel are rounded up.
        """
        left = min(_rounded(self.x * width), width - 1)
        top = min(_rounded(self.y * height), height - 1)
        wide = max(1, min(_rounded(self.width * width), width - left))
        high = max(1, min(_rounded(self.height * height), height - top))
        return left, top, wide, high


_EVERYTHING = Crop(0, 0, 1, 1)


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every value's zero leaves the picture as it is. ``turn`` is clockwise, in degrees."""

    turn: Turn = 0
    mirror: bool = False
    crop: Crop | None = None
    look: LookName | None = None
    strength: Upwards = 1
    brightness: Both = 0
    contrast: Both = 0
    highlights: Both = 0
    shadows: Both = 0
    saturation: Both = 0
    warmth: Both = 0
    tint: Both = 0
    fade: Upwards = 0
    vignette: Upwards = 0
    sharpen: Upwards = 0

    @classmethod
    def read(cls, text: str | None) -> Recipe:
        """The recipe that ``text`` made this text of; a plain one of nothing."""
        return cls() if text is None else msgspec.json.decode(text, type=cls)

    def text(self) -> str | None:
        """The settled recipe in JSON; nothing when it is plain."""
        return None if self.is_plain else msgspec.json.encode(self.settled()).decode()

    @property
    def recolours(self) -> bool:
        """Whether a colour becomes another one, wherever it lies in the picture."""
        return self.bends or self.blends

    @property
    def bends(self) -> bool:
        """Whether each channel follows a curve of its own."""
        return any((self.brightness, self.contrast, self.highlights, self.shadows))

    @property
    def blends(self) -> bool:
        """Whether what becomes of a channel depends on the others, or on which channel it is."""
        return self.look is not None or any((self.saturation, self.warmth, self.tint, self.fade))

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing at all."""
        return self.settled() == _PLAIN

    @property
    def moves(self) -> bool:
        """Whether a point of the picture comes to lie elsewhere."""
        return bool(self.turn or self.mirror or self.crop)

    def settled(self) -> Recipe:
        """The same without what has no effect: a look of no strength, a crop of everything."""
        values = {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if value != getattr(_PLAIN, name)
        }
        if values.get("crop") == _EVERYTHING:
            del values["crop"]
        if not self.strength:
            values.pop("look", None)
        if "look" not in values:
            values.pop("strength", None)
        return Recipe(**values)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """What becomes of a picture's width and height."""
        if self.turn in _SIDEWAYS:
            width, height = height, width
        return self.crop.pixels(width, height)[2:] if self.crop else (width, height)


_PLAIN = Recipe()


def follow(point: Point, before: Recipe, after: Recipe) -> Point | None:
    """Where a point of the picture under one recipe lies under another, in shares of its sides.

    ``None`` when it is not in the picture any more.
    """
    x, y = _shown(_unshown(point, before), after)
    inside = 0 <= x <= 1 and 0 <= y <= 1
    return (x, y) if inside else None


def _shown(point: Point, recipe: Recipe) -> Point:
    x, y = point
    if recipe.turn == 90:  # noqa: PLR2004 - a quarter turn
        x, y = 1 - y, x
    elif recipe.turn == 180:  # noqa: PLR2004 - half a turn
        x, y = 1 - x, 1 - y
    elif recipe.turn == 270:  # noqa: PLR2004 - three quarters
        x, y = y, 1 - x
    if recipe.mirror:
        x = 1 - x
    if (crop := recipe.crop) is not None:
        x, y = (x - crop.x) / crop.width, (y - crop.y) / crop.height
    return x, y


def _unshown(point: Point, recipe: Recipe) -> Point:
    x, y = point
    if (crop := recipe.crop) is not None:
        x, y = crop.x + x * crop.width, crop.y + y * crop.height
    if recipe.mirror:
        x = 1 - x
    if recipe.turn == 90:  # noqa: PLR2004 - a quarter turn
        x, y = y, 1 - x
    elif recipe.turn == 180:  # noqa: PLR2004 - half a turn
        x, y = 1 - x, 1 - y
    elif recipe.turn == 270:  # noqa: PLR2004 - three quarters
        x, y = 1 - y, x
    return x, y


def _rounded(length: float) -> int:
    return math.floor(length + 0.5)

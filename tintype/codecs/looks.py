"""The twelve looks: saturation, a curve for every channel, tints of the dark and of the light."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from tintype.codecs.recipe import LookName

LUMA = np.asarray([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709, on encoded values, as image editors do."""

Triple = tuple[float, float, float]
_EVEN: Triple = (1.0, 1.0, 1.0)
_NONE: Triple = (0.0, 0.0, 0.0)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a colour ``v``, step by step, each cut off at 0 and 1.

    1. ``y + (v - y) saturation``, ``y`` its luma
    2. per channel ``v ** gamma``
    3. ``v + contrast (v² (3 - 2 v) - v)``
    4. ``v + dark (1 - y)² + light y²``, ``y`` the luma now
    5. ``floor + v (ceiling - floor)``
    """

    saturation: float = 1.0
    gamma: Triple = _EVEN
    contrast: float = 0.0
    dark: Triple = _NONE
    light: Triple = _NONE
    floor: float = 0.0
    ceiling: float = 1.0

    def apply(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """The colours under this look at full strength; the last axis is red, green, blue."""
        luma = (colours @ LUMA)[..., None]
        v = np.clip(luma + (colours - luma) * self.saturation, 0, 1)
        v = v ** np.asarray(self.gamma, np.float32)
        v = np.clip(v + self.contrast * (v * v * (3 - 2 * v) - v), 0, 1)
        luma = (v @ LUMA)[..., None]
        dark, light = np.asarray(self.dark, np.float32), np.asarray(self.light, np.float32)
        v = np.clip(v + dark * (1 - luma) ** 2 + light * luma**2, 0, 1)
        toned: NDArray[np.float32] = (self.floor + v * (self.ceiling - self.floor)).astype(
            np.float32
        )
        return toned


LOOKS: dict[LookName, Look] = {
    "ember": Look(
        saturation=1.12, gamma=(0.92, 1.0, 1.1), contrast=0.25, light=(0.04, 0.01, -0.05)
    ),
    "harbour": Look(
        saturation=0.9, contrast=0.3, dark=(-0.03, 0.02, 0.07), light=(0.04, 0.02, -0.03)
    ),
    "linen": Look(
        saturation=0.82, gamma=(0.9, 0.92, 0.95), dark=(0.03, 0.02, 0.0), floor=0.07, ceiling=0.97
    ),
    "meadow": Look(
        saturation=1.2, gamma=(1.02, 0.93, 1.05), contrast=0.15, light=(0.0, 0.03, -0.02)
    ),
    "midnight": Look(
        saturation=0.75, gamma=(1.18, 1.1, 0.98), contrast=0.35, dark=(0.0, 0.01, 0.06)
    ),
    "silver": Look(saturation=0.0, contrast=0.2, light=(0.01, 0.01, 0.02)),
    "ink": Look(saturation=0.0, gamma=(1.1, 1.1, 1.1), contrast=0.8),
    "apricot": Look(saturation=1.05, gamma=(0.88, 0.97, 1.06), dark=(0.05, 0.0, 0.02), floor=0.04),
    "polar": Look(saturation=0.85, gamma=(1.06, 0.99, 0.9), contrast=0.1, light=(-0.03, 0.0, 0.03)),
    "canyon": Look(
        saturation=1.15, contrast=0.35, dark=(0.03, -0.01, -0.03), light=(0.05, 0.02, -0.04)
    ),
    "orchid": Look(saturation=1.0, gamma=(0.94, 1.04, 0.94), dark=(0.04, -0.01, 0.05), floor=0.03),
    "tintype": Look(
        saturation=0.0,
        gamma=(1.05, 1.05, 1.05),
        contrast=0.45,
        dark=(0.03, 0.02, 0.0),
        light=(0.03, 0.0, -0.06),
        floor=0.05,
        ceiling=0.95,
    ),
}
"""Every look by its name."""

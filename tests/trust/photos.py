"""Small photos, each different, made in memory."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def small_photo(seed: int, size: int = 64) -> bytes:
    """A JPEG of a few kilobytes that no other seed makes."""
    dice = np.random.default_rng(seed)
    coarse = dice.integers(0, 255, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=85)
    return target.getvalue()

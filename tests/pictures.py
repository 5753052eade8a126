"""Small photos, each different, made in memory."""

from __future__ import annotations

import numpy as np
import pyvips


def small_photo(seed: int, width: int = 64, height: int = 48) -> bytes:
    """A JPEG of about a kilobyte that no other seed makes."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    image = pyvips.Image.new_from_memory(coarse.tobytes(), 8, 6, 3, "uchar")
    image = image.copy(interpretation="srgb").resize(width / 8, vscale=height / 6, kernel="cubic")
    data: bytes = image.write_to_buffer(".jpg")
    return data

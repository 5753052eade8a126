"""What the reference publishes about photos is what the ladder does."""

from __future__ import annotations

from pathlib import Path

from tintype.codecs import Limits, ladder
from tintype.codecs.model import PHOTO_RUNGS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "media.md"


def test_the_rungs_and_qualities_of_the_reference_are_those_of_the_ladder() -> None:
    text = PAGE.read_text()
    jpeg, webp, avif = (ladder.SAVING[name][1] for name in ("jpeg", "webp", "avif"))

    assert f"**{', '.join(map(str, PHOTO_RUNGS))}**" in text
    assert f"JPEG (quality {jpeg['Q']}," in text
    assert f"WebP (quality {webp['Q']}, effort {webp['effort']})" in text
    assert f"AVIF (quality {avif['Q']}, effort {avif['effort']})" in text


def test_the_limits_of_the_reference_are_those_that_are_enforced() -> None:
    text, limits = PAGE.read_text(), Limits()

    assert f"more than {limits.pixels // 1_000_000} megapixels" in text
    assert f"more than {limits.side:,} pixels".replace(",", " ") in text
    assert f"more than {limits.frames:,} frames".replace(",", " ") in text
    assert f"{limits.animation_pixels // 1_000_000} megapixels in all frames" in text

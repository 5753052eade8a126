"""Typing what a page of the documentation tells people to type, as a reader would.

Blocks fenced as ``sh`` are run in order in one shell; blocks fenced otherwise show something that
is not typed.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyvips

ROOT = Path(__file__).resolve().parents[1]
PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
_DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PATIENCE_S = 120


def type_page(page: str, where: Path, *, patience_s: float = _PATIENCE_S, **variables: str) -> str:
    """Type every ``sh`` block of a page into one shell; returns what the shell printed.

    Raises:
        AssertionError: a command failed; with everything that was said.
    """
    blocks = _BLOCK.findall((_DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=where,
        env={"PATH": PATH, **variables},
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def draw_sunrise(path: Path) -> None:
    """A 3:2 photo with a sky, a sun and hills, and a place in its metadata."""
    y, x = np.mgrid[0:800, 0:1200] / 800
    sky = np.stack([0.95 - 0.35 * y, 0.55 + 0.25 * y, 0.45 + 0.45 * (1 - y)], axis=-1)
    sun = np.exp(-(((x - 1.0) ** 2 + (y - 0.55) ** 2) / 0.01))[..., None]
    hills = (y > 0.7 + 0.06 * np.sin(5 * x) + 0.03 * np.sin(13 * x + 1))[..., None]
    picture = np.where(hills, [0.12, 0.16, 0.14], np.clip(sky + sun, 0, 1))
    image = pyvips.Image.new_from_array((picture * 255).astype(np.uint8), interpretation="srgb")
    image = image.copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitudeRef", "N")
    image.jpegsave(str(path), Q=90)

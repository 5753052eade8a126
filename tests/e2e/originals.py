"""The files that people post: painted, real, and different for every seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pillow_heif

from tintype.codecs.scenes import paint, paint_photo, paint_video


@dataclass(frozen=True)
class Originals:
    """Two photos, a video of two seconds, a photo as phones write it, and a lie."""

    dawn: Path
    noon: Path
    waves: Path
    phone: Path
    lie: Path

    @property
    def carousel(self) -> list[Path]:
        return [self.dawn, self.noon, self.waves, self.phone]


def paint_originals(folder: Path) -> Originals:
    made = Originals(
        dawn=folder / "dawn.jpg",
        noon=folder / "noon.jpg",
        waves=folder / "waves.mp4",
        phone=folder / "phone.heic",
        lie=folder / "notes.jpg",
    )
    made.dawn.write_bytes(paint_photo(1, 800, 1000))
    made.noon.write_bytes(paint_photo(2, 800, 1000))
    paint_video(3, 2.0, 480, 600, made.waves)
    image = paint(4, 480, 600)
    heic = pillow_heif.from_bytes("RGB", (480, 600), image.write_to_memory())
    heic.save(str(made.phone), quality=60)
    made.lie.write_text("Dear diary, this is a letter and no photo at all.\n" * 40)
    return made

"""Nothing leaves a decoder that was not read again, however cheaply that is done."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import pyvips

from tintype.codecs import Rejected, ladder
from tintype.codecs.model import PictureFormat
from tintype.codecs.wire import Made

FORMATS: tuple[PictureFormat, ...] = ("jpeg", "webp", "avif")
SHAPES = ((640, 480), (9, 700), (8, 8), (7, 9), (1, 1), (700, 2), (3, 900))


def _every_loader(_: object) -> None:
    """Tests read in a process where none is shut."""


def _written(folder: Path, format_: PictureFormat, width: int = 640, height: int = 480) -> Made:
    """A picture with something to see in it, in the one rung that is as wide."""
    noise = pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=3)
    picture = noise.bandjoin([noise.fliphor(), noise.flipver()]).cast("uchar")
    made, _ = ladder.make(picture.copy(interpretation="srgb"), folder, (format_,))
    return made[-1]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_was_written_well_reads_back(
    tmp_path: Path, format_: PictureFormat, shape: tuple[int, int]
) -> None:
    made = _written(tmp_path, format_, *shape)

    ladder.verify((made,), tmp_path, _every_loader)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("lost", [1, 40, 2000])
def test_a_file_that_lost_its_end_does_not(
    tmp_path: Path, format_: PictureFormat, lost: int
) -> None:
    made = _written(tmp_path, format_)
    path = tmp_path / made.name
    path.write_bytes(path.read_bytes()[:-lost])

    with pytest.raises(Rejected):
        ladder.verify((made,), tmp_path, _every_loader)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_of_another_size_does_not(tmp_path: Path, format_: PictureFormat) -> None:
    made = msgspec.structs.replace(_written(tmp_path, format_), height=479)

    with pytest.raises(Rejected):
        ladder.verify((made,), tmp_path, _every_loader)


def test_one_bad_file_among_good_ones_is_found(tmp_path: Path) -> None:
    good = tuple(_written(tmp_path, each) for each in FORMATS)
    spoiled = tmp_path / good[1].name
    spoiled.write_bytes(b"")

    with pytest.raises(Rejected):
        ladder.verify(good, tmp_path, _every_loader)

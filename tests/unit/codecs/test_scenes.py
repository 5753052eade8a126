from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tintype.codecs import Kind, scenes, sniff


@pytest.mark.parametrize("scene", sorted(scenes.SCENES))
def test_a_scene_has_the_size_that_was_asked_for_and_something_to_see(scene: str) -> None:
    for width, height in ((96, 64), (40, 90), (16, 16)):
        painted = scenes.paint(7, width, height, scene)

        assert (painted.width, painted.height, painted.bands) == (width, height, 3)
        assert painted.numpy().std() > 5


def test_the_same_seed_paints_the_same_and_another_one_does_not() -> None:
    first, again, other = (scenes.paint_photo(seed, 120, 90) for seed in (1, 1, 2))

    assert first == again != other


def test_a_large_picture_is_painted_small_and_enlarged() -> None:
    painted = scenes.paint(1, 3000, 2000, "sea")

    assert (painted.width, painted.height) == (3000, 2000)


@pytest.mark.parametrize(("encoding", "kind"), [("jpeg", Kind.JPEG), ("png", Kind.PNG)])
def test_a_painted_photo_is_a_file_without_notes(encoding: str, kind: Kind) -> None:
    data = scenes.paint_photo(3, 80, 60, encoding="png" if encoding == "png" else "jpeg")

    assert sniff(data) is kind
    assert b"Exif" not in data


def test_a_painted_film_moves_and_sounds(tmp_path: Path) -> None:
    import av

    path = tmp_path / "film.mp4"

    scenes.paint_video(2, 0.5, 128, 96, path)

    with av.open(str(path)) as file:
        pictures = [each.to_ndarray(format="rgb24") for each in file.decode(video=0)]
        assert len(file.streams.audio) == 1
    assert len(pictures) == 15
    assert np.abs(pictures[0].astype(int) - pictures[-1]).mean() > 2


def test_a_film_that_ffmpeg_refuses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        scenes.paint_video(2, 0.5, 127, 95, tmp_path / "film.mp4")

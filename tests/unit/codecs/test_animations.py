"""Photos that move: a still ladder of the first frame, and a silent film of all of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pyvips

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Photo
from tintype.codecs import Kind, Rejected, Rendition, sniff

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEAR = 16
SHADES = originals.SHADES


@pytest.mark.parametrize("kind", [".gif", ".webp"])
async def test_a_photo_that_moves_becomes_a_poster_and_a_film(photo: Photo, kind: str) -> None:
    result = await photo(originals.moving(kind, delays=[100, 250, 400]))

    assert {made.rung for made in result.renditions} == {"150"}
    poster = originals.looked_at(result.renditions[0].path)
    assert originals.apart(originals.colour(poster, 0.5, 0.5), SHADES[0]) <= NEAR
    film = _film_of(result)
    assert (film.rung, film.format, film.width, film.height) == ("loop", "mp4", 64, 48)
    assert sniff(film.path.read_bytes()[:4096]) is Kind.MP4
    times, shades = _watched(film.path)
    assert times == [0.0, 0.1, 0.35]
    assert max(map(originals.apart, shades, SHADES)) <= NEAR
    assert result.duration == pytest.approx(0.75)


async def test_a_film_has_no_sound_and_plays_everywhere(photo: Photo) -> None:
    result = await photo(originals.moving(".gif", delays=[100] * 3, width=63, height=47))

    film: Any
    with av.open(str(_film_of(result).path)) as film:
        assert len(film.streams) == 1
        track = film.streams.video[0]
        assert (track.codec_context.name, track.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (track.width, track.height) == (64, 48)
        assert float(track.duration * track.time_base) == pytest.approx(0.3, abs=0.02)


async def test_frames_that_give_themselves_no_time_are_seen_as_in_browsers(photo: Photo) -> None:
    result = await photo(originals.moving(".gif", delays=[0, 10, 20]))

    times, _ = _watched(_film_of(result).path)
    assert times == [0.0, 0.1, 0.2]
    assert result.duration == pytest.approx(0.22)


async def test_what_is_transparent_lies_on_white_in_the_film(photo: Photo) -> None:
    clear = np.zeros((48, 64, 4), dtype=np.uint8)
    frames = [pyvips.Image.new_from_array(clear).copy(interpretation="srgb") for _ in range(2)]
    drawn = frames[1].draw_rect([0, 0, 0, 255], 0, 0, 32, 48, fill=True)

    result = await photo(originals.strip([frames[0], drawn], [100, 100], ".webp"))

    _, shades = _watched(_film_of(result).path)
    assert originals.apart(shades[0], (255, 255, 255)) <= NEAR


async def test_a_large_animation_is_bounded_by_its_short_edge(photo: Photo) -> None:
    result = await photo(originals.moving(".webp", delays=[100, 100], width=1000, height=900))

    film = _film_of(result)
    assert (film.width, film.height) == (800, 720)
    assert result.renditions[-1].width == 1000


async def test_a_single_frame_stays_a_still_photo(photo: Photo) -> None:
    result = await photo(originals.photo("gif"))

    assert result.loop is None
    assert result.duration is None


async def test_an_avif_sequence_moves_as_well(photo: Photo, tmp_path: Path) -> None:
    data = originals.avif_sequence(tmp_path / "moving.avif")
    assert b"avis" in data[:64]

    result = await photo(data)

    times, _ = _watched(_film_of(result).path)
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


async def test_too_many_frames_are_refused_by_their_number(photo: Photo) -> None:
    with pytest.raises(Rejected) as refused:
        await photo(originals.moving(".gif", delays=[20] * 1001, width=2, height=2))

    assert refused.value.code == "too-many-frames"
    assert "1001 frames; the limit is 1000" in refused.value.sentence


async def test_an_animation_that_was_cut_off_is_refused(photo: Photo) -> None:
    whole = originals.moving(".webp", delays=[100] * 6, width=200, height=160)

    with pytest.raises(Rejected) as refused:
        await photo(whole[: len(whole) * 2 // 3])

    assert refused.value.code in {"cut-off", "could-not-read"}


async def test_nothing_that_was_noted_in_an_animation_is_in_its_film(photo: Photo) -> None:
    canary = b"canary-8c41"
    gif = originals.moving(".gif", delays=[100, 100])
    comment = b"\x21\xfe" + bytes([len(canary)]) + canary + b"\0"
    at = gif.index(b"\x21\xf9")

    result = await photo(gif[:at] + comment + gif[at:])

    data = _film_of(result).path.read_bytes()
    assert canary not in data
    assert b"Lavf" not in data


def _film_of(result: Any) -> Rendition:
    film: Rendition | None = result.loop
    assert film is not None
    return film


def _watched(path: Path) -> tuple[list[float], list[tuple[int, ...]]]:
    """When each frame of a film is shown, and the colour in its middle."""
    times, shades = [], []
    film: Any
    with av.open(io.BytesIO(path.read_bytes())) as film:
        for frame in film.decode(video=0):
            times.append(round(frame.time, 3))
            pixels = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")
            shades.append(originals.colour(pixels, 0.5, 0.5))
    return times, shades

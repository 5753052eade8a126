from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Film
from tintype.codecs import Kind, Limits, Rejected, VideoResult, sniff
from tintype.codecs.probe import probe

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

POSTER_LADDER = (
    ("150", 150, 84),
    ("240", 240, 135),
    ("480", 480, 270),
    ("640", 640, 360),
    ("750", 750, 422),
    ("1080", 1080, 608),
    ("1440", 1280, 720),
)

FLAT = ("-f", "lavfi", "-i", "color=c={colour}:size={{size}}:rate={{rate}}:duration={{seconds}}")


def _flat(colour: str) -> tuple[str, ...]:
    return tuple(word.format(colour=colour) for word in FLAT)


def _streams(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        sound = [(each.codec_context.name, each.channels) for each in file.streams.audio]
        shown = next(file.decode(video))
        return {
            "codec": video.codec_context.name,
            "size": (video.width, video.height),
            "pixels": shown.format.name,
            "rotation": shown.rotation,
            "transfer": int(shown.color_trc),
            "rate": float(video.average_rate or 0),
            "sound": sound,
            "tracks": len(file.streams),
        }


def _boxes(path: Path) -> list[str]:
    """The names of the outermost boxes, in order."""
    data, names, at = path.read_bytes(), [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode("latin-1"))
        at += size if size >= 8 else len(data)
    return names


def _pictures(path: Path) -> str:
    """A hash of the coded pictures themselves, whatever container they are in."""
    order = [originals.ffmpeg(), "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy"]
    order += ["-bsf:v", "filter_units=remove_types=6", "-f", "h264", "-"]
    done = subprocess.run(order, check=True, capture_output=True)
    return hashlib.sha256(done.stdout).hexdigest()


def _ladder(result: VideoResult) -> list[tuple[str, str, int, int]]:
    return [(each.rung, each.format, each.width, each.height) for each in result.poster]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm"])
async def test_every_kind_of_film_becomes_a_progressive_mp4(
    film: Film, tmp_path: Path, suffix: str
) -> None:
    result = await film(originals.film(tmp_path / f"film.{suffix}"))

    made = result.renditions[0]
    found = _streams(made.path)
    rungs = [(each.rung, each.format) for each in result.renditions]
    assert rungs == [("film", "mp4"), ("360p", "mp4"), ("audio", "mp4")]
    assert (made.width, made.height) == (result.width, result.height) == found["size"] == (320, 240)
    assert (found["codec"], found["pixels"]) == ("h264", "yuv420p")
    assert [name for name, _ in found["sound"]] == ["aac"]
    assert abs(result.duration - 1) < 0.15
    assert sniff(made.path.read_bytes()[:4096]) is Kind.MP4
    assert _boxes(made.path).index("moov") < _boxes(made.path).index("mdat")


async def test_a_film_that_every_player_takes_is_kept_picture_by_picture(
    film: Film, tmp_path: Path
) -> None:
    source = originals.fitting_film(tmp_path / "film.mp4")
    assert _boxes(source)[-1] == "moov"

    result = await film(source)

    made = result.renditions[0].path
    assert result.remuxed
    assert _pictures(made) == _pictures(source)
    assert _boxes(made).index("moov") < _boxes(made).index("mdat")


async def test_a_fitting_film_in_a_mov_is_kept_too(film: Film, tmp_path: Path) -> None:
    result = await film(originals.fitting_film(tmp_path / "film.mov"))

    assert result.remuxed
    assert sniff(result.renditions[0].path.read_bytes()[:4096]) is Kind.MP4


@pytest.mark.parametrize(
    "options",
    [
        {"size": "2560x1440", "seconds": 0.3},
        {"rate": 90, "seconds": 0.3},
        {"output": ("-pix_fmt", "yuv444p", "-profile:v", "high444")},
        {"output": ("-c:v", "mpeg4", "-pix_fmt", "yuv420p")},
        {"output": ("-profile:v", "high", "-c:a", "libmp3lame")},
        {"rate": 1, "seconds": 7, "output": ("-profile:v", "high", "-g", "100")},
    ],
    ids=["too large", "too fast", "4:4:4", "mpeg4", "mp3", "no keyframe for long"],
)
async def test_what_does_not_fit_is_encoded_again(
    film: Film, tmp_path: Path, options: dict[str, Any]
) -> None:
    result = await film(originals.film(tmp_path / "film.mp4", **options))

    found = _streams(result.renditions[0].path)
    assert not result.remuxed
    assert (found["codec"], found["pixels"]) == ("h264", "yuv420p")
    assert {name for name, _ in found["sound"]} == {"aac"}


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1920x1080", (1280, 720)), ("1080x1920", (720, 1280)), ("322x242", (322, 242))],
)
async def test_the_short_edge_is_bounded_and_nothing_is_enlarged(
    film: Film, tmp_path: Path, size: str, expected: tuple[int, int]
) -> None:
    source = originals.film(tmp_path / "film.webm", size=size, rate=5, seconds=0.4)

    result = await film(source)

    made = result.film
    assert (made.width, made.height) == expected == _streams(made.path)["size"]
    assert f"{result.width}x{result.height}" == size


async def test_the_poster_is_a_photo_ladder(film: Film, tmp_path: Path) -> None:
    source = originals.film(tmp_path / "film.mp4", size="1280x720", rate=5, seconds=0.4)

    result = await film(source)

    assert _ladder(result) == [
        (rung, format_, width, height)
        for rung, width, height in POSTER_LADDER
        for format_ in ("jpeg", "webp")
    ]
    assert result.thumbhash
    assert originals.looked_at(result.poster[0].path).std() > 20


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_a_film_stands_upright_whichever_way_the_phone_was_held(
    film: Film, tmp_path: Path, degrees: int
) -> None:
    lying = tmp_path / "lying.mp4"
    _write_quarters(lying, np.rot90(originals.quarters(96, 64).numpy(), -degrees // 90))
    source = originals.turned(lying, tmp_path / "turned.mp4", degrees)

    result = await film(source)

    made = result.renditions[0]
    assert not result.remuxed
    assert (result.width, result.height) == (made.width, made.height) == (96, 64)
    assert _streams(made.path)["rotation"] == 0
    for shown in (_first_picture(made.path), originals.looked_at(result.poster[0].path)):
        found = originals.corner_colours(shown)
        assert max(map(originals.apart, found, originals.CORNERS)) <= 24


def _write_quarters(path: Path, pixels: Any) -> None:
    height, width = pixels.shape[:2]
    order = [originals.ffmpeg(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    order += ["-s", f"{width}x{height}", "-r", "5", "-i", "-", "-c:v", "libx264", "-crf", "10"]
    order += ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-pix_fmt", "yuv420p"]
    subprocess.run([*order, str(path)], input=pixels.tobytes() * 5, check=True)


def _first_picture(path: Path) -> Any:
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(
            format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709"
        )


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
async def test_a_film_without_sound_stays_without(film: Film, tmp_path: Path, suffix: str) -> None:
    result = await film(originals.film(tmp_path / f"film.{suffix}", sound=False))

    assert _streams(result.renditions[0].path)["tracks"] == 1


async def test_a_silent_track_is_kept_as_a_track(film: Film, tmp_path: Path) -> None:
    output = ("-af", "volume=0")

    result = await film(originals.film(tmp_path / "film.webm", output=output))

    assert [name for name, _ in _streams(result.renditions[0].path)["sound"]] == ["aac"]


async def test_surround_sound_becomes_stereo(film: Film, tmp_path: Path) -> None:
    result = await film(originals.film(tmp_path / "film.mp4", output=("-ac", "6")))

    assert _streams(result.renditions[0].path)["sound"] == [("aac", 2)]


async def test_a_changing_frame_rate_becomes_a_steady_one(film: Film, tmp_path: Path) -> None:
    uneven = "setpts='if(lt(N,8),N/30,8/30+(N-8)/10)/TB'"
    source = originals.film(
        tmp_path / "film.mp4",
        rate=30,
        seconds=0.8,
        size="2000x1200",
        output=("-vf", uneven, "-fps_mode", "vfr"),
    )

    result = await film(source)

    gaps = np.diff(list(_times(result.tracks[0].file.path)))
    assert gaps.max() - gaps.min() < 0.004
    assert abs(result.duration - (8 / 30 + 16 / 10)) < 0.25


@pytest.mark.parametrize(("rate", "kept"), [(60, 60), (50, 50), (120, 60), (90, 45)])
async def test_sixty_pictures_a_second_are_kept_and_more_are_thinned_out(
    film: Film, tmp_path: Path, rate: int, kept: int
) -> None:
    source = originals.film(tmp_path / "film.webm", rate=rate, size="1280x720", seconds=0.4)

    result = await film(source)

    rates = [_streams(each.file.path)["rate"] for each in result.tracks]
    assert rates == pytest.approx([kept, kept / 2], rel=0.05)


def _times(path: Path) -> Iterator[float]:
    with av.open(str(path)) as file:
        for picture in file.decode(video=0):
            yield float(picture.time or 0)


@pytest.mark.parametrize(("transfer", "name"), [(18, "arib-std-b67"), (16, "smpte2084")])
async def test_hdr_is_brought_down_to_what_every_screen_shows(
    film: Film, tmp_path: Path, transfer: int, name: str
) -> None:
    tags = f"setparams=color_primaries=bt2020:color_trc={name}:colorspace=bt2020nc"
    steps = f"scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le,{tags}"
    output = ("-vf", steps, "-c:v", "libx265", "-x265-params", "log-level=none")
    # A white wall at the level of graphics in HLG, 75 % (ITU-R BT.2408).
    source = originals.film(
        tmp_path / "film.mp4", source=_flat("0xbfbfbf"), output=output, size="192x128", seconds=0.5
    )
    assert _streams(source)["transfer"] == transfer

    result = await film(source)

    found = _streams(result.renditions[0].path)
    assert (found["transfer"], found["pixels"]) == (1, "yuv420p")
    shown = originals.colour(originals.looked_at(result.poster[0].path), 0.5, 0.5)
    assert max(shown) - min(shown) <= 6
    assert 120 < min(shown) <= 255
    filmed = originals.colour(_first_picture(result.renditions[0].path), 0.5, 0.5)
    assert originals.apart(filmed, shown) <= 12


@pytest.mark.parametrize(
    ("size", "matrix"), [("320x240", "smpte170m"), ("1280x720", "bt709"), ("320x240", "bt709")]
)
async def test_colours_of_a_film_survive_whatever_matrix_it_was_coded_with(
    film: Film, tmp_path: Path, size: str, matrix: str
) -> None:
    name = "bt601" if matrix == "smpte170m" else matrix
    tags = f"setparams=color_primaries={matrix}:color_trc={matrix}:colorspace={matrix}"
    output = ("-vf", f"scale=out_color_matrix={name}:out_range=tv,format=yuv420p,{tags}")
    source = originals.film(
        tmp_path / "film.mp4",
        source=_flat("0xc83c28"),
        size=size,
        seconds=0.4,
        output=(*output, "-c:v", "mpeg4", "-q:v", "2"),
    )

    result = await film(source)

    wanted = (0xC8, 0x3C, 0x28)
    poster = originals.colour(originals.looked_at(result.poster[-2].path), 0.5, 0.5)
    filmed = originals.colour(_first_picture(result.renditions[0].path), 0.5, 0.5)
    assert originals.apart(poster, wanted) <= 8
    assert originals.apart(filmed, wanted) <= 10


async def test_a_photo_is_not_taken_for_a_film(film: Film, tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(originals.photo("jpeg"))

    with pytest.raises(Rejected) as refused:
        await film(source)

    assert refused.value.code == "not-a-video"


@pytest.mark.parametrize(
    ("name", "coding"),
    [
        ("phone.mov", ("-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1")),
        ("new.mp4", ("-c:v", "libsvtav1", "-preset", "12")),
        ("web.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
        ("old.mov", ("-c:v", "prores", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s16le")),
    ],
)
async def test_films_of_phones_browsers_and_cameras_become_a_ladder(
    film: Film, tmp_path: Path, name: str, coding: tuple[str, ...]
) -> None:
    source = originals.film(tmp_path / name, size="1280x720", seconds=0.5, output=coding)

    result = await film(source)

    assert [track.file.rung for track in result.tracks] == ["720p", "360p"]
    assert result.further == ("540p",)
    assert {track.codecs[:7] for track in result.tracks} == {"avc1.64"}
    assert result.sound is not None


async def test_a_track_of_notes_beside_the_pictures_is_dropped(film: Film, tmp_path: Path) -> None:
    notes = ("-timecode", "01:02:03:04", "-write_tmcd", "1")
    source = originals.fitting_film(tmp_path / "notes.mov", output=notes)
    assert b"tmcd" in source.read_bytes()

    result = await film(source)

    assert [b"tmcd" in each.path.read_bytes() for each in result.renditions] == [False] * 3


async def test_sound_alone_is_no_film(film: Film, tmp_path: Path) -> None:
    source = tmp_path / "song.mp4"
    order = [originals.ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([*order, "-c:a", "aac", str(source)], check=True)  # noqa: ASYNC221 - a moment

    with pytest.raises(Rejected) as refused:
        await film(source)

    assert refused.value.code == "no-picture"


async def test_no_file_of_a_film_tells_where_it_was_made(film: Film, tmp_path: Path) -> None:
    note = "canary-2b77"
    output = ("-metadata", f"location=+48.8584+002.2945/{note}", "-metadata", f"title={note}")
    source = originals.film(tmp_path / "film.mp4", size="1280x720", output=output, seconds=0.5)
    assert note.encode() in source.read_bytes()

    result = await film(source)

    for each in (*result.renditions, *result.poster, result.sprite):
        data = each.path.read_bytes()
        assert not [mark for mark in (note.encode(), b"48.8584", b"Lavf") if mark in data]


async def test_two_pictures_an_hour_apart_are_not_a_hundred_thousand(tmp_path: Path) -> None:
    far = ("-vf", "setpts=if(eq(N\\,0)\\,0\\,3500/TB)", "-fps_mode", "passthrough")
    path = originals.film(
        tmp_path / "film.mp4",
        size="64x48",
        rate=1,
        seconds=2,
        sound=False,
        output=(*far, "-enc_time_base", "1/1000"),
    )

    source = probe(path, Kind.MP4, Limits())

    assert source.duration > 3000
    assert source.frame_rate == 1

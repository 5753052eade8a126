"""The video ladder on paper: sizes, rates, playlists and small pictures, without a film."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tintype.codecs import hls, rungs_of, sprite
from tintype.codecs.film_rungs import FILM_RUNGS, first_of, ladder_for

TOLD = """#EXTM3U
#EXT-X-MAP:URI="720p.mp4",BYTERANGE="800@0"
#EXTINF:4.000000,
#EXT-X-BYTERANGE:1000@800
720p.mp4
#EXTINF:2.500000,
#EXT-X-BYTERANGE:500@1800
720p.mp4
#EXT-X-ENDLIST
"""
SIZE = 2300


@pytest.mark.parametrize(
    ("width", "height", "rungs"),
    [
        (1920, 1080, ("360p", "540p", "720p", "1080p")),
        (1080, 1920, ("360p", "540p", "720p", "1080p")),
        (3840, 2160, ("360p", "540p", "720p", "1080p")),
        (1280, 720, ("360p", "540p", "720p")),
        (848, 480, ("360p", "540p")),
        (320, 240, ("360p",)),
        (676, 380, ("540p",)),
        (1024, 576, ("360p", "720p")),
    ],
)
def test_a_film_gets_every_rung_up_to_its_own_size(
    width: int, height: int, rungs: tuple[str, ...]
) -> None:
    assert rungs_of(width, height) == rungs


@pytest.mark.parametrize(
    ("width", "height", "first"),
    [
        (1920, 1080, ["720p", "360p"]),
        (848, 480, ["540p", "360p"]),
        (320, 240, ["360p"]),
    ],
)
def test_the_best_and_the_lowest_up_to_720p_come_first(
    width: int, height: int, first: list[str]
) -> None:
    assert [rung.name for rung in first_of(ladder_for(width, height))] == first


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        ((1080, 1920), (720, 1280)),
        ((641, 361), (640, 360)),
        ((500, 501), (500, 500)),
        ((8000, 720), (1800, 162)),
    ],
)
def test_frames_are_even_and_bounded_by_the_short_edge(
    size: tuple[int, int], frame: tuple[int, int]
) -> None:
    made = FILM_RUNGS[2].frame(*size)

    assert (made.width, made.height) == frame


def test_small_rungs_of_a_fast_film_show_every_other_picture() -> None:
    rates = [float(rung.rate(Fraction(60))) for rung in FILM_RUNGS]

    assert rates == [30, 30, 60, 60]
    assert all(rung.rate(Fraction(30000, 1001)) == Fraction(30000, 1001) for rung in FILM_RUNGS)


def test_of_a_told_playlist_only_the_numbers_are_taken() -> None:
    segments = hls.read(TOLD.replace("720p.mp4", "https://elsewhere.example/x"), SIZE)

    made = hls.media_playlist(segments, "0f.mp4")

    assert "elsewhere" not in made
    assert hls.read(made, SIZE) == segments
    assert [line for line in made.splitlines() if line.startswith("#EXT-X-BYTERANGE")] == [
        "#EXT-X-BYTERANGE:1000@800",
        "#EXT-X-BYTERANGE:500@1800",
    ]
    assert "#EXT-X-TARGETDURATION:4" in made


@pytest.mark.parametrize(
    "told",
    [
        "",
        TOLD.replace("500@1800", "500@1801"),
        TOLD.replace("500@1800", "501@1800"),
        TOLD.replace("1000@800", "0@800"),
        TOLD.replace("#EXTINF:2.500000,\n", ""),
        TOLD.replace("4.000000", "0.000000").replace("2.500000", "0.000000"),
        TOLD.replace('BYTERANGE="800@0"', 'BYTERANGE="800@4"'),
    ],
)
def test_a_playlist_that_does_not_cover_its_file_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r"file|follow"):
        hls.read(told, SIZE)


def test_more_rungs_join_a_master_playlist_and_the_middle_one_stays_first() -> None:
    sound = hls.Sound("aa.m3u8", 130_000, 128_000)
    first = [_variant("bb.m3u8", 1280, 720), _variant("cc.m3u8", 640, 360)]
    master = hls.master_playlist(first, sound)

    more = hls.with_more(master, [_variant("dd.m3u8", 1920, 1080)], sound)

    lines = more.splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "bb.m3u8",
        "cc.m3u8",
        "dd.m3u8",
    ]
    assert more.count('URI="aa.m3u8"') == 1
    assert more.count("BANDWIDTH=1130000,") == 3
    with pytest.raises(ValueError, match=r"no master"):
        hls.with_more("#EXTM3U\n", [], None)


def _variant(name: str, width: int, height: int) -> hls.Variant:
    return hls.Variant(
        name=name,
        width=width,
        height=height,
        rate=30,
        codecs="avc1.64001f",
        peak=1_000_000,
        average=800_000,
    )


@pytest.mark.parametrize(
    ("box", "name"),
    [
        (b"....avcC\x01\x64\x00\x1f\xff", "avc1.64001f"),
        (b"....av1C\x81\x05\x0c\x00\x00", "av01.0.05M.08"),
        (b"....av1C\x81\x08\x4c\x00\x00", "av01.0.08M.10"),
    ],
)
def test_the_coding_is_named_as_players_ask_for_it(box: bytes, name: str) -> None:
    assert hls.codecs_of(box) == name


@pytest.mark.parametrize(
    ("duration", "seconds", "count"), [(0.3, 1, 1), (7.2, 1, 8), (100, 1, 100), (101, 2, 51)]
)
def test_small_pictures_are_a_hundred_at_most(duration: float, seconds: int, count: int) -> None:
    sheet = sprite.sheet_for(duration, 1080, 1920)

    assert (sheet.seconds, sheet.count) == (seconds, count)
    assert (sheet.tile.width, sheet.tile.height) == (90, 160)
    assert sheet.columns * sheet.rows >= count


def test_an_hour_keeps_to_keyframes_and_its_last_cue_ends_with_it() -> None:
    sheet = sprite.sheet_for(3599.5, 1920, 1080)

    text = sprite.cues(sheet, 3599.5, "0f.jpg")

    assert sheet.seconds % 2 == 0
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert text.rstrip().splitlines()[-2].endswith("00:59:59.500")

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tintype.kernel.clock import ManualClock
from tintype.media.model import Rendition
from tintype.media.service import Velocity
from tintype.media.service.warming import likely

DAWN, DUSK = 7, 8


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, tzinfo=UTC))


def _file(rung: str, format_: str, width: int) -> Rendition:
    return Rendition(rung, format_, width, width, width, f"{rung}{format_}{width}".ljust(64, "0"))


def test_many_within_a_minute_are_told_of_once(clock: ManualClock) -> None:
    velocity = Velocity(clock, 3)

    told = [velocity.note(DAWN) for _ in range(6)]

    assert told == [False, False, True, False, False, False]
    assert not velocity.note(DUSK)


def test_as_many_over_several_minutes_are_not_told_of(clock: ManualClock) -> None:
    velocity = Velocity(clock, 3)
    told = []

    for _ in range(8):
        told.append(velocity.note(DAWN))
        clock.advance(31)

    assert not any(told)


def test_after_an_hour_it_may_be_told_of_again(clock: ManualClock) -> None:
    velocity = Velocity(clock, 1)

    first, again = velocity.note(DAWN), velocity.note(DAWN)
    clock.advance(3600)

    assert (first, again, velocity.note(DAWN)) == (True, False, True)


def test_nothing_is_many_where_the_threshold_is_zero(clock: ManualClock) -> None:
    velocity = Velocity(clock, 0)

    assert not any(velocity.note(DAWN) for _ in range(100))


def test_what_is_remembered_is_bounded(clock: ManualClock) -> None:
    velocity = Velocity(clock, 2, most=10)

    velocity.note(DAWN)
    for other in range(100, 120):
        velocity.note(other)

    assert not velocity.note(DAWN)


def test_the_likely_files_of_a_photo_are_two_widths_in_each_format() -> None:
    widths = (150, 240, 480, 640, 750, 1080, 1440)
    made = [_file(str(w), f, w) for w in widths for f in ("jpeg", "webp", "avif")]

    found = likely(made)

    assert sorted((each.format, each.width) for each in found) == [
        (format_, width) for format_ in ("avif", "jpeg", "webp") for width in (640, 1080)
    ]


def test_a_small_photo_is_warmed_as_it_is() -> None:
    assert [each.width for each in likely([_file("480", "jpeg", 400)])] == [400]


def test_the_likely_files_of_a_video_are_its_playlists_and_its_first_films() -> None:
    made = [_file("poster", "jpeg", 720), _file("sprite", "jpeg", 1600), _file("hls", "m3u8", 720)]
    made += [_file(str(w), f, w) for w in (360, 540, 720, 1080) for f in ("m3u8", "mp4")]

    found = likely(made)

    assert [each.rung for each in found] == [
        "poster", "hls", "360", "540", "720", "1080", "360", "540", "720"
    ]  # fmt: skip

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.media.model import Rendition
from tintype.media.service.choosing import BUCKETS, Wish, bucket_for, choose, format_in, wish_in

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,*/*;q=0.5"
OLD = "image/png,image/*;q=0.8,*/*;q=0.5"


def _made(
    *widths: int, formats: tuple[str, ...] = ("jpeg", "webp"), rung: str | None = None
) -> list[Rendition]:
    return [
        Rendition(
            rung=rung or str(width),
            format=format_,
            width=width,
            height=width,
            bytes=width,
            sha256=f"{width:x}{format_}",
        )
        for width in widths
        for format_ in formats
    ]


@pytest.mark.parametrize(
    ("accept", "token"),
    [
        (CHROME, "avif"),
        (SAFARI, "avif"),
        ("image/webp,*/*;q=0.8", "webp"),
        (OLD, "jpeg"),
        ("*/*", "jpeg"),
        ("", "jpeg"),
        ("IMAGE/WEBP", "webp"),
        ("image/avif;q=0, image/webp;q=0.1", "webp"),
        ("image/avif;q=0.000", "jpeg"),
        ("image/avifs, text/html;x=image/avif", "jpeg"),
    ],
)
def test_browsers_come_down_to_three_formats(accept: str, token: str) -> None:
    assert format_in(accept) == token


@pytest.mark.parametrize(
    ("headers", "frugal"),
    [
        ({"save-data": "on"}, True),
        ({"save-data": "off"}, False),
        ({"ect": "2g"}, True),
        ({"ect": "slow-2g"}, True),
        ({"ect": "3g"}, False),
        ({}, False),
    ],
)
def test_who_saves_data_or_is_on_a_slow_line_is_frugal(
    headers: dict[str, str],
    frugal: bool,
) -> None:
    assert wish_in(headers, 640).frugal is frugal


@pytest.mark.parametrize(
    ("headers", "asked", "width"),
    [
        ({}, 640, 640),
        ({}, 641, 750),
        ({}, 1, 150),
        ({}, 20_000, 1440),
        ({}, None, 1080),
        ({"sec-ch-width": "700"}, None, 750),
        ({"sec-ch-width": "700"}, 150, 150),
        ({"sec-ch-viewport-width": "360", "sec-ch-dpr": "2.625"}, None, 1080),
        ({"sec-ch-viewport-width": "400"}, None, 480),
        ({"sec-ch-dpr": "3"}, None, 1080),
        ({"sec-ch-width": "wide"}, None, 1080),
        ({"sec-ch-width": "1e9"}, None, 1080),
        ({"sec-ch-width": "0"}, None, 1080),
    ],
)
def test_the_width_is_the_named_one_or_the_hinted_one(
    headers: dict[str, str], asked: int | None, width: int
) -> None:
    assert wish_in(headers, asked).width == width


@given(st.integers(min_value=1, max_value=50_000))
def test_a_bucket_is_never_narrower_than_asked_unless_it_is_the_widest(width: int) -> None:
    bucket = bucket_for(width)

    assert bucket in BUCKETS
    assert bucket >= width or bucket == BUCKETS[-1]


@given(
    st.dictionaries(
        st.sampled_from(
            ["accept", "save-data", "ect", "sec-ch-width", "sec-ch-dpr", "sec-ch-viewport-width"]
        ),
        st.text(max_size=40) | st.sampled_from([CHROME, "on", "2g", "99999.9999"]),
    )
)
def test_whatever_the_headers_say_there_are_six_answers_for_each_width(
    headers: dict[str, str],
) -> None:
    wish = wish_in(headers, 640)

    assert (wish.width, wish.format in {"avif", "webp", "jpeg"}) == (640, True)
    assert wish_in(headers, None).width in BUCKETS


@pytest.mark.parametrize(("wanted", "given"), [(150, 150), (240, 480), (640, 1080), (1440, 1080)])
def test_the_narrowest_that_is_wide_enough_is_chosen(wanted: int, given: int) -> None:
    found = choose(_made(150, 480, 1080), Wish(wanted, "webp", frugal=False))

    assert found is not None
    assert (found.width, found.format) == (given, "webp")


def test_the_frugal_get_the_rung_below() -> None:
    made = _made(150, 480, 1080)

    found = [choose(made, Wish(width, "jpeg", frugal=True)) for width in (150, 480, 1080)]

    assert [each.width for each in found if each] == [150, 150, 480]


def test_a_format_that_is_not_made_yet_is_replaced_by_the_next() -> None:
    made = [*_made(480, 1080), *_made(480, formats=("avif",))]

    small = choose(made, Wish(480, "avif", frugal=False))
    large = choose(made, Wish(1080, "avif", frugal=False))

    assert small is not None
    assert large is not None
    assert (small.format, large.format, large.width) == ("avif", "webp", 1080)


def test_nobody_gets_a_format_that_they_do_not_take() -> None:
    assert choose(_made(480, formats=("avif",)), Wish(480, "jpeg", frugal=False)) is None


def test_a_film_is_shown_by_its_poster_and_by_nothing_else() -> None:
    sprite = _made(1600, rung="sprite")
    poster = _made(720, rung="poster")

    found = choose([*sprite, *poster], Wish(480, "webp", frugal=False))

    assert found == poster[1]


def test_what_has_no_picture_has_no_answer() -> None:
    assert choose([], Wish(480, "webp", frugal=False)) is None

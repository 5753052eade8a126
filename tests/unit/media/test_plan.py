from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.media.model import PART_BYTES, accepted_type, part_count, plan


@given(size=st.integers(1, 5 * 1024**3))
def test_the_parts_add_up_to_the_file(size: int) -> None:
    parts = plan(size)

    assert sum(part.bytes for part in parts) == size
    assert [part.number for part in parts] == list(range(1, part_count(size) + 1))
    assert all(0 < part.bytes <= PART_BYTES for part in parts)


def test_four_gigabytes_are_256_parts() -> None:
    assert part_count(4 * 1024**3) == 256


@pytest.mark.parametrize(
    ("told", "filename", "accepted"),
    [
        ("image/jpeg", None, "image/jpeg"),
        ("IMAGE/JPEG; charset=binary", None, "image/jpeg"),
        ("", "IMG_0001.HEIC", "image/heic"),
        ("application/octet-stream", "film.MOV", "video/quicktime"),
        ("application/octet-stream", None, None),
        ("image/svg+xml", "a.jpg", None),
        ("text/html", "a.jpg", None),
        ("application/pdf", None, None),
    ],
)
def test_a_type_is_accepted_by_what_was_told_and_else_by_the_name(
    told: str, filename: str | None, accepted: str | None
) -> None:
    assert accepted_type(told, filename) == accepted

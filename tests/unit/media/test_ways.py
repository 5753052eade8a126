from __future__ import annotations

import pytest

from tintype.media.routes.files import is_sent_away
from tintype.media.service import Served


def _served(content_type: str) -> Served:
    return Served(
        key="renditions/000/7/a",
        name="a",
        content_type=content_type,
        bytes=1,
        etag='"a"',
        public=True,
    )


@pytest.mark.parametrize(
    ("content_type", "headers", "sent"),
    [
        ("image/webp", {}, True),
        ("image/webp", {"sec-fetch-dest": "image"}, True),
        ("image/webp", {"x-tintype-shield": "1"}, False),
        ("video/mp4", {}, True),
        ("video/mp4", {"sec-fetch-dest": "video"}, False),
        ("video/mp4", {"sec-fetch-dest": "audio"}, False),
        ("video/mp4", {"sec-fetch-dest": "empty"}, True),
        ("video/mp4", {"sec-fetch-dest": "empty", "x-tintype-shield": "1"}, False),
        ("application/vnd.apple.mpegurl", {"sec-fetch-dest": "empty"}, False),
        ("text/vtt; charset=utf-8", {}, False),
    ],
)
def test_whoever_asks_again_for_each_piece_is_sent_to_the_bucket(
    content_type: str, headers: dict[str, str], sent: bool
) -> None:
    assert is_sent_away(headers, _served(content_type)) is sent

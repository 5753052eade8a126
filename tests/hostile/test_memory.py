"""The files that want the most memory of a decoder, and how much they get."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import jpeg, pictures
from tests.hostile.memory import Scales
from tests.trust.hostile_pool import MEGABYTE, MEMORY_MB
from tintype.codecs import Codecs, CodecSettings

_LARGEST = {
    "a jpeg of 49 megapixels without data": jpeg.liars,
    "a progressive jpeg of 49 megapixels, all of its colours": jpeg.liars,
    "a lossless webp of 48 megapixels of one colour": pictures.webps,
}


@pytest.mark.slow  # the largest that there are, twice each
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _LARGEST)
async def test_the_largest_pictures_are_shown_and_offered_in_half_a_gigabyte(
    name: str, tmp_path: Path
) -> None:
    source, out = tmp_path / "original", tmp_path / "out"
    source.write_bytes(_LARGEST[name]()[name])
    codecs = Codecs(CodecSettings(scratch=tmp_path / "scratch", photo_seconds=240))

    async with Scales() as scales:
        await codecs.start()
        try:
            shown = await codecs.process_photo(source, out)
            offered = await codecs.make_download(source, out)
        finally:
            await codecs.stop()

    assert (offered.width, offered.height) == (shown.width, shown.height)
    assert 0 < scales.most <= MEMORY_MB * MEGABYTE

"""AVIF comes after the rest: the same ladder, the same picture, nobody kept waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.codecs import originals
from tintype.codecs import Codecs, Rejected

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLERANCE = 14


@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
async def test_every_kind_of_photo_grows_avif_at_the_sizes_that_it_has(
    codecs: Codecs, tmp_path: Path, kind: str
) -> None:
    source = tmp_path / "original"
    source.write_bytes(originals.photo(kind, originals.quarters(300, 200)))

    first = await codecs.process_photo(source, tmp_path / "first")
    later = await codecs.grow_photo(source, tmp_path / "later")

    sizes = [(made.rung, made.width, made.height) for made in later.renditions]
    assert {made.format for made in later.renditions} == {"avif"}
    assert sizes == [
        (made.rung, made.width, made.height) for made in first.renditions if made.format == "webp"
    ]
    found = originals.corner_colours(originals.looked_at(later.renditions[-1].path))
    assert max(map(originals.apart, found, originals.CORNERS)) <= TOLERANCE


async def test_what_is_transparent_stays_clear_in_avif(codecs: Codecs, tmp_path: Path) -> None:
    image = originals.quarters().bandjoin(255).copy(interpretation="srgb")
    clear = image.draw_rect([0, 0, 0, 0], 0, 0, 32, 24, fill=True)
    source = tmp_path / "original"
    source.write_bytes(originals.photo("png", clear))

    grown = await codecs.grow_photo(source, tmp_path / "out")

    shown = originals.looked_at(grown.renditions[0].path)
    assert originals.colour(shown, 0.25, 0.25)[3] < 6
    assert originals.colour(shown, 0.75, 0.75)[3] > 249


async def test_photos_that_wait_are_not_behind_photos_that_grow(
    codecs: Codecs, tmp_path: Path
) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(originals.photo("jpeg", originals.quarters(2400, 1800)))
    small.write_bytes(originals.photo("jpeg"))

    growing = [
        asyncio.create_task(codecs.grow_photo(large, tmp_path / f"grown-{number}"))
        for number in range(3)
    ]
    await asyncio.sleep(0)
    await codecs.process_photo(small, tmp_path / "out")

    assert not all(each.done() for each in growing)
    assert len(codecs._growth.workers) <= 1
    await asyncio.gather(*growing)


async def test_what_is_no_photo_does_not_grow(codecs: Codecs, tmp_path: Path) -> None:
    source = tmp_path / "original"
    source.write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(100))

    with pytest.raises(Rejected) as refused:
        await codecs.grow_photo(source, tmp_path / "out")

    assert refused.value.code == "not-a-photo"

"""Recipes carried out on real files by the decoder, against numpy and the golden formulas."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.unit.codecs import originals
from tintype.codecs import (
    LOOK_NAMES,
    Codecs,
    Crop,
    Kind,
    Limits,
    PhotoResult,
    Recipe,
    Rejected,
    Rendition,
    heif,
    photo,
)
from tintype.codecs.toning import rendered, vignette
from tintype.codecs.wire import ORIGINAL, PhotoJob
from tools.golden import moved, sharpened

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOCK = 16
NEAR = 12


def job_of(recipe: Recipe, kind: Kind) -> PhotoJob:
    return PhotoJob(kind, Limits(), 60, ("jpeg", "webp"), recipe)


def blocks(across: int = 8, down: int = 6, *, seed: int = 3) -> Any:
    """Flat squares of many colours, which JPEG keeps as they are, as rows of pixels."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(20, 236, (down, across, 3), dtype=np.uint8)
    return colours.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def shown(made: Rendition) -> Any:
    return decoded(made)[:, :, :3]


def decoded(made: Rendition) -> Any:
    return pyvips.Image.new_from_buffer(made.path.read_bytes(), "").numpy()


def middles(pixels: Any) -> Any:
    """The colours in the middle of every block."""
    half = BLOCK // 2
    return pixels[half::BLOCK, half::BLOCK].astype(int)


def largest(result: PhotoResult) -> Rendition:
    rungs = [made for made in result.renditions if made.rung.isdigit() and made.format == "jpeg"]
    return rungs[-1]


async def edit(codecs: Codecs, folder: Path, data: bytes, recipe: Recipe) -> PhotoResult:
    source = folder / "original"
    source.write_bytes(data)
    return await codecs.process_photo(source, folder / "out", recipe=recipe)


@pytest.mark.parametrize("orientation", [1, 2, 3, 5, 6, 8])
async def test_a_photo_is_turned_mirrored_and_cropped_as_it_is_seen(
    codecs: Codecs, tmp_path: Path, orientation: int
) -> None:
    image = originals.picture(blocks()).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    data = image.jpegsave_buffer(Q=95, subsample_mode="off", keep="all")
    upright = image.autorot().numpy()
    turns: tuple[Any, ...] = (0, 90, 180, 270)

    for turn, mirror in product(turns, (False, True)):
        down, across = (upright.shape[:2] if turn % 180 == 0 else upright.shape[1::-1])[:2]
        for crop in (None, Crop(32 / across, 16 / down, 48 / across, 64 / down)):
            recipe = Recipe(turn=turn, mirror=mirror, crop=crop, look="ink", strength=0)
            if recipe.is_plain:
                continue
            result = await edit(codecs, tmp_path, data, recipe)
            wanted, found = moved(upright, recipe), shown(largest(result))

            assert found.shape == wanted.shape, recipe
            assert (result.width, result.height) == (found.shape[1], found.shape[0])
            assert np.abs(middles(found) - middles(wanted)).max() <= NEAR, recipe


@pytest.mark.parametrize(
    "recipe",
    [
        *(Recipe(look=name) for name in LOOK_NAMES),
        Recipe(brightness=0.5, contrast=-0.4, highlights=-0.5, shadows=0.8),
        Recipe(look="harbour", strength=0.5, saturation=0.7, warmth=-0.8, tint=0.6, fade=0.3),
    ],
    ids=str,
)
async def test_colours_are_those_of_the_formulas(
    codecs: Codecs, tmp_path: Path, recipe: Recipe
) -> None:
    pixels = blocks(16, 4)

    result = await edit(codecs, tmp_path, originals.photo("png", originals.picture(pixels)), recipe)

    apart = np.abs(middles(shown(largest(result))) - middles(rendered(recipe, pixels)))
    assert apart.mean() <= 3
    assert np.percentile(apart, 95) <= NEAR


async def test_a_vignette_darkens_the_corners_and_leaves_the_middle(
    codecs: Codecs, tmp_path: Path
) -> None:
    grey = np.full((96, 144, 3), 200, np.uint8)

    result = await edit(
        codecs, tmp_path, originals.photo("png", originals.picture(grey)), Recipe(vignette=0.8)
    )

    wanted = 200 * vignette(0.8, 144, 96)
    assert np.abs(shown(largest(result))[:, :, 1] - wanted).max() <= 6
    assert wanted[48, 72] > 199
    assert wanted[0, 0] < 90


async def test_every_rung_is_sharpened_at_its_own_size(codecs: Codecs, tmp_path: Path) -> None:
    step = np.full((64, 600, 3), 90, np.uint8)
    step[:, 300:] = 160

    result = await edit(
        codecs, tmp_path, originals.photo("png", originals.picture(step)), Recipe(sharpen=1)
    )

    for made in result.renditions:
        if made.rung.isdigit():
            row = shown(made)[made.height // 2, :, 1].astype(int)
            assert row.max() > 170, made
            assert row.min() < 80, made
    by_hand = np.asarray(sharpened(1, step[:3, 296:304, 1].tolist()))
    assert (by_hand.min(), by_hand.max()) == (64, 186)


async def test_a_crop_is_made_of_pixels_that_were_photographed(
    codecs: Codecs, tmp_path: Path
) -> None:
    """Not of the widest rung's: fine lines survive in a small part of a wide photo."""
    lines = np.zeros((600, 3000, 3), np.uint8)
    lines[:, ::2] = 255
    data = originals.photo("png", originals.picture(lines))

    result = await edit(codecs, tmp_path, data, Recipe(crop=Crop(0.4, 0.25, 0.2, 0.5)))

    assert (result.width, result.height) == (600, 300)
    rungs = [made for made in result.renditions if made.format == "webp"]
    assert [made.width for made in rungs] == [150, 240, 480, 600]
    assert shown(rungs[-1])[:, :, 1].std() > 100


@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
async def test_every_kind_of_photo_can_be_edited_and_grows_the_same_picture(
    codecs: Codecs, tmp_path: Path, kind: str
) -> None:
    recipe = Recipe(turn=90, crop=Crop(0, 0, 0.5, 0.5), fade=0.01)
    data = originals.photo(kind, originals.quarters(200, 160))

    first = await edit(codecs, tmp_path, data, recipe)
    later = await codecs.grow_photo(tmp_path / "original", tmp_path / "later", recipe=recipe)

    for result in (first, later):
        made = [each for each in result.renditions if each.rung.isdigit()][-1]
        assert (made.width, made.height) == (80, 100)
        assert originals.apart(shown(made)[50, 40].tolist(), originals.BLUE) <= 16
    assert {made.format for made in later.renditions} == {"avif"}


async def test_the_unedited_picture_lies_beside_the_edited_one(
    codecs: Codecs, tmp_path: Path
) -> None:
    data = originals.photo("jpeg", originals.quarters(200, 160))

    edited = await edit(codecs, tmp_path, data, Recipe(look="silver", crop=Crop(0, 0, 0.5, 0.5)))
    (tmp_path / "plain").mkdir()
    plain = await edit(codecs, tmp_path / "plain", data, Recipe())

    beside = [made for made in edited.renditions if made.rung == "plain"]
    assert [(made.format, made.width, made.height) for made in beside] == [("jpeg", 200, 160)]
    assert beside[0].sha256 not in {made.sha256 for made in plain.renditions}
    assert np.abs(shown(beside[0]).astype(int) - shown(largest(plain))).mean() < 3
    assert {made.rung for made in plain.renditions} == {"150", "240"}


async def test_what_is_transparent_stays_clear_whatever_its_colour(
    codecs: Codecs, tmp_path: Path
) -> None:
    pixels = np.dstack([blocks(), np.full((96, 128), 255, np.uint8)])
    pixels[:, :64, 3] = 0
    recipe = Recipe(look="ember", sharpen=0.5, vignette=0.2, mirror=True)

    result = await edit(codecs, tmp_path, originals.photo("png", originals.picture(pixels)), recipe)

    webp = [made for made in result.renditions if made.format == "webp"][-1]
    alpha = decoded(webp)[:, :, 3]
    assert alpha[:, :60].min() > 249
    assert alpha[:, 68:].max() < 6


async def test_a_photo_that_moves_is_not_edited(codecs: Codecs, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        await edit(codecs, tmp_path, originals.animation(), Recipe(look="ink"))

    assert refused.value.code == "moves"


async def test_a_photo_whose_end_is_missing_is_refused_though_its_crop_is_there(
    codecs: Codecs, tmp_path: Path
) -> None:
    data = originals.photo("jpeg", originals.picture(blocks(40, 40)))

    with pytest.raises(Rejected) as refused:
        recipe = Recipe(crop=Crop(0, 0, 0.2, 0.2))
        await edit(codecs, tmp_path, data[: len(data) * 2 // 3], recipe)

    assert refused.value.code in {"cut-off", "could-not-read"}


async def test_a_heic_is_decoded_once_for_both_of_its_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ORIGINAL).write_bytes(originals.heic(originals.picture(blocks())))
    decoded: list[Path] = []
    decode = heif.decode

    def counted(original: Path, limits: Limits) -> tuple[Any, str | None]:
        decoded.append(original)
        return decode(original, limits)

    monkeypatch.setattr(heif, "decode", counted)
    recipe = Recipe(mirror=True)

    _, _, made, _ = photo._edited(tmp_path / ORIGINAL, job_of(recipe, Kind.HEIC), recipe, tmp_path)

    assert decoded == [tmp_path / ORIGINAL]
    assert {each.rung for each in made} >= {"plain", "150"}

"""Colours arrive in sRGB as they were meant, within what two generations of JPEG allow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyvips

from tests.unit.codecs import originals
from tests.unit.codecs.conftest import Photo

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEAR = 6
# Linear Display P3 to linear sRGB (both D65), from the primaries of SMPTE EG 432-1 and BT.709.
P3_TO_SRGB = np.array(
    [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], dtype=float
)


async def test_display_p3_is_converted_and_not_merely_relabelled(photo: Photo) -> None:
    stored = (200, 90, 60)
    image = _flat(stored).icc_transform("p3", input_profile="p3")
    image = _with_profile(_flat(stored), _profile_of(image))

    result = await photo(image.write_to_buffer(".png"))

    seen = _seen(result)
    assert originals.apart(seen, _srgb_of_p3(stored)) <= NEAR
    assert originals.apart(seen, stored) > NEAR


async def test_a_heic_that_only_names_display_p3_is_converted_as_well(photo: Photo) -> None:
    stored = (200, 90, 60)
    nclx = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6}

    result = await photo(originals.heic(_flat(stored), save_nclx_profile=True, **nclx))

    assert originals.apart(_seen(result), _srgb_of_p3(stored)) <= NEAR + 4


async def test_cmyk_becomes_the_rgb_that_was_meant(photo: Photo) -> None:
    cmyk = _flat((200, 60, 40)).icc_transform("cmyk", input_profile="srgb")
    data = cmyk.write_to_buffer(".jpg", Q=95)
    assert pyvips.Image.new_from_buffer(data, "").interpretation == "cmyk"

    result = await photo(data)

    shown = originals.looked_at(result.renditions[0].path)
    assert shown.shape[2] == 3
    assert originals.apart(_seen(result), (200, 60, 40)) <= 12


async def test_sixteen_bits_become_eight_without_a_shift(photo: Photo) -> None:
    pixels = np.zeros((48, 64, 3), dtype=np.uint16)
    pixels[:] = [51400, 23130, 7710]  # 257 × (200, 90, 30)

    result = await photo(originals.photo("png", originals.picture(pixels)))

    assert originals.apart(_seen(result), (200, 90, 30)) <= NEAR


async def test_a_sixteen_bit_grey_with_alpha_is_shown_right(photo: Photo) -> None:
    grey = np.full((48, 64, 1), 30840, dtype=np.uint16)  # 257 × 120
    image = originals.picture(grey).copy(interpretation="grey16")
    clear = image.bandjoin(65535).copy(interpretation="grey16")
    left = clear.draw_rect([30840, 0], 0, 0, 32, 48, fill=True)

    result = await photo(left.write_to_buffer(".png"))

    shown = originals.looked_at(result.renditions[0].path)
    assert originals.apart(originals.colour(shown, 0.5, 0.25), (255,) * 3) <= NEAR
    assert originals.apart(originals.colour(shown, 0.5, 0.75), (120,) * 3) <= NEAR


async def test_a_palette_keeps_its_colours(photo: Photo) -> None:
    data = originals.quarters().write_to_buffer(".png", palette=True)

    result = await photo(data)

    found = originals.corner_colours(originals.looked_at(result.renditions[1].path))
    assert max(map(originals.apart, found, originals.CORNERS)) <= 14


async def test_a_profile_that_is_rubbish_is_passed_over(photo: Photo) -> None:
    rubbish = _with_profile(_flat((200, 90, 60)), b"this is no colour profile" * 20)

    result = await photo(rubbish.write_to_buffer(".png"))

    assert originals.apart(_seen(result), (200, 90, 60)) <= NEAR


async def test_a_profile_of_other_bands_is_passed_over(photo: Photo) -> None:
    cmyk = _flat((1, 2, 3)).icc_transform("cmyk", input_profile="srgb")
    odd = _with_profile(_flat((200, 90, 60)), _profile_of(cmyk))

    result = await photo(odd.write_to_buffer(".png"))

    assert originals.apart(_seen(result), (200, 90, 60)) <= NEAR


async def test_renditions_carry_no_profile_and_are_plain_srgb(photo: Photo) -> None:
    stored = _flat((200, 90, 60)).icc_transform("p3", input_profile="srgb")

    result = await photo(stored.write_to_buffer(".jpg", Q=95))

    for made in result.renditions:
        image = pyvips.Image.new_from_file(str(made.path))
        assert "icc-profile-data" not in image.get_fields()
        assert image.interpretation == "srgb"
    assert originals.apart(_seen(result), (200, 90, 60)) <= NEAR


def _flat(colour: tuple[int, int, int]) -> Any:
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    pixels[:] = colour
    return originals.picture(pixels)


def _profile_of(image: Any) -> bytes:
    profile: bytes = image.get("icc-profile-data")
    return profile


def _with_profile(image: Any, profile: bytes) -> Any:
    marked = image.copy()
    marked.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return marked


def _seen(result: Any) -> tuple[int, ...]:
    return originals.colour(originals.looked_at(result.renditions[0].path), 0.5, 0.5)


def _srgb_of_p3(stored: tuple[int, int, int]) -> tuple[int, ...]:
    """By the definitions: both spaces share the transfer curve of IEC 61966-2-1."""
    encoded = np.array(stored) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    wanted = np.clip(P3_TO_SRGB @ linear, 0, 1)
    curved = np.where(wanted <= 0.0031308, wanted * 12.92, 1.055 * wanted ** (1 / 2.4) - 0.055)
    return tuple(int(value) for value in (curved * 255).round())

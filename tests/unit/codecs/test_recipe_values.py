"""What recipes are as values: what has no effect is left out, and points are followed."""

from __future__ import annotations

from itertools import product

import msgspec
import numpy as np
import pytest

from tintype.codecs.recipe import SLIDERS, Crop, Recipe, follow
from tools.golden import _MOVES as MOVES
from tools.golden import moved


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(),
        Recipe(strength=0.5),
        Recipe(look="ink", strength=0),
        Recipe(crop=Crop(0, 0, 1, 1)),
        Recipe(brightness=0.0, turn=0, mirror=False),
    ],
)
def test_a_recipe_without_effect_is_plain_and_needs_no_text(recipe: Recipe) -> None:
    assert recipe.is_plain
    assert recipe.text() is None


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(turn=90),
        Recipe(mirror=True),
        Recipe(crop=Crop(0, 0, 1, 0.9)),
        Recipe(look="ink", strength=0.1),
        *(msgspec.convert({name: 0.2}, Recipe) for name in SLIDERS),
    ],
    ids=str,
)
def test_a_recipe_with_an_effect_is_read_back_from_its_text(recipe: Recipe) -> None:
    assert not recipe.is_plain
    assert Recipe.read(recipe.text()) == recipe


def test_the_same_wish_has_the_same_text_however_it_was_said() -> None:
    said = msgspec.json.decode(b'{"turn": 90, "fade": 0.0, "strength": 0.3}', type=Recipe)

    assert said.text() == Recipe(turn=90).text() == '{"turn":90}'


def test_the_sliders_are_exactly_those_of_a_recipe() -> None:
    others = {"turn", "mirror", "crop", "look", "strength"}

    assert set(SLIDERS) | others == set(Recipe.__struct_fields__)
    for name, least in SLIDERS.items():
        assert not msgspec.convert({name: 1}, Recipe).is_plain
        msgspec.convert({name: least}, Recipe)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: least - 0.01}, Recipe)


@pytest.mark.parametrize(("before", "after"), list(product(MOVES[::2], MOVES[::3])), ids=str)
def test_a_point_lies_where_its_pixel_went(before: Recipe, after: Recipe) -> None:
    height, width = 8, 16
    numbered = np.arange(height * width).reshape(height, width)
    first, second = moved(numbered, before), moved(numbered, after)

    for y, x in np.ndindex(first.shape):
        point = ((x + 0.5) / first.shape[1], (y + 0.5) / first.shape[0])
        lies = follow(point, before, after)
        found = np.argwhere(second == first[y, x])
        if lies is None:
            assert len(found) == 0
        else:
            row, column = found[0]
            assert lies == pytest.approx(
                ((column + 0.5) / second.shape[1], (row + 0.5) / second.shape[0])
            )

"""The vectors that hold the server and the web client to the same formulas of recipes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.house import tree
from tintype.codecs.recipe import LOOK_NAMES
from tools import golden

FILE = tree.ROOT / "tests" / "golden" / "recipes.json"


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def test_the_vectors_are_what_the_code_makes(kept: dict[str, Any]) -> None:
    made = json.loads(golden.text())

    assert kept.keys() == made.keys()
    for part, lines in kept.items():
        assert len(lines) == len(made[part]), part
        for one, other in zip(lines, made[part], strict=True):
            assert_same(one, other)


def test_every_look_and_every_slider_has_vectors(kept: dict[str, Any]) -> None:
    named = {name for each in kept["tones"] for name in each["recipe"]}
    looks = {each["recipe"].get("look") for each in kept["tones"]}

    assert looks >= set(LOOK_NAMES)
    assert named >= {"brightness", "contrast", "highlights", "shadows", "saturation"}
    assert named >= {"warmth", "tint", "fade", "strength"}


def test_tables_stay_within_two_of_255_of_the_formulas(kept: dict[str, Any]) -> None:
    for each in kept["tones"]:
        apart = np.abs(np.asarray(each["toned"]) * 255 - np.asarray(each["rendered"]))

        assert apart.max() < 2, each["recipe"]


def assert_same(one: Any, other: Any) -> None:
    """Alike but for the last digit of a fraction, which not every processor rounds the same."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for each, counterpart in zip(one, other, strict=True):
            assert_same(each, counterpart)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=3e-5)
    else:
        assert one == other

"""The simulator can tell: every invariant turns red by a bug that is planted for it.

Replay with ``python -m tests.simulation.simulate --replay SEED --sabotage NAME``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation.invariants import ALL
from tests.simulation.sabotage_below import SABOTAGES
from tests.simulation.simulate import first_failure

SEEDS_TO_CATCH = 100
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "invariants.md"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_a_planted_bug_is_caught(name: str) -> None:
    assert first_failure(range(SEEDS_TO_CATCH), name) is not None


@pytest.mark.slow
@pytest.mark.parametrize("invariant", ALL)
def test_every_invariant_turns_red(invariant: str) -> None:
    planted = [name for name, sabotage in SABOTAGES.items() if sabotage.invariant == invariant]

    assert any(first_failure(range(SEEDS_TO_CATCH), name, invariant) for name in planted)


def test_there_are_twenty_four_invariants_in_their_order() -> None:
    assert [int(name.split()[0]) for name in ALL] == [*range(1, 25)]


def test_the_page_of_invariants_names_every_one_with_its_planted_bugs() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", PAGE.read_text(), re.MULTILINE)
    told = {int(number): {*re.findall(r"`([\w-]+)`", bugs)} for number, bugs in rows}

    planted: dict[int, set[str]] = {}
    for name, sabotage in SABOTAGES.items():
        planted.setdefault(int(sabotage.invariant.split()[0]), set()).add(name)
    assert told == planted

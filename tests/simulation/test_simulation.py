"""The feed holds its invariants in every simulated history, and the simulator can tell.

Replay a failing seed with ``python -m tests.simulation.simulate --seed N [--sabotage NAME]``.
"""

from __future__ import annotations

import pytest

from tests.simulation.invariants import ALL
from tests.simulation.sabotage import SABOTAGES
from tests.simulation.simulate import first_failure

SEEDS = 400
BATCH = 25
SEEDS_TO_CATCH = 300


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_history_keeps_every_invariant(first: int) -> None:
    assert first_failure(range(first, first + BATCH)) is None


@pytest.mark.parametrize("name", sorted(SABOTAGES))
def test_a_planted_bug_is_caught(name: str) -> None:
    assert first_failure(range(SEEDS_TO_CATCH), name) is not None


@pytest.mark.slow
@pytest.mark.parametrize("invariant", ALL)
def test_every_invariant_can_turn_red(invariant: str) -> None:
    planted = [name for name, sabotage in SABOTAGES.items() if sabotage.invariant == invariant]

    assert any(first_failure(range(SEEDS_TO_CATCH), name, invariant) for name in planted)


def test_a_seed_replays_the_same_history() -> None:
    name = "late-ids-are-dropped"
    reports: list[str] = []
    first_failure(range(SEEDS_TO_CATCH), name, report=reports.append)

    again: list[str] = []
    first_failure(range(SEEDS_TO_CATCH), name, report=again.append)

    assert reports == again != []

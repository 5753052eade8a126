"""E4b: whatever people do to each other, the API goes the way of the plain model."""

from __future__ import annotations

import pytest

from tests.trust.machine import FAULTS, play

pytestmark = [pytest.mark.trust, pytest.mark.slow]


def test_every_history_goes_the_way_of_the_model() -> None:
    play(examples=20, steps=30)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_sees_a_planted_fault(fault: str) -> None:
    with pytest.raises((AssertionError, ExceptionGroup)):
        play(examples=40, steps=30, sabotage=fault)

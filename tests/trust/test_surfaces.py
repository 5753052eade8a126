"""E15: nothing that a viewer may not see is in any byte of any surface, and nothing is missing."""

from __future__ import annotations

import pytest

from tests.trust.surfaces import FAULTS, run

pytestmark = [pytest.mark.trust, pytest.mark.slow]


async def test_no_forbidden_canary_is_in_any_byte_of_any_surface() -> None:
    report = await run(graphs=10, seed=1)

    assert report.violations == []
    assert report.canaries > 8_000
    assert report.files > 400


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_experiment_sees_a_planted_fault(fault: str) -> None:
    report = await run(graphs=8, seed=7, sabotage=fault)

    assert report.violations != []

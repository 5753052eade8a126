"""E4a: whatever is sent, the server keeps to its own document and never breaks."""

from __future__ import annotations

import pytest

from tests.trust.fuzz import FAULTS, SERVER_FAULTS, run

pytestmark = [pytest.mark.trust, pytest.mark.slow]


async def test_thousands_of_odd_requests_break_nothing_and_every_answer_is_as_documented() -> None:
    report = await run(requests=1, seed=1, examples=4)

    assert report.violations == []
    assert report.requests > 2_000


@pytest.mark.parametrize("fault", [*FAULTS, *SERVER_FAULTS])
async def test_the_experiment_sees_a_planted_fault(fault: str) -> None:
    report = await run(requests=1, seed=1, examples=20, sabotage=fault)

    assert report.violations != []

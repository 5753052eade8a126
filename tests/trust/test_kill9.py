"""E1: nothing acknowledged is lost by kill -9, and no retry doubles anything."""

from __future__ import annotations

import pytest

from tests.trust.kill9 import run

pytestmark = [pytest.mark.trust, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_forty_kills_lose_nothing_double_nothing_and_every_feed_is_right() -> None:
    report = await run(kills=40, seed=7)

    assert report.violations == []
    assert report.kills == 40
    assert report.retries > 0
    assert report.operations > 100


@pytest.mark.parametrize("sabotage", ["forget-answers", "lose-events", "acknowledge-early"])
async def test_the_experiment_sees_a_planted_fault(sabotage: str) -> None:
    report = await run(kills=5, seed=11, sabotage=sabotage)

    assert report.violations != []

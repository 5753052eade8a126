"""E2: an acknowledged write survives a power cut."""

from __future__ import annotations

import pytest

from tests.trust.power_cut import run

pytestmark = [pytest.mark.trust, pytest.mark.slow]


async def test_no_acknowledged_write_is_lost_or_doubled_by_a_power_cut() -> None:
    total = await run(150, first_seed=1, synchronous="FULL", honest=True)

    assert total.acknowledged > 1_000
    assert (total.lost, total.doubled, total.corrupt) == (0, 0, 0)


async def test_the_experiment_sees_a_commit_that_was_not_synced() -> None:
    total = await run(20, first_seed=1, synchronous="NORMAL", honest=True)

    assert total.lost > 0


async def test_the_experiment_sees_a_disk_that_lies_about_its_syncs() -> None:
    total = await run(20, first_seed=1, synchronous="FULL", honest=False)

    assert total.lost + total.corrupt > 0

"""What the doctor says of the rounds that clear orphans away."""

from __future__ import annotations

import pytest

from tintype.entry.doctor_tiers import _cleared
from tintype.media.service.tiers import TierSettings
from tintype.media.store.clearing import Round

HOUR = 3600 * 1000
NOW = 1000 * HOUR


@pytest.mark.parametrize(
    ("last", "every", "level", "said"),
    [
        (None, 24, "ok", "None was looked for yet."),
        (None, 0, "ok", "Only tintype storage gc looks for them."),
        (Round(NOW - 3 * HOUR, NOW - 2 * HOUR, 5, 2 << 20, 1), 24, "ok", "3.0 hours ago: 5 blobs"),
        (Round(NOW - 80 * HOUR, NOW - 79 * HOUR, 0, 0, 0), 24, "degraded", "80.0 hours ago"),
        (Round(NOW - 80 * HOUR, NOW - 79 * HOUR, 0, 0, 0), 0, "ok", "80.0 hours ago"),
        (Round(NOW - HOUR, None, 0, 0, 0), 24, "ok", "has not ended"),
    ],
)
def test_the_last_round_is_told_and_one_that_is_overdue_is_a_finding(
    last: Round | None, every: float, level: str, said: str
) -> None:
    finding = _cleared(last, TierSettings(clear_every_hours=every), NOW)

    assert (finding.level, said in finding.detail) == (level, True), finding

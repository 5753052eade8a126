"""What the doctor says about fan-out."""

from __future__ import annotations

from tintype.entry.doctor_feed import judged
from tintype.feed import FanOutFigures
from tintype.feed.model import Lane, Waiting

NOW_MS = 1_800_000_000_000


def test_it_says_who_is_pulled_and_that_nothing_waits() -> None:
    said = [*judged(FanOutFigures({}, 100_000, pinned=False), NOW_MS)]

    assert [finding.level for finding in said] == ["ok", "ok"]
    assert "100000 followers or more" in said[0].detail
    assert "by the measured pace" in said[0].detail
    assert said[1].detail == "Nothing waits."


def test_a_lane_that_waits_for_minutes_is_a_warning() -> None:
    waiting = {Lane.LO: Waiting(3, NOW_MS - 300_000), Lane.BACKFILL: Waiting(7, NOW_MS - 5_000)}

    _, late, fresh = judged(FanOutFigures(waiting, 10_000, pinned=True), NOW_MS)

    assert (late.level, fresh.level) == ("degraded", "ok")
    assert "3 tasks in the lane lo, the oldest for 300 s" in late.detail

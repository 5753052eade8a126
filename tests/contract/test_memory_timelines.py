"""MemoryTimelines keeps the contract; beside it, what only the embedded store promises."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.contract.timelines import (
    ADA,
    BO,
    CY,
    END,
    TimelinesContract,
    Unplug,
    everything,
    ready,
)
from tintype.adapters.memory.timelines import BUILD_MS, IDLE_MS, MemoryTimelines
from tintype.kernel.clock import ManualClock
from tintype.ports.timelines import CAP, Timelines, TimelineState

START = datetime(2026, 1, 1, tzinfo=UTC)


class TestMemoryTimelines(TimelinesContract):
    @pytest.fixture
    def timelines(self) -> MemoryTimelines:
        return MemoryTimelines(ManualClock(START))

    @pytest.fixture
    def unplug(self, timelines: MemoryTimelines) -> Unplug:
        return timelines.close


async def test_an_account_that_stopped_reading_loses_its_timeline() -> None:
    clock = ManualClock(START)
    timelines = MemoryTimelines(clock)
    await ready(timelines, ADA)
    await ready(timelines, BO)
    clock.advance(IDLE_MS / 1000 - 1)
    await timelines.page(BO, END, 1)

    clock.advance(2)
    await ready(timelines, CY)

    assert await timelines.push([ADA, BO, CY], 7) == 2
    assert (await timelines.page(ADA, END, 1)).state is TimelineState.ABSENT


async def test_the_least_recent_reader_goes_first() -> None:
    timelines = MemoryTimelines(ManualClock(START), resident=2)
    await ready(timelines, ADA, [1])
    await ready(timelines, BO, [1])
    await timelines.page(ADA, END, 1)

    await ready(timelines, CY, [1])

    assert (await timelines.page(BO, END, 1)).state is TimelineState.ABSENT
    assert await everything(timelines, ADA) == [1]


async def test_deliveries_do_not_keep_a_timeline_alive() -> None:
    clock = ManualClock(START)
    timelines = MemoryTimelines(clock)
    await ready(timelines, ADA)
    for day in range(8):
        clock.advance(24 * 3600)
        await timelines.push([ADA], day + 1)

    await ready(timelines, BO)

    assert (await timelines.page(ADA, END, 1)).state is TimelineState.ABSENT


async def test_an_abandoned_build_is_absent_after_a_while() -> None:
    clock = ManualClock(START)
    timelines = MemoryTimelines(clock)
    build = await timelines.begin(ADA, CAP)
    clock.advance(BUILD_MS / 1000)
    assert (await timelines.page(ADA, END, 1)).state is TimelineState.BUILDING

    clock.advance(1)

    assert (await timelines.page(ADA, END, 1)).state is TimelineState.ABSENT
    assert not await timelines.finish(ADA, build, [1], 0)


async def test_an_entry_at_the_cap_costs_less_than_ten_bytes() -> None:
    timelines = MemoryTimelines(ManualClock(START))
    await ready(timelines, ADA)
    for id_ in range(1 << 60, (1 << 60) + 3 * CAP):
        await timelines.push([ADA], id_)

    stored = timelines._timelines[ADA].ids

    assert sys.getsizeof(stored) / len(stored) < 10


class Oracle:
    """A timeline as the specification has it: a set of ids and a floor."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.floor = 0
        self.ready = False

    def visible(self) -> list[int]:
        return sorted((id_ for id_ in self.ids if id_ > self.floor), reverse=True)

    def trim(self, keep: int) -> None:
        for id_ in self.visible()[keep:]:
            self.floor = max(self.floor, id_)
            self.ids.discard(id_)


IDS = st.integers(1, 60)


class TimelinesBesideTheOracle(RuleBasedStateMachine):
    """Random deliveries, builds, purges and trims on one account, beside the oracle."""

    cap, slack = 8, 2

    def __init__(self) -> None:
        super().__init__()
        self.timelines: Timelines = MemoryTimelines(ManualClock(START), slack=self.slack)
        self.oracle: Oracle | None = None
        self.build = 0
        self.stale: list[int] = []

    def shrink(self) -> None:
        if self.oracle is not None and len(self.oracle.visible()) > self.cap + self.slack:
            self.oracle.trim(self.cap)

    @rule(id_=IDS)
    def push(self, id_: int) -> None:
        found = asyncio.run(self.timelines.push([ADA, BO], id_))
        assert found == (self.oracle is not None)
        if self.oracle is not None and id_ > self.oracle.floor:
            self.oracle.ids.add(id_)
        self.shrink()

    @rule(ids=st.lists(IDS, max_size=20), floor=st.integers(0, 30))
    def backfill(self, ids: list[int], floor: int) -> None:
        asyncio.run(self.timelines.backfill(ADA, ids, floor))
        self._add(ids, floor)

    def _add(self, ids: list[int], floor: int) -> None:
        if self.oracle is not None:
            self.oracle.floor = max(self.oracle.floor, floor)
            self.oracle.ids = {i for i in {*self.oracle.ids, *ids} if i > self.oracle.floor}
        self.shrink()

    @rule()
    def begin(self) -> None:
        if self.oracle is not None:
            self.stale.append(self.build)
        self.build = asyncio.run(self.timelines.begin(ADA, self.cap))
        self.oracle = Oracle()

    @rule(ids=st.lists(IDS, max_size=20), floor=st.integers(0, 30))
    def finish(self, ids: list[int], floor: int) -> None:
        finished = asyncio.run(self.timelines.finish(ADA, self.build, ids, floor))
        assert finished == (self.oracle is not None)
        if self.oracle is not None:
            self._add(ids, floor)
            self.oracle.ready = True

    @rule()
    def finish_a_stale_build(self) -> None:
        for build in self.stale:
            assert not asyncio.run(self.timelines.finish(ADA, build, [1, 2, 3], 0))

    @rule(ids=st.sets(IDS, max_size=5))
    def purge(self, ids: set[int]) -> None:
        purged = asyncio.run(self.timelines.purge(ADA, ids))
        if self.oracle is not None:
            assert purged == len(ids & set(self.oracle.visible()))
            self.oracle.ids -= ids

    @rule(keep=st.integers(0, 10))
    def trim(self, keep: int) -> None:
        asyncio.run(self.timelines.trim(ADA, keep))
        if self.oracle is not None:
            self.oracle.trim(keep)

    @rule(epoch=st.booleans())
    def lose(self, *, epoch: bool) -> None:
        asyncio.run(self.timelines.advance_epoch() if epoch else self.timelines.drop(ADA))
        if self.oracle is not None:
            self.stale.append(self.build)
        self.oracle = None

    @invariant()
    def pages_agree(self) -> None:
        for below in (END, 33):
            page = asyncio.run(self.timelines.page(ADA, below, 5))
            if self.oracle is None:
                assert page.state is TimelineState.ABSENT
            else:
                assert (page.state is TimelineState.READY) == self.oracle.ready
                assert list(page.ids) == [i for i in self.oracle.visible() if i < below][:5]
                assert page.floor == self.oracle.floor


TestTimelinesBesideTheOracle = TimelinesBesideTheOracle.TestCase
TestTimelinesBesideTheOracle.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)

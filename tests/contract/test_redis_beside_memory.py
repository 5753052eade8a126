"""RedisTimelines does, step by step, what MemoryTimelines does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr

from tests.contract.timelines import END
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines
from tintype.kernel.clock import ManualClock
from tools.engines.redis import RedisServer

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
IDS = st.integers(1, 60)
SOME = st.lists(IDS, max_size=20)


class BesideMemory(RuleBasedStateMachine):
    """Random deliveries, builds, purges and trims on an account of each example's own, on both."""

    runner: ClassVar[asyncio.Runner]
    theirs: ClassVar[RedisTimelines]
    accounts: ClassVar = count(10_000, 2)

    def __init__(self) -> None:
        super().__init__()
        self.account = next(self.accounts)
        self.ours = MemoryTimelines(CLOCK, slack=0)
        self.builds = [(0, 1)]

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    def both(self, name: str, *arguments: object) -> None:
        ours = self.run(getattr(self.ours, name)(*arguments))
        theirs = self.run(getattr(self.theirs, name)(*arguments))
        assert ours == theirs, (name, arguments)

    @rule(id_=IDS)
    def push(self, id_: int) -> None:
        self.both("push", [self.account, self.account + 1], id_)

    @rule(cap=st.sampled_from([3, 8]))
    def begin(self, cap: int) -> None:
        ours = self.run(self.ours.begin(self.account, cap))
        self.builds.append((ours, self.run(self.theirs.begin(self.account, cap))))

    @rule(ids=SOME, floor=st.integers(0, 30), back=st.integers(0, 2))
    def finish(self, ids: list[int], floor: int, back: int) -> None:
        ours, theirs = self.builds[max(0, len(self.builds) - 1 - back)]
        finished = self.run(self.ours.finish(self.account, ours, ids, floor))
        assert finished == self.run(self.theirs.finish(self.account, theirs, ids, floor))

    @rule(ids=SOME, floor=st.integers(0, 30))
    def backfill(self, ids: list[int], floor: int) -> None:
        self.both("backfill", self.account, ids, floor)

    @rule(ids=st.sets(IDS, max_size=5))
    def purge(self, ids: set[int]) -> None:
        self.both("purge", self.account, ids)

    @rule(keep=st.integers(0, 10))
    def trim(self, keep: int) -> None:
        self.both("trim", self.account, keep)

    @rule(epoch=st.booleans())
    def lose(self, *, epoch: bool) -> None:
        for timelines in (self.ours, self.theirs):
            self.run(timelines.advance_epoch() if epoch else timelines.drop(self.account))

    @invariant()
    def pages_agree(self) -> None:
        for below in (END, 33):
            ours = self.run(self.ours.page(self.account, below, 5))
            theirs = self.run(self.theirs.page(self.account, below, 5))
            assert (list(ours.ids), *ours[1:]) == (list(theirs.ids), *theirs[1:])


@pytest.mark.slow
def test_it_does_what_the_embedded_timelines_do(redis_server: RedisServer) -> None:
    with asyncio.Runner() as runner:
        redis = Redis(RedisSettings(url=SecretStr(redis_server.url), timeout_ms=5000))
        BesideMemory.runner, BesideMemory.theirs = runner, RedisTimelines(redis, CLOCK)

        run_state_machine_as_test(
            BesideMemory, settings=settings(max_examples=80, stateful_step_count=30, deadline=None)
        )

        runner.run(BesideMemory.theirs.close())

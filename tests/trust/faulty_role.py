"""A role of Tintype with planted faults: ``python -m tests.trust.faulty_role lose-batch worker``.

``clock+300`` and ``clock-300`` shift the clock of this process by so many seconds, as the clock of
a badly kept host; the others are bugs, which an experiment must see.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from tintype.adapters.kafka.lane import KafkaLane
from tintype.adapters.redis.timelines import RedisTimelines
from tintype.database import Notices, counts
from tintype.database.notices import Noticed
from tintype.entry.cli import main
from tintype.feed.service.fan_out import FanOut
from tintype.graph import store as graph
from tintype.kernel.clock import SystemClock
from tintype.kernel.ids import Id
from tintype.ports.timelines import TimelinePage

_turn = count()


def shift_clock(seconds: int) -> None:
    """This host is so far ahead of the others, or behind."""

    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def now_ms(_: SystemClock) -> int:
        return time.time_ns() // 1_000_000 + seconds * 1000

    patch.object(SystemClock, "now", now).start()
    patch.object(SystemClock, "now_ms", now_ms).start()


def lose_batch() -> None:
    """Every other batch of fan-out, the first one too, is reported as delivered, and is not."""
    honest = FanOut.deliver

    async def deliver(self: Any, posts: Sequence[Any]) -> list[Any]:
        if posts and next(_turn) % 2 == 0:
            return []
        return await honest(self, posts)

    patch.object(FanOut, "deliver", deliver).start()


def keep_notices() -> None:
    """What changed is applied here, and nobody else is told, now or later."""
    honest = Notices.event_of

    async def publish(self: Notices, notices: Sequence[Any]) -> None:
        self.apply(notices)

    def event_of(self: Notices, _: Sequence[Any], at: Id) -> Noticed:
        return honest(self, (), at)

    patch.object(Notices, "publish", publish).start()
    # The log would tell it a moment later, and whether anybody looks before is a matter of luck.
    patch.object(Notices, "event_of", event_of).start()


def delete_early() -> None:
    """The relay counts as sent what it only means to send, and then often fails."""
    honest = KafkaLane.append

    async def append(self: KafkaLane, records: Sequence[Any]) -> None:
        if next(_turn) % 2:
            await honest(self, records)
        else:
            self.reached = records[-1].number

    patch.object(KafkaLane, "append", append).start()


def keep_cards() -> None:
    """What is held of a post stays as it is, whatever is edited or deleted."""
    _never_hear("PostChanged")


def hide_own() -> None:
    """An author sees a post when fan-out has carried it."""
    _never_hear("PostNoted")


def _never_hear(kind: str) -> None:
    honest = Notices.hear

    def hear(self: Notices, heard: Any, handler: Any) -> None:
        honest(self, heard, (lambda _: None) if heard.__name__ == kind else handler)

    patch.object(Notices, "hear", hear).start()


def keep_mirror() -> None:
    """Who leaves somebody stays among their followers."""

    async def untie(tx: Any, kind: Any, pairs: Sequence[Any]) -> None:
        await graph._delete(tx, kind.table, pairs)

    patch.object(graph, "untie", untie).start()


def count_twice() -> None:
    """Every change of a count is folded twice."""
    honest = counts.fold

    async def fold(tx: Any, batch: Sequence[Any]) -> None:
        await honest(tx, batch)
        await honest(tx, batch)

    patch.object(counts, "fold", fold).start()


def forget_floor() -> None:
    """A timeline is believed to hold everything there ever was."""
    honest = RedisTimelines.page

    async def page(self: RedisTimelines, account: Id, below: Id, limit: int) -> TimelinePage:
        return (await honest(self, account, below, limit))._replace(floor=0)

    patch.object(RedisTimelines, "page", page).start()


FAULTS = {
    "lose-batch": lose_batch,
    "keep-notices": keep_notices,
    "delete-early": delete_early,
    "keep-cards": keep_cards,
    "hide-own": hide_own,
    "keep-mirror": keep_mirror,
    "count-twice": count_twice,
    "forget-floor": forget_floor,
}


def plant(name: str) -> None:
    """Plant one fault by its name."""
    if shifted := re.fullmatch(r"clock([+-]\d+)", name):
        shift_clock(int(shifted[1]))
    else:
        FAULTS[name]()


if __name__ == "__main__":
    for each in sys.argv.pop(1).split(","):
        plant(each)
    main()

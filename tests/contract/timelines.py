"""What every Timelines promises. Subclass it and give it a ``timelines`` fixture.

A second fixture ``unplug`` is an async callable after which the store no longer answers.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable

import pytest

from tintype.kernel.ids import MAX_ID, SEQUENCE_BITS, SHARD_BITS, SHARDS
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import CAP, SLACK, Timelines, TimelineState

ADA, BO, CY = 101, 102, 103
END = MAX_ID

Unplug = Callable[[], Awaitable[None]]


def id_at(ms: int, shard: int = 0, sequence: int = 0) -> int:
    return (ms << (SHARD_BITS + SEQUENCE_BITS)) | (shard << SEQUENCE_BITS) | sequence


async def ready(
    timelines: Timelines, account: int, ids: Iterable[int] = (), floor: int = 0, cap: int = CAP
) -> None:
    build = await timelines.begin(account, cap)
    assert await timelines.finish(account, build, list(ids), floor)


async def everything(timelines: Timelines, account: int) -> list[int]:
    page = await timelines.page(account, END, 10_000)
    assert page.state is TimelineState.READY
    return list(page.ids)


class TimelinesContract:
    # ---- existence -------------------------------------------------------------------------------

    async def test_an_unknown_account_is_absent_and_not_empty(self, timelines: Timelines) -> None:
        page = await timelines.page(ADA, END, 20)

        assert (list(page.ids), page.floor, page.state) == ([], 0, TimelineState.ABSENT)

    async def test_a_push_never_creates_a_timeline(self, timelines: Timelines) -> None:
        assert await timelines.push([ADA, BO], 7) == 0

        assert (await timelines.page(ADA, END, 20)).state is TimelineState.ABSENT

    async def test_a_backfill_never_creates_a_timeline(self, timelines: Timelines) -> None:
        await timelines.backfill(ADA, [7], 0)

        assert (await timelines.page(ADA, END, 20)).state is TimelineState.ABSENT

    async def test_a_push_tells_how_many_timelines_exist(self, timelines: Timelines) -> None:
        await ready(timelines, ADA)
        await ready(timelines, BO)

        assert await timelines.push([ADA, BO, CY], 7) == 2
        assert await timelines.push([ADA, BO, CY], 7) == 2

    async def test_a_dropped_timeline_is_absent(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [1, 2, 3])

        await timelines.drop(ADA)
        await timelines.drop(ADA)

        assert (await timelines.page(ADA, END, 20)).state is TimelineState.ABSENT

    async def test_an_advanced_epoch_makes_every_timeline_absent(
        self, timelines: Timelines
    ) -> None:
        await ready(timelines, ADA, [1, 2])
        await ready(timelines, BO, [1, 2])

        first = await timelines.advance_epoch()
        second = await timelines.advance_epoch()

        assert second > first
        assert (await timelines.page(ADA, END, 20)).state is TimelineState.ABSENT
        assert (await timelines.page(BO, END, 20)).state is TimelineState.ABSENT

    # ---- order and exactness ---------------------------------------------------------------------

    async def test_a_page_is_the_newest_first(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [30, 10, 20])

        assert list((await timelines.page(ADA, END, 2)).ids) == [30, 20]

    async def test_a_page_lies_strictly_below_its_bound(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 20, 30])

        assert list((await timelines.page(ADA, 30, 20)).ids) == [20, 10]
        assert list((await timelines.page(ADA, 31, 20)).ids) == [30, 20, 10]
        assert list((await timelines.page(ADA, 10, 20)).ids) == []

    async def test_ids_of_one_millisecond_are_told_apart_to_the_last_bit(
        self, timelines: Timelines
    ) -> None:
        near_the_end = (1 << 41) - 1
        ids = [id_at(near_the_end, SHARDS - 1, sequence) for sequence in range(300)]
        await ready(timelines, ADA)
        for id_ in ids:
            await timelines.push([ADA], id_)

        walked: list[int] = []
        below = END
        while page := list((await timelines.page(ADA, below, 20)).ids):
            walked += page
            below = page[-1]

        assert walked == sorted(ids, reverse=True)

    async def test_a_late_delivery_lands_in_its_place(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 30])

        await timelines.push([ADA], 20)

        assert await everything(timelines, ADA) == [30, 20, 10]

    # ---- idempotent and commutative --------------------------------------------------------------

    async def test_a_repeated_delivery_changes_nothing(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10])

        for _ in range(3):
            await timelines.push([ADA, ADA], 20)
            await timelines.backfill(ADA, [10, 20], 0)

        assert await everything(timelines, ADA) == [20, 10]

    async def test_deliveries_in_any_order_and_number_end_in_the_same_timeline(
        self, timelines: Timelines
    ) -> None:
        seen = set()
        for seed in range(8):
            dice = random.Random(seed)
            account = 1000 + seed
            pushes = [5, 15, 25, 35, 45, 55, 65]
            deliveries = dice.choices(pushes, k=10) + pushes
            dice.shuffle(deliveries)
            await ready(timelines, account, cap=4)
            for at, id_ in enumerate(deliveries):
                await timelines.push([account], id_)
                if at % 3 == 0:
                    await timelines.trim(account, 4)
            await timelines.trim(account, 4)
            page = await timelines.page(account, END, 100)
            seen.add((tuple(page.ids), page.floor))

        assert seen == {((65, 55, 45, 35), 25)}

    # ---- the floor -------------------------------------------------------------------------------

    async def test_what_lies_at_or_below_the_floor_is_never_shown(
        self, timelines: Timelines
    ) -> None:
        await ready(timelines, ADA, [10, 20, 30], floor=20)

        await timelines.push([ADA], 15)
        await timelines.push([ADA], 20)
        await timelines.backfill(ADA, [5, 25], 0)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([30, 25], 20)

    async def test_a_trim_raises_the_floor_to_what_it_took(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 20, 30, 40])

        await timelines.trim(ADA, 2)
        await timelines.trim(ADA, 3)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([40, 30], 20)

    async def test_a_trim_to_nothing_keeps_the_floor(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 20])

        await timelines.trim(ADA, 0)
        await timelines.push([ADA], 15)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor, page.state) == ([], 20, TimelineState.READY)

    async def test_a_timeline_never_outgrows_its_cap_and_slack(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, range(1, 400))
        first = await timelines.page(ADA, END, 10_000)

        for id_ in range(1000, 2000):
            await timelines.push([ADA], id_)
            page = await timelines.page(ADA, END, 10_000)
            assert len(page.ids) <= CAP + SLACK
            assert page.ids[-1] > page.floor

        assert len(first.ids) == CAP
        assert first.floor == 399 - CAP
        assert len(page.ids) >= CAP

    async def test_a_heavy_account_keeps_more(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, range(1, 1000), cap=681)

        assert len(await everything(timelines, ADA)) == 681

    async def test_a_truncated_backfill_raises_the_floor(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 20, 30])

        await timelines.backfill(ADA, [35, 25], 20)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([35, 30, 25], 20)

    async def test_the_floor_only_ever_rises(self, timelines: Timelines) -> None:
        dice = random.Random(1)
        await ready(timelines, ADA, range(0, 200, 5), floor=3, cap=30)
        floor = 3

        for _ in range(300):
            match dice.randrange(4):
                case 0:
                    await timelines.push([ADA], dice.randrange(1, 400))
                case 1:
                    await timelines.trim(ADA, dice.randrange(20, 40))
                case 2:
                    await timelines.backfill(ADA, [dice.randrange(1, 400)], dice.randrange(1, 100))
                case _:
                    await timelines.purge(ADA, [dice.randrange(1, 400)])
            page = await timelines.page(ADA, END, 1000)
            assert page.floor >= floor
            floor = page.floor

    # ---- subscribe, then snapshot ----------------------------------------------------------------

    async def test_a_timeline_being_built_says_so_and_takes_deliveries(
        self, timelines: Timelines
    ) -> None:
        build = await timelines.begin(ADA, CAP)
        assert await timelines.push([ADA], 50) == 1
        assert (await timelines.page(ADA, END, 20)).state is TimelineState.BUILDING

        assert await timelines.finish(ADA, build, [10, 20, 30], 5)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([50, 30, 20, 10], 5)

    async def test_a_backfill_during_the_build_is_kept(self, timelines: Timelines) -> None:
        build = await timelines.begin(ADA, CAP)
        await timelines.backfill(ADA, [15, 25], 0)

        await timelines.finish(ADA, build, [10, 20], 5)

        assert await everything(timelines, ADA) == [25, 20, 15, 10]

    async def test_the_higher_floor_of_build_and_snapshot_holds(self, timelines: Timelines) -> None:
        build = await timelines.begin(ADA, CAP)
        await timelines.backfill(ADA, [45], 40)

        await timelines.finish(ADA, build, [30, 35, 50], 20)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([50, 45], 40)

    async def test_a_build_that_was_interrupted_can_not_finish(self, timelines: Timelines) -> None:
        dropped = await timelines.begin(ADA, CAP)
        await timelines.drop(ADA)
        overtaken = await timelines.begin(BO, CAP)
        current = await timelines.begin(BO, CAP)
        outlived = await timelines.begin(CY, CAP)

        assert not await timelines.finish(ADA, dropped, [1], 0)
        assert not await timelines.finish(BO, overtaken, [1], 0)
        assert await timelines.finish(BO, current, [2], 0)
        await timelines.advance_epoch()
        assert not await timelines.finish(CY, outlived, [1], 0)

        assert (await timelines.page(ADA, END, 20)).state is TimelineState.ABSENT
        assert (await timelines.page(CY, END, 20)).state is TimelineState.ABSENT

    async def test_beginning_anew_forgets_what_was_there(self, timelines: Timelines) -> None:
        await ready(timelines, ADA, [10, 20], floor=5)

        build = await timelines.begin(ADA, CAP)
        await timelines.finish(ADA, build, [3], 0)

        page = await timelines.page(ADA, END, 20)
        assert (list(page.ids), page.floor) == ([3], 0)

    # ---- unfollowing -----------------------------------------------------------------------------

    async def test_the_ids_of_one_shard_are_found_and_purged(self, timelines: Timelines) -> None:
        mine = [id_at(ms, 9) for ms in (1, 3, 5)]
        others = [id_at(ms, 8) for ms in (2, 4)]
        await ready(timelines, ADA, mine + others)

        found = await timelines.of_shard(ADA, 9)
        purged = await timelines.purge(ADA, [*found, id_at(99, 9)])

        assert found == sorted(mine, reverse=True)
        assert purged == 3
        assert await everything(timelines, ADA) == sorted(others, reverse=True)
        assert (await timelines.page(ADA, END, 20)).floor == 0

    async def test_an_unfollow_sees_a_timeline_that_is_being_built(
        self, timelines: Timelines
    ) -> None:
        build = await timelines.begin(ADA, CAP)
        await timelines.push([ADA], id_at(1, 9))

        assert await timelines.purge(ADA, await timelines.of_shard(ADA, 9)) == 1

        await timelines.finish(ADA, build, [], 0)
        assert await everything(timelines, ADA) == []

    async def test_purging_an_absent_timeline_is_a_no_op(self, timelines: Timelines) -> None:
        assert await timelines.of_shard(ADA, 9) == []
        assert await timelines.purge(ADA, [1]) == 0
        await timelines.trim(ADA, 3)

    # ---- outage ----------------------------------------------------------------------------------

    async def test_an_unplugged_store_answers_unavailable_to_everything(
        self, timelines: Timelines, unplug: Unplug
    ) -> None:
        await ready(timelines, ADA, [1, 2, 3])

        await unplug()

        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: timelines.push([ADA], 4),
            lambda: timelines.page(ADA, END, 20),
            lambda: timelines.begin(ADA, CAP),
            lambda: timelines.finish(ADA, 1, [], 0),
            lambda: timelines.backfill(ADA, [1], 0),
            lambda: timelines.purge(ADA, [1]),
            lambda: timelines.of_shard(ADA, 1),
            lambda: timelines.trim(ADA, 1),
            lambda: timelines.drop(ADA),
            timelines.advance_epoch,
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                await call()

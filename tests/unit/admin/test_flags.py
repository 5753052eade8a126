"""Flags between processes: every order of news ends in the latest state."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tintype.admin import Flags, flags_of, store
from tintype.admin.errors import FlagNotFound
from tintype.admin.model import FlagChanged, FlagState
from tintype.database import SqliteDatabase
from tintype.database.migrate import migrate
from tintype.feed import FeedFlags
from tintype.kernel.clock import SystemClock

NEWS = (
    FlagChanged(name="feed-timelines", on=False, changed_ms=1, changed_by=7),
    FlagChanged(name="feed-timelines", on=None, changed_ms=2, changed_by=8),
    FlagChanged(name="feed-timelines", on=False, changed_ms=3, changed_by=9),
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    path = tmp_path / "flags.sqlite"
    migrate(path, tmp_path / "backups")
    opened = SqliteDatabase(path, SystemClock())
    yield opened
    await opened.close()


def _flags(database: SqliteDatabase) -> Flags:
    return Flags(database, flags_of("feed", FeedFlags))


def test_the_feed_declares_its_flags_with_what_they_mean() -> None:
    declared = flags_of("feed", FeedFlags)

    assert {name: flag.default for name, flag in declared.items()} == {
        "feed-ranked": False,
        "feed-timelines": True,
        "feed-database": True,
        "feed-trending": True,
    }
    assert all(len(flag.meaning.split()) > 5 for flag in declared.values())


@pytest.mark.parametrize("news", [*itertools.permutations(NEWS)])
async def test_news_in_any_order_and_twice_end_in_the_latest(
    database: SqliteDatabase, news: tuple[FlagChanged, ...]
) -> None:
    flags = _flags(database)

    database.notices.apply([*news, *news])

    assert not flags.is_on("feed-timelines")
    [seen] = [flag for flag in flags.all().items if flag.name == "feed-timelines"]
    assert seen.changed_by == "9"


async def test_whoever_holds_flags_hears_of_changes_and_of_nothing_else(
    database: SqliteDatabase,
) -> None:
    flags = _flags(database)
    heard: list[bool] = []
    flags.on_change(lambda: heard.append(flags.is_on("feed-timelines")))

    await flags.switch("feed-timelines", on=True, actor=7)
    await flags.switch("feed-timelines", on=False, actor=7)
    await flags.refresh()

    assert heard == [True, False]


async def test_a_process_that_missed_a_change_finds_it_when_it_looks(
    database: SqliteDatabase,
) -> None:
    here, there = _flags(database), _flags(database)
    await here.switch("feed-timelines", on=False, actor=7)
    there._states.clear()

    await there.refresh()

    assert not there.is_on("feed-timelines")


async def test_a_later_change_counts_though_the_clock_went_back(database: SqliteDatabase) -> None:
    flags = _flags(database)
    ahead = database.clock.now_ms() + 3_600_000
    database.notices.apply(
        [FlagChanged(name="feed-timelines", on=None, changed_ms=1, changed_by=0)]
    )
    async with database.write() as tx:
        await store.put_flag(tx, "feed-timelines", FlagState(None, ahead, 7))
    await flags.refresh()

    await flags.switch("feed-timelines", on=False, actor=7)

    assert not flags.is_on("feed-timelines")


async def test_nobody_switches_what_was_not_declared(database: SqliteDatabase) -> None:
    flags = _flags(database)

    with pytest.raises(FlagNotFound, match="feed-timelines"):
        await flags.switch("feed-sideways", on=True, actor=7)
    with pytest.raises(FlagNotFound):
        flags.is_on("feed-sideways")

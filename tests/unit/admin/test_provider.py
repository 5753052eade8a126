"""The flags as a client of OpenFeature sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tintype.admin import Flags, flags_of
from tintype.database import SqliteDatabase
from tintype.database.migrate import migrate
from tintype.feed import FeedFlags
from tintype.kernel.clock import SystemClock

pytest.importorskip("openfeature", reason="NO OPENFEATURE SDK: install the locked requirements")


@pytest.fixture
async def flags(tmp_path: Path) -> AsyncIterator[Flags]:
    path = tmp_path / "flags.sqlite"
    migrate(path, tmp_path / "backups")
    database = SqliteDatabase(path, SystemClock())
    yield Flags(database, flags_of("feed", FeedFlags))
    await database.close()


async def test_a_client_reads_a_flag_as_it_stands_now(flags: Flags) -> None:
    from tintype.admin.service.provider import offer

    client = offer(flags)
    assert client.get_boolean_value("feed-timelines", default_value=False) is True

    await flags.switch("feed-timelines", on=False, actor=7)

    assert client.get_boolean_value("feed-timelines", default_value=True) is False


async def test_a_flag_that_nobody_declared_gives_the_default_of_the_caller(flags: Flags) -> None:
    from tintype.admin.service.provider import offer

    details = offer(flags).get_boolean_details("feed-sideways", default_value=True)

    assert details.value is True
    assert details.error_code == "FLAG_NOT_FOUND"


async def test_no_flag_is_anything_but_a_boolean(flags: Flags) -> None:
    from tintype.admin.service.provider import offer

    details = offer(flags).get_string_details("feed-timelines", default_value="neither")

    assert details.value == "neither"
    assert details.error_code == "TYPE_MISMATCH"


async def test_each_server_of_a_process_answers_for_itself(flags: Flags, tmp_path: Path) -> None:
    from tintype.admin.service.provider import offer

    path = tmp_path / "other.sqlite"
    migrate(path, tmp_path / "backups")
    database = SqliteDatabase(path, SystemClock())
    other = Flags(database, flags_of("feed", FeedFlags))
    one, two = offer(flags), offer(other)

    await other.switch("feed-timelines", on=False, actor=7)

    assert one.get_boolean_value("feed-timelines", default_value=False) is True
    assert two.get_boolean_value("feed-timelines", default_value=True) is False
    await database.close()

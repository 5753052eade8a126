"""What a group has seen of each lane goes with it from one log to the next."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.contract.events import subject
from tintype.database import Database
from tintype.database.offsets import Offsets, Overtaken
from tintype.ports.events import Delivered, Record


def records(numbers: Sequence[int], *, partition: int = 0) -> list[Delivered]:
    """Events of one lane, each at the position of its number."""
    return [
        Delivered(partition, each, Record("test_struck", subject(0), b"", 0, number=each))
        for each in numbers
    ]


async def read(offsets: Offsets, database: Database, log: str, numbers: Sequence[int]) -> list[int]:
    """Handle these as a fold does; returns the numbers of those that were not seen before."""
    fresh, seen = offsets.sift(records(numbers))
    async with database.write() as tx:
        after = (await offsets.read(log, [0]))[0]
        await offsets.advance(tx, log, {0: after}, {0: after + len(numbers)}, seen)
    offsets.saw(seen)
    return [each.record.number for each in fresh]


@pytest.fixture
async def listener(database: Database) -> Offsets:
    """One that reads the first log."""
    opened = Offsets(database, "counters")
    await opened.read("first", [0])
    await opened.arrive("first")
    return opened


async def test_what_was_seen_in_one_log_is_left_out_of_the_next(
    database: Database, listener: Offsets
) -> None:
    await read(listener, database, "first", [1, 2, 3])

    await listener.read("second", [0])
    await listener.arrive("second")

    assert await listener.read("second", [0]) == {0: 0}
    assert await read(listener, database, "second", [1, 2, 3, 4]) == [4]


async def test_a_second_wipe_before_anything_was_read_forgets_nothing(
    database: Database, listener: Offsets
) -> None:
    await read(listener, database, "first", [1, 2, 3])

    for log in ("second", "third"):
        heir = Offsets(database, "counters")
        await heir.read(log, [0])
        await heir.arrive(log)

    assert await read(heir, database, "third", [2, 3, 4, 5]) == [4, 5]


async def test_what_comes_twice_in_one_batch_is_seen_once(
    database: Database, listener: Offsets
) -> None:
    fresh, _ = listener.sift(records([1, 2, 1, 2, 3]))

    assert [each.record.number for each in fresh] == [1, 2, 3]
    assert await read(listener, database, "first", [1, 2]) == [1, 2]


async def test_records_without_numbers_are_never_left_out(
    database: Database, listener: Offsets
) -> None:
    await read(listener, database, "first", [1, 2])
    unnumbered = Delivered(0, 1, Record("test_struck", subject(0), b"", 0))

    fresh, _ = listener.sift([unnumbered, unnumbered])

    assert fresh == [unnumbered, unnumbered]


async def test_a_listener_that_handles_the_old_log_after_the_others_left_it_is_too_late(
    database: Database, listener: Offsets
) -> None:
    sleeper = Offsets(database, "counters")
    await sleeper.read("first", [0, 1])
    await read(listener, database, "first", [1, 2])

    await listener.read("second", [0])
    await listener.arrive("second")

    for partition, after in ((0, 2), (1, 0)):
        with pytest.raises(Overtaken):
            async with database.write() as tx:
                await sleeper.advance(tx, "first", {partition: after}, {partition: 9})
    assert await listener.has_read_another("second") is False


async def test_what_somebody_saw_of_the_old_log_until_it_was_left_counts_for_everybody(
    database: Database, listener: Offsets
) -> None:
    early = Offsets(database, "counters")
    await early.read("second", [0])  # nothing was seen by then
    await read(listener, database, "first", [1, 2])

    await early.arrive("second")

    assert await read(early, database, "second", [1, 2, 3]) == [3]

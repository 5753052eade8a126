"""Events are numbered once, and kept until everybody has read them."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from tests.contract.events import publish
from tintype.database import Database
from tintype.database.leases import Lease
from tintype.database.sending import Sending
from tintype.database.session import TryAgain
from tintype.database.tables import outbox
from tintype.kernel.ids import SHARDS
from tintype.ports.events import LANES, Record


@pytest.fixture
def sending(database: Database) -> Sending:
    """That of the first lane."""
    return Sending(database, Lease(0, SHARDS // LANES - 1, "relay", "somebody", 1))


def numbers(records: list[Record] | tuple[Record, ...]) -> list[int]:
    return [each.number for each in records]


async def test_events_are_numbered_from_one_and_leave_the_outbox(
    database: Database, sending: Sending
) -> None:
    await publish(database, range(3))

    numbered = await sending.number(after=0)

    assert numbers([*numbered]) == [1, 2, 3]
    assert [*await sending.beyond(0)] == [*numbered]
    async with database.read() as reader:
        assert (
            await reader.all(sa.select(outbox).where(outbox.c.shard.between(0, SHARDS - 1))) == []
        )


async def test_what_everybody_has_read_is_gone_and_its_numbers_are_never_used_again(
    database: Database, sending: Sending
) -> None:
    await publish(database, range(3))
    await sending.number(after=0)

    await sending.drop(3)
    await publish(database, range(2))

    assert numbers([*await sending.number(after=0)]) == [4, 5]
    assert numbers([*await sending.beyond(0)]) == [4, 5]


async def test_only_what_was_read_is_dropped(database: Database, sending: Sending) -> None:
    await publish(database, range(3))
    await sending.number(after=0)

    await sending.drop(2)

    assert numbers([*await sending.beyond(0)]) == [3]


async def test_numbers_go_on_behind_those_of_a_log_that_is_ahead(
    database: Database, sending: Sending
) -> None:
    await publish(database, range(1))

    numbered = await sending.number(after=70)

    assert numbers([*numbered]) == [71]


async def test_what_somebody_numbered_and_could_not_send_comes_before_anything_newer(
    database: Database, sending: Sending
) -> None:
    await publish(database, range(2))
    numbered = await sending.number(after=0)
    await publish(database, range(3))

    assert [*await sending.number(after=0)] == [*numbered]
    assert [*await sending.number(after=1)] == [*numbered][1:]
    assert numbers([*await sending.number(after=2)]) == [3, 4, 5]


async def test_of_two_that_number_the_same_events_one_is_turned_away(
    database: Database, sending: Sending
) -> None:
    await publish(database, range(5))

    both = await asyncio.gather(
        sending.number(after=0), sending.number(after=0), return_exceptions=True
    )

    assert all(each == [] or isinstance(each, TryAgain) or len(each) == 5 for each in both)  # type: ignore[arg-type]
    assert numbers([*await sending.beyond(0)]) == [1, 2, 3, 4, 5]

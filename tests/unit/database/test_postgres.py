"""PostgreSQL as the second home of the metadata: the promises of ``Database``, outages included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from tintype.database import DatabaseUnavailable, TryAgain, counts, metadata, upsert
from tintype.database.postgres import PostgresDatabase
from tintype.database.settings import DatabaseSettings
from tintype.database.tables import consumer_offsets as offsets
from tintype.database.tables import outbox
from tintype.database.waking import News
from tintype.graph.events import Followed
from tintype.kernel.clock import ManualClock
from tintype.kernel.notice import Notice
from tools.engines.postgres import PostgresServer

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADA, BO = 5 << 10 | 1, 6 << 10 | 1


class Stored(Notice, frozen=True, kw_only=True, tag="stored"):
    pass


async def open_database(url: str, **settings: int) -> PostgresDatabase:
    chosen = DatabaseSettings(url=url, **settings)  # type: ignore[arg-type] # pydantic checks them
    opened = PostgresDatabase(chosen, ManualClock(NOON))
    async with opened.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return opened


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    opened = await open_database(postgres_url)
    yield opened
    await opened.close()


async def _set(database: PostgresDatabase, group: str, position: int) -> None:
    row = {"shard": 0, "consumer_group": group, "position": position}
    async with database.write() as tx:
        await tx.execute(
            upsert(offsets, row, index=["shard", "consumer_group"], update=["position"])
        )


async def _get(database: PostgresDatabase, group: str) -> int | None:
    query = sa.select(offsets.c.position).where(
        offsets.c.shard == 0, offsets.c.consumer_group == group
    )
    async with database.read() as reader:
        found: int | None = await reader.scalar(query)
    return found


async def test_what_was_acknowledged_is_read_and_its_callbacks_have_run(
    database: PostgresDatabase,
) -> None:
    told: list[Notice] = []
    database.notices.hear(Stored, told.append)

    async with database.write() as tx:
        tx.emit(Followed(follower=ADA, followee=BO))
        tx.notify(Stored())
        assert told == []

    async with database.read() as reader:
        assert await reader.scalar(sa.select(sa.func.count()).select_from(outbox)) == 1
    assert told == [Stored()]
    assert database.commits == 1


async def test_an_exception_leaves_nothing_behind(database: PostgresDatabase) -> None:
    told: list[Notice] = []
    database.notices.hear(Stored, told.append)

    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await tx.execute(
                sa.insert(offsets), [{"shard": 0, "consumer_group": "a", "position": 1}]
            )
            tx.notify(Stored())
            _ = 1 / 0

    assert await _get(database, "a") is None
    assert told == []


async def test_a_nested_transaction_is_refused(database: PostgresDatabase) -> None:
    with pytest.raises(RuntimeError, match="already open"):
        async with database.write(), database.write():
            pass


async def test_an_upsert_inserts_then_updates_or_leaves_alone_and_counts(
    database: PostgresDatabase,
) -> None:
    row = {"shard": 0, "consumer_group": "a", "position": 1}
    index = ["shard", "consumer_group"]

    async with database.write() as tx:
        first = await tx.execute(upsert(offsets, row, index=index))
        again = await tx.execute(upsert(offsets, row, index=index))
        raised = await tx.execute(
            upsert(offsets, row, index=index, update={"position": offsets.c.position + 5})
        )

    assert (first, again, raised) == (1, 0, 1)
    assert await _get(database, "a") == 6


async def test_a_lock_makes_two_decisions_take_turns(database: PostgresDatabase) -> None:
    async def take_the_last(name: str) -> bool:
        async with database.write() as tx:
            await tx.lock(BO, ADA)
            taken = await tx.scalar(
                sa.select(offsets.c.position).where(offsets.c.consumer_group == "seat")
            )
            if taken is not None:
                return False
            await asyncio.sleep(0.05)
            row = {"shard": 0, "consumer_group": "seat", "position": len(name)}
            await tx.execute(sa.insert(offsets), [row])
            return True

    got = await asyncio.gather(*(take_the_last(name) for name in ("ada", "bo", "cy")))

    assert sorted(got) == [False, False, True]


async def test_those_who_share_a_lock_go_together_and_hold_up_who_wants_it_alone(
    database: PostgresDatabase,
) -> None:
    both_inside, free = asyncio.Barrier(3), asyncio.Event()

    async def share() -> None:
        async with database.write() as tx:
            await tx.lock(shared=[ADA])
            await both_inside.wait()
            await free.wait()

    async def decide() -> None:
        async with database.write() as tx:
            await tx.lock(ADA)

    sharing = [asyncio.create_task(share()) for _ in range(2)]
    async with asyncio.timeout(10):
        await both_inside.wait()
    alone = asyncio.create_task(decide())
    await asyncio.sleep(0.2)
    held_up = not alone.done()
    free.set()
    await asyncio.gather(*sharing, alone)

    assert held_up


async def test_a_deadlock_is_given_back_undone_to_one_of_the_two(
    database: PostgresDatabase,
) -> None:
    await _set(database, "a", 0)
    await _set(database, "b", 0)

    async def move(first: str, second: str) -> str:
        try:
            async with database.write() as tx:
                for group in (first, second):
                    await tx.execute(
                        sa.update(offsets)
                        .where(offsets.c.shard == 0, offsets.c.consumer_group == group)
                        .values(position=offsets.c.position + 1)
                    )
                    await asyncio.sleep(0.1)
        except TryAgain:
            return "again"
        return "done"

    outcomes = await asyncio.gather(move("a", "b"), move("b", "a"))

    assert sorted(outcomes) == ["again", "done"]
    assert (await _get(database, "a"), await _get(database, "b")) == (1, 1)


async def test_a_taken_key_is_given_back_undone(database: PostgresDatabase) -> None:
    row = {"shard": 0, "consumer_group": "a", "position": 1}
    await _set(database, "a", 1)

    with pytest.raises(TryAgain):
        async with database.write() as tx:
            await tx.execute(sa.insert(offsets), [row])


async def test_lists_of_any_length_are_read(database: PostgresDatabase) -> None:
    subjects = [n << 10 | 1 for n in range(1, 1001)]
    async with database.write() as tx:
        await counts.fold(tx, [Followed(follower=ADA, followee=BO)])

    async with database.read() as reader:
        found = await counts.read(reader, subjects, ["followers", "following"])

    assert found[BO] == {"followers": 1, "following": 0}
    assert found[ADA] == {"followers": 0, "following": 1}


async def test_a_commit_rings_for_what_it_brings(database: PostgresDatabase) -> None:
    events, asked = database.waking.bell(News.EVENTS), database.waking.bell(News.JOBS)

    async with database.write() as tx:
        tx.emit(Followed(follower=ADA, followee=BO))

    async with asyncio.timeout(20):
        await events.rung(30)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asked.rung(30)


async def test_exhausted_connections_are_said_so_and_recover(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tintype.database.postgres_pool._QUEUE_S", 0.3)
    database = await open_database(postgres_url, pool_size=1)

    free = asyncio.Event()

    async def hold() -> None:
        async with database.read():
            await free.wait()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseUnavailable, match="in use"):
        await _get(database, "a")
    free.set()
    await holding

    assert await _get(database, "a") is None
    await database.close()


async def test_reads_within_reads_share_one_connection_and_take_turns(postgres_url: str) -> None:
    database = await open_database(postgres_url, pool_size=1)
    await _set(database, "a", 3)

    async with database.read():
        found = await asyncio.gather(*(_get(database, "a") for _ in range(5)))
        again = await _get(database, "a")

    assert found == [3] * 5
    assert again == 3
    await database.close()


async def test_a_statement_that_takes_too_long_is_given_up(postgres_url: str) -> None:
    database = await open_database(postgres_url, statement_timeout_ms=200)

    with pytest.raises(DatabaseUnavailable):
        async with database.read() as reader:
            await reader.scalar(sa.text("SELECT pg_sleep(30)"))

    assert await _get(database, "a") is None
    await database.close()


async def test_a_cancelled_statement_does_not_spoil_its_connection(postgres_url: str) -> None:
    database = await open_database(postgres_url, pool_size=1)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), database.write() as tx:
            await tx.scalar(sa.text("SELECT pg_sleep(30)"))

    await _set(database, "a", 2)
    assert await _get(database, "a") == 2
    await database.close()


@pytest.mark.slow
async def test_a_killed_server_is_an_outage_and_nothing_acknowledged_is_lost(
    own_postgres: PostgresServer,
) -> None:
    database = await open_database(own_postgres.url)
    await _set(database, "a", 7)
    assert await _get(database, "a") == 7

    own_postgres.kill()
    with pytest.raises(DatabaseUnavailable):
        await _get(database, "a")
    with pytest.raises(DatabaseUnavailable):
        await _set(database, "a", 8)
    own_postgres.start()

    assert await _get(database, "a") == 7
    await _set(database, "a", 9)
    assert await _get(database, "a") == 9
    await database.close()


@pytest.mark.slow
async def test_a_restart_between_two_calls_costs_at_most_one_more_attempt(
    own_postgres: PostgresServer,
) -> None:
    database = await open_database(own_postgres.url)
    await asyncio.gather(*(_get(database, "a") for _ in range(5)))

    own_postgres.stop()
    own_postgres.start()
    with pytest.raises(TryAgain):
        await _get(database, "a")

    assert await asyncio.gather(*(_get(database, "a") for _ in range(5))) == [None] * 5
    await database.close()


@pytest.mark.slow
async def test_a_server_that_hangs_is_an_outage_in_bounded_time(
    own_postgres: PostgresServer,
) -> None:
    database = await open_database(own_postgres.url, statement_timeout_ms=500)
    await _set(database, "a", 1)
    await _get(database, "a")
    loop = asyncio.get_running_loop()

    own_postgres.pause()
    began = loop.time()
    with pytest.raises(DatabaseUnavailable):
        await _get(database, "a")
    with pytest.raises(DatabaseUnavailable):
        await _set(database, "a", 2)
    assert loop.time() - began < 15
    own_postgres.resume()

    assert await _get(database, "a") in {1, 2}
    await database.close()

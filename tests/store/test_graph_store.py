from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from tests.partitions import from_above
from tintype.database import Database, SqliteDatabase
from tintype.graph import store
from tintype.graph.model import h16
from tintype.kernel.ids import shard_of

RELATIONS = [
    pytest.param(store.FOLLOWS, id="follows"),
    pytest.param(store.BLOCKS, id="blocks"),
    pytest.param(store.MUTES, id="mutes"),
    pytest.param(store.REQUESTS, id="requests"),
]


def _accounts(database: Database, count: int) -> list[int]:
    return [database.ids.next(number * 37 % 4096) for number in range(count)]


async def _tie(database: Database, kind: store.Tie, account: int, other: int) -> int | None:
    edge = database.ids.next(shard_of(account))
    async with database.write() as tx:
        return edge if await store.tie(tx, kind, account, other, edge) else None


@pytest.mark.parametrize("kind", RELATIONS)
async def test_a_relation_is_read_from_both_ends_with_one_id(
    database: Database, kind: store.Tie
) -> None:
    ada, bo = _accounts(database, 2)

    edge = await _tie(database, kind, ada, bo)

    async with database.read() as reader:
        assert await store.newest(reader, kind.table, ada, limit=9) == [(edge, bo)]
        assert await store.newest(reader, kind.mirror, bo, limit=9) == [(edge, ada)]
        assert await store.newest(reader, kind.table, bo, limit=9) == []


@pytest.mark.parametrize("kind", RELATIONS)
async def test_a_relation_appears_once_and_vanishes_from_both_ends(
    database: Database, kind: store.Tie
) -> None:
    ada, bo = _accounts(database, 2)
    await _tie(database, kind, ada, bo)

    again = await _tie(database, kind, ada, bo)
    async with database.write() as tx:
        await store.untie(tx, kind, [(ada, bo)])

    assert again is None
    async with database.read() as reader:
        for ends in kind:
            assert (
                await reader.scalar(from_above(sa.select(sa.func.count()).select_from(ends.table)))
                == 0
            )


@pytest.mark.parametrize("ends", [store.FOLLOWING, store.FOLLOWERS], ids=["following", "followers"])
async def test_a_list_runs_newest_first_and_goes_on_below_an_edge(
    database: Database, ends: store.Ends
) -> None:
    cy, *others = _accounts(database, 8)
    for other in others:
        pair = (cy, other) if ends is store.FOLLOWING else (other, cy)
        await _tie(database, store.FOLLOWS, *pair)

    async with database.read() as reader:
        first = await store.newest(reader, ends, cy, limit=3)
        rest = await store.newest(reader, ends, cy, below=first[-1].id, limit=9)

    assert [edge.account for edge in first + rest] == others[::-1]


async def test_among_finds_exactly_those_who_follow_out_of_many(database: Database) -> None:
    cy, *others = _accounts(database, 200)
    fans = others[::3]
    for fan in fans:
        await _tie(database, store.FOLLOWS, fan, cy)

    async with database.read() as reader:
        found = await store.among(reader, store.FOLLOWERS, cy, others)
        nobody = await store.among(reader, store.FOLLOWERS, cy, [])

    assert found == frozenset(fans)
    assert nobody == frozenset()


async def test_followers_come_in_the_order_of_their_hash_from_behind_anybody(
    database: Database,
) -> None:
    cy, *others = _accounts(database, 100)
    for other in others:
        await _tie(database, store.FOLLOWS, other, cy)
    ordered = sorted(others, key=lambda account: (h16(account), account))
    gone = ordered[40]
    async with database.write() as tx:
        await store.untie(tx, store.FOLLOWS, [(gone, cy)])

    async with database.read() as reader:
        behind = await store.followers_after(reader, cy, gone, 1_000)
        first = await store.followers_after(reader, cy, None, 10)

    assert first == ordered[:10]
    assert behind == ordered[41:]


async def test_the_mirror_equals_the_truth_after_any_mix_of_changes(
    database: Database,
) -> None:
    people = _accounts(database, 12)
    dice = random.Random(7)
    model: set[tuple[int, int]] = set()
    for _ in range(400):
        one, other = dice.sample(people, 2)
        if (one, other) in model:
            async with database.write() as tx:
                await store.untie(tx, store.FOLLOWS, [(one, other)])
        else:
            await _tie(database, store.FOLLOWS, one, other)
        model ^= {(one, other)}

    async with database.read() as reader:
        truth = await reader.all(from_above(sa.select(store.FOLLOWING.table)))
        mirror = await reader.all(from_above(sa.select(store.FOLLOWERS.table)))
        counted = {one: await store.count(reader, store.FOLLOWING, one) for one in people}

    assert {(row.follower, row.followee) for row in truth} == model
    assert {(row.follower, row.followee, row.id) for row in truth} == {
        (row.follower, row.followee, row.id) for row in mirror
    }
    assert counted == {one: sum(pair[0] == one for pair in model) for one in people}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", RELATIONS)
async def test_every_question_is_answered_by_an_index(database: Database, kind: store.Tie) -> None:
    assert isinstance(database, SqliteDatabase)
    asked: list[str] = []

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    async with database.read() as reader:
        for ends in kind:
            await store.newest(reader, ends, 1, below=9, limit=9)
            await store.everyone(reader, ends, 1)
            await store.count(reader, ends, 1)
            await store.among(reader, ends, 1, [2, 3])
        await store.followers_after(reader, 1, 2, 9)

    sa.event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        for statement in asked:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", (1,) * statement.count("?")
            )
            steps = [row[3] for row in plan]
            assert all("SEARCH" in step for step in steps if "SCAN" in step or "SEARCH" in step)
            assert not any("TEMP B-TREE" in step for step in steps), (statement, steps)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_who_follows_is_found_by_whole_keys_however_many_follow(database: Database) -> None:
    assert isinstance(database, SqliteDatabase)

    @sa.event.listens_for(database.engine, "before_cursor_execute", retval=True)
    def explain(
        _c: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> tuple[str, object]:
        return f"EXPLAIN QUERY PLAN {statement}", parameters

    at = {"shard": 1, "account": 5}
    async with database.read() as reader:
        plan = await store._FOLLOWERS_AMONG.pairs(reader, [(7, 1), (8, 2), (9, 3)], at)
    steps = [str(tuple(row)[-1]) for row in plan]
    sa.event.remove(database.engine, "before_cursor_execute", explain)

    searches = [step for step in steps if step.startswith(("SEARCH", "SCAN"))]
    assert len(searches) == 3
    whole = "(shard=? AND followee=? AND h16=? AND follower=?)"
    assert all(whole in step for step in searches)

"""A master dies, and what its replica never heard of is not missed by anybody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.timelines import END, everything, ready
from tintype.adapters.redis.cache import RedisCache
from tintype.adapters.redis.client import Redis, slot_of
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.timelines import RedisTimelines, tag_of
from tintype.kernel.clock import ManualClock
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import CAP, TimelineState
from tools.engines.redis import RedisCluster, RedisSentinel

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = range(100, 160)
READY, ABSENT = TimelineState.READY, TimelineState.ABSENT


@pytest.fixture
def sentinel(redis_program: str, tmp_path: Path) -> Iterator[RedisSentinel]:
    group = RedisSentinel(tmp_path)
    group.start()
    yield group
    group.kill()


@pytest.fixture
def cluster(redis_program: str, tmp_path: Path) -> Iterator[RedisCluster]:
    cluster = RedisCluster(tmp_path)
    cluster.start()
    yield cluster
    cluster.kill()


def timelines_on(url: str) -> RedisTimelines:
    settings = RedisSettings(url=SecretStr(url), timeout_ms=500)
    return RedisTimelines(Redis(settings), ManualClock(START))


async def answered(call: Callable[[], Awaitable[TimelineState]]) -> TimelineState:
    """The first answer, after however many refusals there are in half a minute."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return await call()
        except Unavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def state_of(timelines: RedisTimelines, account: int) -> TimelineState:
    return (await timelines.page(account, END, 20)).state


async def test_a_promoted_replica_that_missed_deliveries_is_trusted_with_nothing(
    sentinel: RedisSentinel,
) -> None:
    timelines, fresh = timelines_on(sentinel.url), timelines_on(sentinel.url)
    await ready(timelines, 1, [10])
    master = sentinel.master()
    (replica,) = (node for node in sentinel.nodes if node is not master)
    await asyncio.sleep(0.3)
    assert replica.ask("DBSIZE") == "3"

    replica.pause()
    assert await timelines.push([1], 11) == 1
    master.kill()
    replica.resume()

    assert await answered(lambda: state_of(timelines, 1)) is ABSENT
    # A process that has seen nothing of the old master does not trust it either.
    assert await answered(lambda: state_of(fresh, 1)) is ABSENT
    await ready(timelines, 1, [11, 10])
    assert await fresh.push([1], 12) == 1
    assert await everything(fresh, 1) == [12, 11, 10]
    await timelines.close()
    await fresh.close()


async def test_the_old_master_comes_back_as_a_replica_and_harms_nobody(
    sentinel: RedisSentinel,
) -> None:
    timelines = timelines_on(sentinel.url)
    await ready(timelines, 1, [10])
    old = sentinel.master()
    old.kill()
    await answered(lambda: state_of(timelines, 1))
    await ready(timelines, 1, [10, 9])

    old.start()
    await asyncio.to_thread(_wait_for, lambda: "role:slave" in old.ask("INFO", "replication"))

    assert await answered(lambda: state_of(timelines, 1)) is READY
    assert await everything(timelines, 1) == [10, 9]
    await timelines.close()


async def test_when_a_master_of_the_cluster_dies_only_its_timelines_are_rebuilt(
    cluster: RedisCluster,
) -> None:
    timelines = timelines_on(cluster.url)
    for account in ACCOUNTS:
        await ready(timelines, account, [10])
    victim = cluster.masters()[0]
    held = {account for account in ACCOUNTS if await _is_on(timelines, account, victim.port)}
    await asyncio.sleep(0.3)

    victim.kill()
    states = {
        account: await answered(lambda account=account: state_of(timelines, account))  # type: ignore[misc]
        for account in ACCOUNTS
    }

    assert 0 < len(held) < len(ACCOUNTS)
    assert {account for account, state in states.items() if state is ABSENT} == held
    for account in held:
        await ready(timelines, account, [10])
    assert await timelines.push(ACCOUNTS, 11) == len(ACCOUNTS)
    for account in ACCOUNTS:
        assert await everything(timelines, account) == [11, 10]
    await timelines.close()


async def test_the_others_answer_while_a_master_of_the_cluster_is_dead(
    cluster: RedisCluster,
) -> None:
    timelines = timelines_on(cluster.url)
    for account in ACCOUNTS:
        await ready(timelines, account, [10])
    victim = cluster.masters()[0]
    held = {account for account in ACCOUNTS if await _is_on(timelines, account, victim.port)}

    victim.kill()
    with pytest.raises(Unavailable):
        await timelines.push(list(held), 11)

    for account in set(ACCOUNTS) - held:
        assert await state_of(timelines, account) is READY
    await timelines.close()


async def test_a_cluster_of_which_nobody_answers_costs_one_timeout(cluster: RedisCluster) -> None:
    timelines = timelines_on(cluster.url)
    cluster.pause()

    begun = time.monotonic()
    for account in ACCOUNTS:
        with pytest.raises(Unavailable):
            await timelines.page(account, END, 20)

    # Sixty timeouts would be half a minute.
    assert time.monotonic() - begun < 5
    cluster.resume()
    await asyncio.sleep(1.1)
    assert await answered(lambda: state_of(timelines, 1)) is ABSENT
    await timelines.close()


async def test_a_slot_on_the_move_is_followed_to_its_new_server(cluster: RedisCluster) -> None:
    timelines = timelines_on(cluster.url)
    cache = RedisCache(timelines._redis)
    tag = tag_of(1)
    slot = str(slot_of(tag))
    source, target, *_ = sorted(
        cluster.masters(), key=lambda node: slot not in _own_slots(node.ask("CLUSTER", "NODES"))
    )
    names = {node.port: node.ask("CLUSTER", "MYID") for node in (source, target)}
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source.port])
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target.port])

    # The slot is still the source's, which sends askers on for what it does not hold.
    held = await cache.get([tag.decode()])
    await cache.fill(held.lease, {tag.decode(): b"1"})
    assert (await cache.get([tag.decode()])).values == {tag.decode(): b"1"}
    assert target.ask("CLUSTER", "COUNTKEYSINSLOT", slot) == "1"
    # What needs several keys has to wait until the move is over.
    with pytest.raises(Unavailable):
        await timelines.begin(1, CAP)

    for node in (target, source):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", names[target.port])
    await ready(timelines, 1, [11])
    assert await timelines.push([1, 2, 3], 12) == 1
    assert await everything(timelines, 1) == [12, 11]
    assert target.ask("CLUSTER", "COUNTKEYSINSLOT", slot) == "4"
    await timelines.close()


async def test_an_advanced_epoch_reaches_every_server_of_the_cluster(cluster: RedisCluster) -> None:
    one, other = timelines_on(cluster.url), timelines_on(cluster.url)
    for account in ACCOUNTS:
        await ready(one, account, [10])

    await other.advance_epoch()

    assert {await state_of(one, account) for account in ACCOUNTS} == {ABSENT}
    await one.close()
    await other.close()


async def _is_on(timelines: RedisTimelines, account: int, port: int) -> bool:
    node = (await timelines._redis.servers())[slot_of(tag_of(account))]
    return node is not None and node.port == port


def _own_slots(nodes: str) -> set[str]:
    (mine,) = (line for line in nodes.splitlines() if "myself" in line)
    found: set[str] = set()
    for piece in mine.split()[8:]:
        first, _, last = piece.partition("-")
        found |= {str(slot) for slot in range(int(first), int(last or first) + 1)}
    return found


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)

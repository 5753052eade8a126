"""What the doctor says about a Redis."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from tintype.adapters.redis.checks import Remark, examine, facts_of, judge
from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.settings import RedisSettings
from tools.engines.redis import RedisCluster, RedisServer

INFO = {"redis_version": "7.0.15", "used_memory": "1000", "maxmemory": "1000000"}
CONFIG = {
    "zset-max-listpack-entries": "1024",
    "maxmemory": "1000000",
    "maxmemory-policy": "volatile-lru",
    "appendonly": "yes",
    "appendfsync": "everysec",
}


def complaints(remarks: list[Remark]) -> dict[str, str]:
    return {remark.name: remark.level for remark in remarks if remark.level != "ok"}


def test_a_redis_that_is_set_up_well_gives_no_cause_for_complaint() -> None:
    assert complaints(list(judge(INFO, CONFIG))) == {}
    replicated = CONFIG | {"min-replicas-to-write": "1"}
    assert complaints(list(judge(INFO | {"connected_slaves": "1"}, replicated))) == {}


@pytest.mark.parametrize(
    ("info", "config", "name", "level"),
    [
        ({"redis_version": "6.2.1"}, {}, "redis version", "failed"),
        ({"redis_version": ""}, {}, "redis version", "failed"),
        ({"used_memory": "990000"}, {}, "redis memory", "degraded"),
        ({}, {"zset-max-listpack-entries": "128"}, "redis timelines", "degraded"),
        ({}, {"maxmemory": "0"}, "redis eviction", "degraded"),
        ({}, {"maxmemory-policy": "noeviction"}, "redis eviction", "degraded"),
        ({}, {"maxmemory-policy": "allkeys-lru"}, "redis eviction", "degraded"),
        ({}, {"appendonly": "no"}, "redis persistence", "degraded"),
        ({}, {"appendfsync": "always"}, "redis persistence", "degraded"),
        ({"aof_last_write_status": "err"}, {}, "redis persistence", "failed"),
        ({"connected_slaves": "2"}, {}, "redis replication", "degraded"),
    ],
)
def test_each_shortcoming_is_named_alone(
    info: dict[str, str], config: dict[str, str], name: str, level: str
) -> None:
    remarks = list(judge(INFO | info, CONFIG | config))

    assert complaints(remarks) == {name: level}


def test_a_server_that_hides_its_settings_is_asked_for_nothing_more() -> None:
    assert complaints(list(judge(INFO, None))) == {"redis settings": "degraded"}


def test_the_lines_of_info_become_facts() -> None:
    assert facts_of(b"# Server\r\nredis_version:7.0.15\r\n\r\nos:Linux: x\r\n") == {
        "redis_version": "7.0.15",
        "os": "Linux: x",
    }


async def test_a_real_server_is_examined_and_a_dead_one_is_reported(
    redis_program: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path, config={"zset-max-listpack-entries": "128"})
    server.start()
    redis = Redis(RedisSettings(url=SecretStr(server.url)))

    remarks = await examine(redis)
    server.kill()
    dead = await examine(redis)

    assert complaints(remarks) == {"redis timelines": "degraded", "redis eviction": "degraded"}
    assert all(f":{server.port}: " in remark.detail for remark in remarks)
    assert complaints(dead) == {"redis": "failed"}
    await redis.close()


async def test_slots_without_a_server_are_reported(redis_program: str, tmp_path: Path) -> None:
    cluster = RedisCluster(tmp_path, replicas=0)
    cluster.start()
    cluster.nodes[0].ask("CLUSTER", "DELSLOTS", "5")
    redis = Redis(
        RedisSettings(url=SecretStr(f"redis+cluster://127.0.0.1:{cluster.nodes[0].port}"))
    )

    assert complaints(await examine(redis))["redis cluster"] == "degraded"
    await redis.close()
    cluster.kill()


async def test_every_master_of_a_cluster_is_examined(redis_cluster: RedisCluster) -> None:
    redis = Redis(RedisSettings(url=SecretStr(redis_cluster.url)))

    remarks = await examine(redis)

    assert sum(remark.name == "redis version" for remark in remarks) == 3
    await redis.close()

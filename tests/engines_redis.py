"""Real Redis servers for tests, started once for each worker that asks for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.missing import missing
from tools.engines.process import EngineMissing, program
from tools.engines.redis import RedisCluster, RedisSentinel, RedisServer


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The server's program; a machine without it skips these tests, CI never does."""
    try:
        return program("redis-server")
    except EngineMissing as error:
        missing("Redis", error)


@pytest.fixture(scope="session")
def redis_server(
    redis_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis_sentinel(
    redis_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisSentinel]:
    group = RedisSentinel(tmp_path_factory.mktemp("sentinel"))
    group.start()
    yield group
    group.kill()


@pytest.fixture(scope="session")
def redis_cluster(
    redis_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisCluster]:
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.kill()

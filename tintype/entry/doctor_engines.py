"""What the doctor says about PostgreSQL, Redis and Kafka, when an instance stands on them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from tintype.admin import Finding
from tintype.entry.settings import Settings

_SECONDS = 10.0
_SAFE = {
    "fsync": ("on", "A power cut loses acknowledged writes. Set fsync = on."),
    "full_page_writes": ("on", "A power cut can tear pages. Set full_page_writes = on."),
    "data_checksums": ("on", "Damage of the disk goes unseen. Run: pg_checksums --enable"),
}
_OLDEST_POSTGRESQL = 140_000
_REPLICAS = 3


def examine_engines(settings: Settings) -> Iterator[Finding]:
    """Every finding about the engines of these settings."""
    if settings.database.url is not None:
        yield from _run("postgresql", _postgresql(settings))
    if settings.redis.url is not None:
        yield from _run("redis", _redis(settings))
    if settings.kafka.bootstrap is not None:
        yield from _run("kafka", _kafka(settings))


def _run(name: str, look: Coroutine[Any, Any, list[Finding]]) -> list[Finding]:
    async def bounded() -> list[Finding]:
        async with asyncio.timeout(_SECONDS):
            return await look

    try:
        return asyncio.run(bounded())
    except Exception as error:  # noqa: BLE001 - whatever breaks a look is its finding
        return [Finding(name, "failed", f"{type(error).__name__}: {error}".rstrip(": "))]


async def _postgresql(settings: Settings) -> list[Finding]:
    import sqlalchemy as sa

    from tintype.database.postgres import PostgresDatabase
    from tintype.kernel.clock import SystemClock

    database = PostgresDatabase(settings.database, SystemClock())
    try:
        async with database.read() as reader:
            said = {
                row.name: row.setting
                for row in await reader.all(sa.text("SELECT name, setting FROM pg_settings"))
            }
    finally:
        await database.close()
    return [*_judged(said, settings.database.pool_size)]


def _judged(said: dict[str, str], pool: int) -> Iterator[Finding]:
    version = said["server_version"]
    if int(said["server_version_num"]) < _OLDEST_POSTGRESQL:
        yield Finding("postgresql", "failed", f"Version {version}; Tintype needs 14 or newer.")
    else:
        yield Finding("postgresql", detail=f"Version {version}.")
    for name, (right, fix) in _SAFE.items():
        if (value := said.get(name)) != right:
            detail = f"It is {value}. {fix}"
            yield Finding(f"postgresql {name}", "failed" if name == "fsync" else "degraded", detail)
    room, wanted = int(said["max_connections"]), 2 * pool
    text = f"One process opens up to {wanted} of {room} connections."
    if wanted * 2 > room:
        fix = "Raise max_connections, lower database.pool_size, or put a pooler before it."
        yield Finding("postgresql connections", "degraded", f"{text} {fix}")
    else:
        yield Finding("postgresql connections", detail=text)


async def _redis(settings: Settings) -> list[Finding]:
    from tintype.adapters.redis.checks import examine
    from tintype.adapters.redis.client import Redis

    redis = Redis(settings.redis)
    try:
        return [Finding(each.name, each.level, each.detail) for each in await examine(redis)]
    finally:
        await redis.close()


async def _kafka(settings: Settings) -> list[Finding]:
    from confluent_kafka.admin import AdminClient

    client = AdminClient(settings.kafka.client())
    cluster = await asyncio.to_thread(client.list_topics, timeout=_SECONDS / 2)
    topic = cluster.topics.get(settings.kafka.topic)
    brokers = len(cluster.brokers)
    found = [Finding("kafka", detail=f"{brokers} brokers answer.")]
    if topic is None:
        fix = "The relay makes it when it starts."
        return [*found, Finding("kafka topic", "degraded", f"No {settings.kafka.topic}. {fix}")]
    copies = min(len(part.replicas) for part in topic.partitions.values())
    text = f"{settings.kafka.topic}: {len(topic.partitions)} partitions, {copies} copies of each."
    if copies < _REPLICAS:
        fix = "Losing that broker's disk loses events that nobody handled yet: keep 3 copies."
        return [*found, Finding("kafka topic", "degraded", f"{text} {fix}")]
    return [*found, Finding("kafka topic", detail=text)]

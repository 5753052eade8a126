"""Whether a Redis is set up for its work: pure rules over what it says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tintype.adapters.redis.client import Redis
from tintype.adapters.redis.words import pack
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import HEAVY_CAP

OLDEST = (7, 0)
"""The oldest version that the scripts run on."""

LISTPACK = 1024
"""``zset-max-listpack-entries``: above any timeline while it is built."""

_LISTPACK_VALUE = 8
_MEMORY_WARNING = 0.9

Level = Literal["ok", "degraded", "failed"]


class Remark(NamedTuple):
    """One thing that was looked at, and what to do about it."""

    name: str
    level: Level
    detail: str


async def examine(redis: Redis) -> list[Remark]:
    """What is to be said about every server that ``redis`` knows, or that none answers."""
    try:
        said = await redis.everywhere([pack("INFO"), pack("CONFIG", "GET", "*")])
    except Unavailable as error:
        return [Remark("redis", "failed", f"{error} Check redis.url, and that the server runs.")]
    remarks: list[Remark] = []
    if redis.unserved:
        fix = "Run: redis-cli --cluster check"
        remarks.append(Remark("redis cluster", "degraded", f"Some slots have no server. {fix}"))
    for address, (info, config) in said.items():
        where = f"{address.host}:{address.port}"
        # Hosted servers may refuse CONFIG; what it would say is then not known.
        known = _pairs(config) if isinstance(config, list) else None
        if isinstance(info, bytes):
            found = judge(facts_of(info), known)
            remarks += [Remark(name, level, f"{where}: {said}") for name, level, said in found]
    return remarks


def judge(info: Mapping[str, str], config: Mapping[str, str] | None) -> Iterator[Remark]:
    """What is to be said about one server; ``config`` is ``None`` when it keeps that to itself."""
    yield _version(info)
    yield _memory(info)
    if config is None:
        fix = f"See to it that zset-max-listpack-entries is {LISTPACK} or more."
        yield Remark("redis settings", "degraded", f"CONFIG GET is not allowed. {fix}")
        return
    yield _listpack(config)
    yield _eviction(config)
    yield _persistence(info, config)
    if int(info.get("connected_slaves", "0")) > 0:
        yield _replication(config)


def facts_of(info: bytes) -> dict[str, str]:
    """The answer to INFO."""
    lines = info.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _version(info: Mapping[str, str]) -> Remark:
    # Valkey says which Redis it behaves like, and its own version beside it.
    version = info.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Remark("redis version", "failed", f"{version or 'Unknown'}; it needs {oldest}.")
    return Remark("redis version", "ok", info.get("valkey_version", version))


def _memory(info: Mapping[str, str]) -> Remark:
    used, limit = int(info.get("used_memory", "0")), int(info.get("maxmemory", "0"))
    if limit and used > limit * _MEMORY_WARNING:
        fix = "Timelines are evicted and built anew. Raise maxmemory."
        return Remark("redis memory", "degraded", f"{used / limit:.0%} of maxmemory. {fix}")
    return Remark("redis memory", "ok", f"{used / 2**20:,.0f} MiB.")


def _listpack(config: Mapping[str, str]) -> Remark:
    entries = int(config.get("zset-max-listpack-entries", "0"))
    value = int(config.get("zset-max-listpack-value", "64"))
    if entries < LISTPACK or value < _LISTPACK_VALUE:
        fix = f"Set zset-max-listpack-entries to {LISTPACK}; timelines shrink as they are rebuilt."
        why = f"Timelines of {HEAVY_CAP} entries take ten times the memory."
        return Remark("redis timelines", "degraded", f"It is {entries}. {why} {fix}")
    return Remark("redis timelines", "ok", f"Compact up to {entries} entries.")


def _eviction(config: Mapping[str, str]) -> Remark:
    policy, limit = config.get("maxmemory-policy", ""), int(config.get("maxmemory", "0"))
    if not limit:
        fix = "Set maxmemory to three quarters of it."
        return Remark("redis eviction", "degraded", f"Redis may take all memory. {fix}")
    if policy == "noeviction":
        fix = "Set maxmemory-policy to volatile-lru."
        return Remark("redis eviction", "degraded", f"A full Redis refuses all writes. {fix}")
    if policy.startswith("allkeys"):
        fix = "Set maxmemory-policy to volatile-lru."
        why = "Evicting the epoch or the notices costs every timeline and cached fact at once."
        return Remark("redis eviction", "degraded", f"It is {policy}. {why} {fix}")
    return Remark("redis eviction", "ok", f"{policy}.")


def _persistence(info: Mapping[str, str], config: Mapping[str, str]) -> Remark:
    if info.get("aof_last_write_status", "ok") != "ok":
        return Remark("redis persistence", "failed", "The append-only file can not be written.")
    if config.get("appendonly") != "yes":
        fix = "Set appendonly to yes and appendfsync to everysec."
        why = "Rate limits and notices are lost with a restart."
        return Remark("redis persistence", "degraded", f"There is no append-only file. {why} {fix}")
    how = config.get("appendfsync", "")
    if how == "always":
        fix = "Set appendfsync to everysec."
        return Remark("redis persistence", "degraded", f"Every write waits for the disk. {fix}")
    return Remark("redis persistence", "ok", f"Append-only file, fsync {how}.")


def _replication(config: Mapping[str, str]) -> Remark:
    if int(config.get("min-replicas-to-write", "0")) < 1:
        fix = "Set min-replicas-to-write to 1 and min-replicas-max-lag to 10."
        why = "A master that is cut off from its replicas goes on taking writes that will be lost."
        return Remark("redis replication", "degraded", f"{why} {fix}")
    return Remark("redis replication", "ok", "Writes need a replica that keeps up.")


def _pairs(config: list[bytes]) -> dict[str, str]:
    words = [word.decode(errors="replace") for word in config]
    return dict(zip(words[::2], words[1::2], strict=True))

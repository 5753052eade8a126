"""What can happen to a fleet: each fault with what it may cost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from confluent_kafka import Producer

from tests.trust.fleet_faults import Rig

Deed = Callable[[Rig], Awaitable[None]]
_CHRONOLOGICAL = frozenset({"chronological"})
_GATHERED = _CHRONOLOGICAL | {"database"}
_LADDER = _GATHERED | {"trending"}
_SLOW_MS = 2000
_LOG_S = 120.0
"""A broker that came back has its groups and transactions to sort out before anything moves."""
_TOPIC = "tintype.events"
_BEHIND = ("worker-feed", "worker-rest", "worker-media", "relay")
_ASLEEP = ("worker-feed", "worker-rest", "relay")
_SKEW = {"api-2": "clock+300", "worker-rest": "clock-300", "relay": "clock-300"}


async def nothing(_: Rig) -> None:
    """It heals by itself."""


@dataclass(frozen=True)
class Fault:
    """Something that happens, and the figures that it must stay within."""

    name: str
    experiment: str
    strike: Deed
    heal: Deed = nothing
    hold_s: float = 4.0
    long_hold_s: float = 0.0
    """How long it lasts in the long version, when that is longer."""
    tiers: frozenset[str] = _CHRONOLOGICAL
    """What may answer feeds meanwhile."""
    refused: float = 0.001
    """The share of feed reads that may be refused."""
    recovery_s: float = 60.0
    """From healing until both doors are healthy and a new post arrives."""
    equal_s: float = 120.0
    """From healing until every feed, count and notification is right."""
    writes: bool = True
    """Whether every write must be acknowledged at the first attempt."""
    notices: bool = True
    """Whether the processes hear each other, so that both doors hide things at once."""
    always: bool = False
    """Whether continuous integration lives through it, too; the others are for the long version."""


def _blocking(deed: Callable[[Rig], object]) -> Deed:
    """The deed on a thread, while people go on."""

    async def do(rig: Rig) -> None:
        await rig.do(deed, rig)

    return do


def _flush(rig: Rig) -> None:
    for node in rig.redis.nodes:
        node.ask("FLUSHALL")


def _spoil(rig: Rig) -> None:
    """By turns: another type, half a value, bytes of somebody else, a set of somebody else."""
    for node in rig.redis.nodes:
        for number, key in enumerate(sorted(node.ask("KEYS", "*").splitlines())):
            match number % 4:
                case 0:
                    node.ask("DEL", key)
                    node.ask("HSET", key, "foreign", "value")
                case 1:
                    node.ask("SET", key, "R")
                case 2:
                    node.ask("SET", key, "\x01\x7f" * 300)
                case _:
                    node.ask("DEL", key)
                    node.ask("ZADD", key, "1", "somebody-else")


def _slow(rig: Rig) -> None:
    for link in rig.links.values():
        link.slow(_SLOW_MS)


def _reset(rig: Rig) -> None:
    for link in rig.links.values():
        link.reset()


def _mend(rig: Rig) -> None:
    for link in rig.links.values():
        link.mend()


def _wipe(rig: Rig) -> None:
    """In the middle of everything: some groups have read what others have not."""
    rig.kafka.kill()
    shutil.rmtree(rig.kafka.folder / "log")


def _pour_poison(rig: Rig) -> None:
    """Messages of somebody else, and what says that it is ours and can not be read."""
    producer = Producer({"bootstrap.servers": rig.kafka.bootstrap})
    for number in range(20):
        kind: dict[str, str | bytes | None] = {"kind": "post_published", "id": str(number)}
        producer.produce(
            _TOPIC, b"\xff{not json", str(number).encode(), headers=kind if number % 2 else {}
        )
    assert producer.flush(10) == 0


async def _kill_in_turns(rig: Rig) -> None:
    """Three times, in the middle of whatever they do."""
    for _ in range(3):
        for name in _BEHIND:
            rig.roles[name].kill()
        await asyncio.gather(*(rig.do(rig.roles[name].start) for name in _BEHIND))


def _sleep(rig: Rig) -> None:
    """They keep their leases and partitions, and believe in them when they wake."""
    for name in _ASLEEP:
        rig.roles[name].process.pause()


def _wake(rig: Rig) -> None:
    for name in _ASLEEP:
        rig.roles[name].process.resume()


def _roll(rig: Rig) -> None:
    """Every role is drained and started again, one after the other."""
    for role in rig.roles.values():
        role.plant()


async def _shift_clocks(rig: Rig) -> None:
    """One API process five minutes ahead; a worker and the relay five minutes behind."""
    await asyncio.gather(*(rig.do(rig.roles[name].plant, by) for name, by in _SKEW.items()))


async def _set_clocks(rig: Rig) -> None:
    await asyncio.gather(*(rig.do(rig.roles[name].plant) for name in _SKEW))


_START_REDIS = _blocking(lambda rig: rig.redis.start())
_MEND_REDIS = _blocking(_mend)
_KILL_KAFKA = _blocking(lambda rig: rig.kafka.kill())
_START_KAFKA = _blocking(lambda rig: rig.kafka.start())
_START_POSTGRES = _blocking(lambda rig: rig.postgres.start())

FAULTS = (
    Fault(
        "Redis flushed",
        "E5",
        _blocking(_flush),
        hold_s=2,
        tiers=_GATHERED,
        always=True,
    ),
    Fault(
        "Redis killed, then started",
        "E5",
        _blocking(lambda rig: rig.redis.kill()),
        _START_REDIS,
        hold_s=3,
        long_hold_s=6,
        tiers=_GATHERED,
        notices=False,
        always=True,
    ),
    Fault(
        "Redis paused",
        "E5",
        _blocking(lambda rig: rig.redis.pause()),
        _blocking(lambda rig: rig.redis.resume()),
        hold_s=3,
        long_hold_s=60,
        tiers=_GATHERED,
        notices=False,
        always=True,
    ),
    Fault(
        "Redis slow by 2 s",
        "E5",
        _blocking(_slow),
        _MEND_REDIS,
        hold_s=4,
        long_hold_s=60,
        tiers=_GATHERED,
        notices=False,
        always=True,
    ),
    Fault(
        "Redis connections reset",
        "E5",
        _blocking(_reset),
        _MEND_REDIS,
        hold_s=4,
        long_hold_s=60,
        tiers=_GATHERED,
        notices=False,
    ),
    Fault(
        "Redis values are not ours",
        "E5",
        _blocking(_spoil),
        hold_s=2,
        tiers=_GATHERED,
        notices=False,
        always=True,
    ),
    Fault(
        "one Redis Cluster node killed",
        "E5",
        _blocking(lambda rig: rig.holder_of_notices().kill()),
        _START_REDIS,
        hold_s=6,
        tiers=_GATHERED,
        notices=False,
    ),
    Fault(
        "Kafka down",
        "E6",
        _KILL_KAFKA,
        _START_KAFKA,
        hold_s=4,
        long_hold_s=120,
        recovery_s=_LOG_S,
        always=True,
    ),
    Fault(
        "Kafka killed mid-stream",
        "E6",
        _KILL_KAFKA,
        _START_KAFKA,
        hold_s=0,
        recovery_s=_LOG_S,
    ),
    Fault(
        "Kafka wiped",
        "E6",
        _blocking(_wipe),
        _START_KAFKA,
        hold_s=1,
        recovery_s=_LOG_S,
        always=True,
    ),
    Fault("messages that nobody can read", "E6", _blocking(_pour_poison), hold_s=2),
    Fault("consumers and relay killed mid-batch", "E6", _kill_in_turns, hold_s=0),
    Fault(
        "consumers and relay asleep for 12 s", "E6", _blocking(_sleep), _blocking(_wake), hold_s=12
    ),
    Fault(
        "two relays",
        "E6",
        _blocking(lambda rig: rig.spare.start()),
        _blocking(lambda rig: rig.spare.kill()),
        hold_s=4,
    ),
    Fault(
        "PostgreSQL restarted",
        "N5",
        _blocking(lambda rig: rig.postgres.stop()),
        _START_POSTGRES,
        hold_s=2,
        tiers=_LADDER,
        refused=0.02,
        writes=False,
        always=True,
    ),
    Fault(
        "PostgreSQL killed",
        "N5",
        _blocking(lambda rig: rig.postgres.kill()),
        _START_POSTGRES,
        hold_s=4,
        tiers=_LADDER,
        refused=0.02,
        writes=False,
    ),
    Fault(
        "PostgreSQL silent for 5 s",
        "N5",
        _blocking(lambda rig: rig.postgres.pause()),
        _blocking(lambda rig: rig.postgres.resume()),
        hold_s=5,
        tiers=_LADDER,
        refused=0.02,
        writes=False,
    ),
    Fault(
        "S3 down while people upload",
        "N9",
        _blocking(lambda rig: rig.s3.kill()),
        _blocking(lambda rig: rig.s3.start()),
        hold_s=3,
        long_hold_s=6,
        writes=False,
        always=True,
    ),
    Fault(
        "clocks five minutes apart",
        "E12",
        _shift_clocks,
        _set_clocks,
        hold_s=5,
        writes=False,
    ),
    Fault(
        "every role restarted in turn",
        "E20",
        _blocking(_roll),
        hold_s=0,
        writes=False,
        tiers=_GATHERED,
    ),
)

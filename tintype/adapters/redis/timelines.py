"""Timelines in Redis: two small keys an account, one round trip a page, 2 000 deliveries under way.

See ``timeline_scripts`` for what is stored. A timeline is trusted only under the epoch and reign it
was built in, and only when both of its keys are there and belong together.
"""

from __future__ import annotations

import secrets
import struct
from asyncio import Task, create_task, gather, sleep
from binascii import b2a_base64
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from tintype.adapters.redis import timeline_scripts as scripts
from tintype.adapters.redis.client import SLOTS, Redis, slot_of, slot_tags
from tintype.adapters.redis.settings import Address
from tintype.adapters.redis.wire import Reply
from tintype.adapters.redis.words import Script
from tintype.kernel.clock import Clock
from tintype.kernel.ids import MAX_ID, Id, shard_of
from tintype.ports.timelines import HEAVY_CAP, TimelinePage, TimelineState

IDLE_MS = 7 * 24 * 3600 * 1000
"""An account that has not read for this long holds no timeline."""

BUILD_MS = 30_000
"""A build that has not finished by then was abandoned."""

BATCH = 1_000
"""Deliveries in one write; two of these are under way to one server at a time."""

GROUP = 40
"""Deliveries in one call of the script, where that may be: a page waits 1 ms for it."""

_ABSENT = TimelinePage((), 0, TimelineState.ABSENT)
_READY = ord("R")
_STATE = 14
_ANOTHER_REIGN = 1
_EPOCH_KEY = b"e"

_PAGE_HEAD = b"*10\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n3\r\n" % scripts.PAGE.sha
_PUSH_HEAD = b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n" % scripts.PUSH.sha


class RedisTimelines:
    """Keeps every promise of the port ``Timelines`` on a Redis, a Sentinel group or a Cluster.

    Deliveries travel on connections of their own, so that pages never wait behind them. ``redis``
    is closed with the timelines.
    """

    def __init__(
        self, redis: Redis, clock: Clock, *, idle_ms: int = IDLE_MS, build_ms: int = BUILD_MS
    ) -> None:
        self._redis = redis
        self._bulk = redis.sibling()
        self._clock = clock
        self._idle_ms = idle_ms
        self._build_ms = build_ms
        self._epoch = 0
        text = b"%d" % idle_ms
        self._page_end = b"$%d\r\n%b\r\n" % (len(text), text)
        self._epoch_key = lru_cache(SLOTS)(self._epoch_key_of)
        self._page_tail = lru_cache(SLOTS)(self._page_tail_of)

    async def push(self, accounts: Sequence[Id], post: Id) -> int:
        if not accounts:
            return 0
        tail = b"$8\r\n%b\r\n" % entry_of(post)
        if not self._bulk.clustered:
            return await self._carry(accounts, [0] * len(accounts), tail, GROUP)
        places: dict[Address | None, tuple[list[Id], list[int]]] = defaultdict(lambda: ([], []))
        servers = await self._bulk.servers()
        for account in accounts:
            slot = slot_of(tag_of(account))
            mine = places[servers[slot]]
            mine[0].append(account)
            mine[1].append(slot)
        return sum(await gather(*(self._carry(*mine, tail, 1) for mine in places.values())))

    async def _carry(
        self, accounts: Sequence[Id], slots: Sequence[int], tail: bytes, group: int
    ) -> int:
        """Deliver to one server; while it works on a batch, the next one is written."""
        found = 0
        before: Task[list[Reply]] | None = None
        for start in range(0, len(accounts), BATCH):
            end = min(start + BATCH, len(accounts))
            commands = [
                push_command(accounts[at : min(at + group, end)], self._epoch_key(slots[at]), tail)
                for at in range(start, end, group)
            ]
            sent = create_task(self._bulk.calls(slots[start:end:group], commands, signed=True))
            await sleep(0)
            try:
                if before is not None:
                    found += sum(await before)
            except BaseException:
                sent.cancel()
                raise
            before = sent
        return found + (sum(await before) if before is not None else 0)

    async def page(self, account: Id, below: Id, limit: int) -> TimelinePage:
        slot = slot_of(tag_of(account)) if self._redis.clustered else 0
        command = self.page_command(account, below, limit, slot)
        reply = await self._redis.call(slot, command, signed=True)
        if reply == _ANOTHER_REIGN and await self._redis.relearn(slot):
            reply = await self._redis.call(slot, command, signed=True)
        return page_of(reply)

    def page_command(self, account: Id, below: Id, limit: int, slot: int = 0) -> bytes:
        """The question for a page, without its last argument."""
        tag = tag_of(account)
        keys = b"$14\r\nh{%b}\r\n$14\r\nm{%b}\r\n" % (tag, tag)
        return _PAGE_HEAD + keys + self._page_tail(below, limit, slot)

    def _page_tail_of(self, below: Id, limit: int, slot: int) -> bytes:
        """What follows the keys of the account: most pages are the first, of the usual length."""
        count = b"%d" % limit
        arguments = b"$8\r\n%b\r\n$%d\r\n%b\r\n" % (entry_of(below), len(count), count)
        return self._epoch_key(slot) + arguments + self._page_end

    async def begin(self, account: Id, cap: int) -> int:
        build = 1 + secrets.randbelow(2**31 - 1)
        epoch = secrets.token_bytes(scripts.EPOCH)
        begun: int = await self._run(scripts.BEGIN, account, build, cap, epoch, self._build_ms)
        return begun

    async def finish(self, account: Id, build: int, ids: Collection[Id], floor: Id) -> bool:
        return await self._add(account, build, ids, floor)

    async def backfill(self, account: Id, ids: Collection[Id], floor: Id) -> None:
        await self._add(account, -1, ids, floor)

    async def _add(self, account: Id, build: int, ids: Collection[Id], floor: Id) -> bool:
        packed = entries_of(sorted(set(ids), reverse=True))
        return bool(
            await self._run(scripts.ADD, account, build, entry_of(floor), self._idle_ms, packed)
        )

    async def purge(self, account: Id, ids: Collection[Id]) -> int:
        purged: int = await self._run(scripts.PURGE, account, entries_of(list(set(ids))))
        return purged

    async def of_shard(self, account: Id, shard: int) -> list[Id]:
        packed = await self._run(scripts.ALL, account)
        return [id_ for id_ in ids_of(packed[: len(packed) // 8 * 8]) if shard_of(id_) == shard]

    async def trim(self, account: Id, keep: int) -> None:
        await self._run(scripts.TRIM, account, keep)

    async def drop(self, account: Id) -> None:
        tag = tag_of(account)
        keys = b"$14\r\nh{%b}\r\n$14\r\nm{%b}\r\n" % (tag, tag)
        await self._redis.call(slot_of(tag), b"*3\r\n$6\r\nUNLINK\r\n" + keys)

    async def advance_epoch(self) -> int:
        slots = range(SLOTS) if self._redis.clustered else range(1)
        commands = [b"*2\r\n$3\r\nDEL\r\n" + self._epoch_key(slot) for slot in slots]
        await self._redis.calls(slots, commands)
        self._epoch = max(self._epoch + 1, self._clock.now_ms())
        return self._epoch

    async def close(self) -> None:
        await self._redis.close()
        await self._bulk.close()

    async def _run(self, script: Script, account: Id, *arguments: bytes | int) -> Reply:
        tag = tag_of(account)
        slot = slot_of(tag) if self._redis.clustered else 0
        keys = [b"h{%b}" % tag, b"m{%b}" % tag, self._epoch_name(slot)]
        return await self._redis.call(slot, script.command(keys, *arguments), signed=True)

    def _epoch_name(self, slot: int) -> bytes:
        return b"e{%b}" % slot_tags()[slot] if self._redis.clustered else _EPOCH_KEY

    def _epoch_key_of(self, slot: int) -> bytes:
        name = self._epoch_name(slot)
        return b"$%d\r\n%b\r\n" % (len(name), name)


def page_of(reply: Reply) -> TimelinePage:
    """What was answered to the question for a page; ABSENT is everything that is no page."""
    match reply:
        case [bytes() as meta, bytes() as packed] if len(packed) % 8 == 0:
            state = TimelineState.READY if meta[_STATE] == _READY else TimelineState.BUILDING
            return TimelinePage(ids_of(packed), MAX_ID - int.from_bytes(meta[:8]), state)
        case _:
            return _ABSENT


def push_command(accounts: Sequence[Id], epoch_key: bytes, tail: bytes) -> bytes:
    """A call of the script for timelines of one slot, without its last argument."""
    keys = 1 + 2 * len(accounts)
    number = b"%d" % keys
    head = b"*%d\r\n%b$%d\r\n%b\r\n" % (keys + 5, _PUSH_HEAD, len(number), number)
    parts = [head, epoch_key]
    for account in accounts:
        tag = tag_of(account)
        parts.append(b"$14\r\nh{%b}\r\n$14\r\nm{%b}\r\n" % (tag, tag))
    parts.append(tail)
    return b"".join(parts)


def tag_of(account: Id) -> bytes:
    """Eleven letters that stand for an account: the keys fit the smallest allocation class."""
    return b2a_base64(account.to_bytes(8, "big"), newline=False)[:11]


def entry_of(id_: Id) -> bytes:
    """The complement of an id, whose byte order is newest first."""
    return (MAX_ID - id_).to_bytes(8, "big")


def entries_of(ids: Sequence[Id]) -> bytes:
    """Many of them in one string."""
    return struct.pack(f">{len(ids)}Q", *[MAX_ID - id_ for id_ in ids])


def ids_of(packed: bytes) -> list[Id]:
    """The ids of such a string."""
    return [MAX_ID - each for each in _numbers_of(len(packed) // 8)(packed)]


@lru_cache(HEAVY_CAP)
def _numbers_of(count: int) -> Callable[[bytes], tuple[int, ...]]:
    return struct.Struct(f">{count}Q").unpack

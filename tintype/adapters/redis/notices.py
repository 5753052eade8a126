"""The channel of notices: one capped stream that every process reads.

    n  STREAM  (beginning, 1) (beginning, 2) (beginning, 3) …      'r' reign  'm' message

Entries of one beginning are numbered without gaps, so whoever stands at (b, 7) and next finds
anything but (b, 8) has missed something: the stream was cut, flushed or replaced. A beginning ends
with the reign that it was made in, because a promoted replica may lack the last messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tintype.adapters.redis import scripts
from tintype.adapters.redis.client import Redis, slot_of
from tintype.adapters.redis.wire import Reply
from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticesMissed

LENGTH = 20_000
"""Messages kept at least; a process that lags further behind has missed some."""

_KEY = b"n"
_SLOT = slot_of(_KEY)

Hand = Callable[[Sequence[bytes]], None]


class _Position(NamedTuple):
    reign: bytes
    beginning: int
    number: int


class Look(NamedTuple):
    """A look at the stream that is under way: where it began, and how to ask for it, unsigned."""

    began: _Position | None
    command: bytes


class RedisNotices:
    """Keeps every promise of the port ``NoticeChannel``; ``redis`` is closed with it.

    However many wait, one look at the stream is under way and the next one serves all of them.
    """

    def __init__(self, redis: Redis, *, length: int = LENGTH) -> None:
        self._redis = redis
        self._length = length
        self._position: _Position | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._looking: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[bytes]) -> None:
        if messages:
            await self._redis.call(
                _SLOT, scripts.PUBLISH.command([_KEY], self._length, *messages), signed=True
            )

    async def catch_up(self, hand: Hand) -> None:
        # A future of one's own: whoever gives up waiting takes the answer from nobody else.
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_while_awaited(hand))
        await waiter

    async def close(self) -> None:
        await self._redis.close()

    async def _look_while_awaited(self, hand: Hand) -> None:
        """One look for everybody who came before it began, and again for those who came since."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                error: BaseException | None = None
                try:
                    await self._look(hand)
                except (Unavailable, NoticesMissed) as found:
                    error = found
                for waiter in waiting:
                    if not waiter.done():
                        waiter.set_exception(error) if error else waiter.set_result(None)
        finally:
            self._looking = None

    async def _look(self, hand: Hand) -> None:
        look = self.begin()
        messages = self.end(look, await self._redis.call(_SLOT, look.command, signed=True))
        if messages:
            hand(messages)

    @property
    def listening(self) -> bool:
        """Whether there was a first look: only then may others follow it."""
        return self._position is not None

    def begin(self) -> Look:
        """Begin to look; several looks may be under way once there was a first one."""
        began = self._position
        after = b"%d-%d" % began[1:] if began is not None else b"+"
        return Look(began, scripts.SINCE.command([_KEY], after))

    def end(self, look: Look, reply: Reply) -> list[bytes]:
        """The messages that a look brought and no other look did; they have to be handed over now.

        Raises:
            NoticesMissed: some can not be had.
            Unavailable: that is no answer of ours.
        """
        match reply:
            case [bytes() as reign, bytes() as last, list() as entries]:
                end = _Position(reign, *_numbers(last))
            case _:
                raise Unavailable("The stream of notices can not be read.")
        here, began = self._position, look.began
        messages = [] if began is None else _continued(began, end, entries)
        if messages is None or (here != began and (here is None or here[:2] != end[:2])):
            self._position = end
            raise NoticesMissed
        if here is None or began is None or here == began:
            self._position = end
            return messages
        if end.number <= here.number:
            # A look that began with or after this one was answered before it.
            return []
        self._position = end
        return messages[here.number - began.number :]


def _continued(position: _Position, end: _Position, entries: list[object]) -> list[bytes] | None:
    """The messages between two positions; ``None`` when they are not all there."""
    reign, beginning, number = position
    if end != (reign, beginning, number + len(entries)):
        return None
    messages: list[bytes] = []
    for entry in entries:
        number += 1
        match entry:
            case [bytes() as name, [_, _, b"m", bytes() as message]] if _numbers(name) == (
                beginning,
                number,
            ):
                messages.append(message)
            case _:
                return None
    return messages


def _numbers(name: bytes) -> tuple[int, int]:
    beginning, _, number = name.partition(b"-")
    return int(beginning), int(number)

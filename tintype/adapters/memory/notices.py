"""A channel of notices inside one process: what the port means, without a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticesMissed

LENGTH = 20_000


class MemoryStream:
    """What the channels of one server have in common: the last ``length`` messages."""

    def __init__(self, length: int = LENGTH) -> None:
        self.messages: deque[bytes] = deque(maxlen=length)
        self.published = 0

    def add(self, messages: Sequence[bytes]) -> None:
        self.messages.extend(messages)
        self.published += len(messages)


class MemoryNotices:
    """Keeps every promise of the port ``NoticeChannel`` for objects that share a ``stream``."""

    def __init__(self, stream: MemoryStream) -> None:
        self._stream: MemoryStream | None = stream
        self._position: int | None = None

    async def publish(self, messages: Sequence[bytes]) -> None:
        self._plugged().add(messages)

    async def catch_up(self, hand: Callable[[Sequence[bytes]], None]) -> None:
        stream = self._plugged()
        position, self._position = self._position, stream.published
        if position is None or position == stream.published:
            return
        fresh = stream.published - position
        if fresh > len(stream.messages):
            raise NoticesMissed
        hand(list(stream.messages)[-fresh:])

    async def close(self) -> None:
        self._stream = None

    def _plugged(self) -> MemoryStream:
        if self._stream is None:
            raise Unavailable("The channel of notices is switched off.")
        return self._stream

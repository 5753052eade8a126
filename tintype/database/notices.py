"""What this process holds in memory, kept exact while other processes write."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVar

import msgspec
import structlog

from tintype.database.shelf import Shelves
from tintype.kernel.event import Event
from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.kernel.problem import Unavailable
from tintype.ports.notices import NoticeChannel, NoticesMissed

log = structlog.get_logger(__name__)

DOUBT_S = 1.0
"""While the channel does not answer, nothing that is held is believed for longer than this."""

_encode = msgspec.json.Encoder().encode
N = TypeVar("N", bound=Notice)


class Noticed(Event, frozen=True, kw_only=True, tag="commit_noticed"):
    """Notices of a commit, for the case that its process dies before it has told them."""

    at: Id
    notices: tuple[msgspec.Raw, ...]

    def key(self) -> Id:
        return self.at


class Notices:
    """Hands notices to whoever holds the facts that they end.

    A notice of a commit is applied here before the commit is acknowledged. With a channel it is
    published before that too, so a process that calls ``catch_up`` before it answers never shows
    anything older than an acknowledged write, whoever wrote. When the channel is away, writes go on
    and what is held is doubted every ``DOUBT_S`` seconds.
    """

    def __init__(self, *, in_order: bool = True) -> None:
        self._in_order = in_order
        self._handlers: dict[type[Notice], list[Callable[[Any], None]]] = defaultdict(list)
        self._doubters: list[Callable[[], None]] = []
        self._channel: NoticeChannel | None = None
        self._decoder: msgspec.json.Decoder[Any] | None = None
        self._doubted_at = float("-inf")
        self._missed = False
        self.unpublished = 0
        self.shelves = Shelves()

    @property
    def alone(self) -> bool:
        """Whether this is the only process that writes: everything is told without a channel."""
        return self._channel is None

    @property
    def in_order(self) -> bool:
        """Whether notices are heard in the order of their commits."""
        return self._in_order and self._channel is None

    def listen_on(self, channel: NoticeChannel) -> None:
        """Share notices with the other processes from now on."""
        self._channel = channel

    def hear(self, kind: type[N], handler: Callable[[N], None]) -> None:
        """Let ``handler`` know of every notice of this kind."""
        self._handlers[kind].append(handler)
        self._decoder = None

    def on_doubt(self, forget: Callable[[], None]) -> None:
        """Call ``forget`` whenever notices may have been missed: it must drop all that it holds."""
        self._doubters.append(forget)

    def apply(self, notices: Sequence[Notice]) -> None:
        """Tell the listeners of this process."""
        for notice in notices:
            for handler in self._handlers.get(type(notice), ()):
                handler(notice)

    async def publish(self, notices: Sequence[Notice]) -> None:
        """Tell everybody; never fails. What can not be told is found by doubt within a second."""
        # The shared cache first: whoever hears the notice must not find the old value there.
        await self.shelves.settle(notices)
        self.apply(notices)
        if self._channel is None or not notices:
            return
        try:
            await self._channel.publish([_encode(notice) for notice in notices])
        except Unavailable as error:
            self.unpublished += len(notices)
            log.warning("notices.unpublished", count=len(notices), error=repr(error))

    def event_of(self, notices: Sequence[Notice], at: Id) -> Noticed:
        """The notices as a fact that is stored with the commit and delivered whatever happens."""
        return Noticed(at=at, notices=tuple(msgspec.Raw(_encode(notice)) for notice in notices))

    async def repeat(self, batch: Sequence[Event]) -> None:
        """Tell once more what commits noticed: hearing it twice is harmless.

        Raises:
            Unavailable: not everybody was told; tell them later.
        """
        decode = (self._decoder or self._make_decoder()).decode
        told = [
            decode(raw) for event in batch if isinstance(event, Noticed) for raw in event.notices
        ]
        # In this order: whoever hears of it must not find the old value in the shared cache.
        await self.shelves.drop(told)
        self.apply(told)
        if self._channel is not None and told:
            await self._channel.publish([_encode(notice) for notice in told])

    async def catch_up(self) -> None:
        """Apply everything that was published before this call; returns at once when alone."""
        if self._channel is None:
            return
        try:
            await self._channel.catch_up(self._apply_messages)
        except (Unavailable, NoticesMissed) as error:
            self._doubt(error)
            return
        self._answers_again()

    def heard(self, messages: Sequence[bytes] | None) -> None:
        """Apply what another look at the channel brought, as ``catch_up`` would have.

        ``None``: some messages can not be had any more.
        """
        if messages is None:
            self._doubt(NoticesMissed())
            return
        if messages:
            self._apply_messages(messages)
        self._answers_again()

    def _answers_again(self) -> None:
        if self._missed:
            # What was said while it was away was not heard here.
            self._missed = False
            self._forget_all()

    def _apply_messages(self, messages: Sequence[bytes]) -> None:
        decoder = self._decoder or self._make_decoder()
        for message in messages:
            try:
                self.apply((decoder.decode(message),))
            except msgspec.DecodeError:
                # From a newer or older version: what it ends is not known here.
                self._forget_all()

    def _doubt(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(error, NoticesMissed) or now - self._doubted_at >= DOUBT_S:
            self._doubted_at = now
            self._forget_all()
        self._missed = isinstance(error, Unavailable)

    def _forget_all(self) -> None:
        for forget in self._doubters:
            forget()

    def _make_decoder(self) -> msgspec.json.Decoder[Any]:
        kinds: Any = reduce(or_, self._handlers)
        self._decoder = msgspec.json.Decoder(kinds)
        return self._decoder

"""One connection: bytes out, replies in, in order, many calls at once.

call, call, call ──► one write a turn of the loop ──► Redis
future, future   ◄── replies in the order of the calls ◄──┘
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl as tls
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import hiredis

from tintype.adapters.redis.scripts import SCRIPTS
from tintype.adapters.redis.settings import Address
from tintype.adapters.redis.words import pack
from tintype.kernel.problem import Unavailable

Reply = Any
"""Bytes, an int, ``None``, a list of replies, or a ``hiredis.ReplyError`` (never raised here)."""

_REIGN = 8
_IDENTITY = pack("INFO", "server") + pack("INFO", "replication")
_BULK = 8192
"""A payload of so many bytes is written at once; smaller ones wait for company."""


class Gone(Exception):  # noqa: N818 - it reads as what it says
    """The connection ended, or its server is not the master any more; another one may work."""


class Silent(Gone):
    """The server did not answer in time."""


class Wire(asyncio.Protocol):
    """A connection after its handshake. It is over once a call takes longer than the timeout.

    ``reign`` names the time that the server at the other end has been master for, without a
    restart: deliveries that were lost, were lost between two reigns.
    """

    def __init__(self, timeout: float) -> None:
        self.reign = bytes(_REIGN)
        self.role = b""
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[_Call] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failure: Gone | None = None

    @property
    def alive(self) -> bool:
        return self._transport is not None and self._failure is None

    def send(self, payload: bytes, replies: int) -> asyncio.Future[list[Reply]]:
        """Send whole commands; the future holds their replies, or fails with ``Gone``."""
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        if self._failure is not None or self._transport is None:
            future.set_exception(self._failure or Gone("not connected"))
            return future
        call = _Call(future, replies, self._loop.time() + self._timeout)
        self._waiting.append(call)
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(payload)
        if len(payload) > _BULK:
            self.flush()
        if self._timer is None:
            self._timer = self._loop.call_at(call.deadline, self._look)
        return future

    def flush(self) -> None:
        """Send what was given to ``send`` now, and not with what else comes in this turn."""
        out, self._out = self._out, []
        if self._transport is not None and self._failure is None and out:
            self._transport.write(b"".join(out) if len(out) > 1 else out[0])

    def signed(self, commands: Sequence[bytes]) -> bytes:
        """Commands that lack their last argument, each completed with the reign."""
        end = b"$%d\r\n%b\r\n" % (_REIGN, self.reign)
        return end.join([*commands, b""])

    async def handshake(self, account: str, password: str, database: int) -> None:
        """Sign in, choose the database, load the scripts, learn the reign.

        Raises:
            Gone: the connection ended.
            Unavailable: the server refuses.
        """
        first = []
        if password:
            first.append(pack("AUTH", *([account] if account else []), password))
        if database:
            first.append(pack("SELECT", database))
        first += [pack("SCRIPT", "LOAD", script.source) for script in SCRIPTS]
        replies = await self.send(b"".join(first), len(first))
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise Unavailable(f"Redis refuses: {reply}")
        await self.learn_reign()

    async def learn_reign(self) -> None:
        """Ask anew who is master: the answer changes with a restart and with a failover."""
        self._take_identity(await self.send(_IDENTITY, 2))

    def learn_reign_soon(self) -> None:
        """The same without waiting; should it fail, the calls beside it fail too."""

        def take(answer: asyncio.Future[list[Reply]]) -> None:
            if not answer.cancelled() and answer.exception() is None:
                with suppress(Unavailable):
                    self._take_identity(answer.result())

        self.send(_IDENTITY, 2).add_done_callback(take)

    def _take_identity(self, replies: list[Reply]) -> None:
        facts: dict[bytes, bytes] = {}
        for reply in replies:
            if not isinstance(reply, bytes):
                raise Unavailable(f"Redis refuses: {reply}")
            facts |= dict(line.split(b":", 1) for line in reply.splitlines() if b":" in line)
        self.role = facts.get(b"role", b"")
        run = facts.get(b"run_id", b"") + facts.get(b"master_replid", b"")
        self.reign = hashlib.blake2b(run, digest_size=_REIGN).digest()

    def abort(self, failure: Gone) -> None:
        """End it now; calls that wait fail with ``failure``."""
        if self._failure is None:
            self._failure = failure
            if self._transport is not None:
                self._transport.abort()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if not call.future.done():
                call.future.set_exception(failure)

    # ---- asyncio's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(Gone(str(exc or "the server hung up")))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except (hiredis.ProtocolError, IndexError):
            self.abort(Gone("what answers there is no Redis"))

    def _take(self, reply: Reply) -> None:
        call = self._waiting[0]
        call.replies.append(reply)
        if len(call.replies) == call.wanted:
            self._waiting.popleft()
            if not call.future.done():
                call.future.set_result(call.replies)

    def _look(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        deadline = self._waiting[0].deadline
        if deadline <= self._loop.time():
            self.abort(Silent("no answer in time"))
        else:
            self._timer = self._loop.call_at(deadline, self._look)


class _Call:
    __slots__ = ("deadline", "future", "replies", "wanted")

    def __init__(self, future: asyncio.Future[list[Reply]], wanted: int, deadline: float) -> None:
        self.future = future
        self.replies: list[Reply] = []
        self.wanted = wanted
        self.deadline = deadline


async def connect(address: Address, patience: float, ssl: tls.SSLContext | None) -> Wire:
    """A connection, before its handshake.

    Raises:
        Gone: nobody listens there.
        Silent: nobody answers there.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            _, wire = await loop.create_connection(
                lambda: Wire(patience), address.host, address.port, ssl=ssl
            )
    except TimeoutError as error:
        raise Silent("no answer in time") from error
    except (OSError, tls.SSLError) as error:
        raise Gone(str(error)) from error
    return wire

"""One server: connected when it is needed, again when it was lost, and left alone while silent."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import hiredis

from tintype.adapters.redis.scripts import SCRIPTS
from tintype.adapters.redis.settings import Address, Place, RedisSettings
from tintype.adapters.redis.wire import Gone, Reply, Silent, Wire, connect
from tintype.adapters.redis.words import pack
from tintype.kernel.problem import Unavailable

REST_S = 1.0
"""A server that failed is left alone for so long; calls fail at once meanwhile."""

_BACK_S = 0.05
"""How long a call waits for a connection to a server that was dead or silent the last time."""

_FRESH_S = 0.1
_LEARN_S = 1.0
"""How old the knowledge of a reign may be; two connections that differ in it undo each other."""

_LOAD = b"".join(pack("SCRIPT", "LOAD", script.source) for script in SCRIPTS)

_T = TypeVar("_T")
Find = Callable[[], Awaitable[Address]]
Take = Callable[[list[Reply] | None], None]
"""Is given the replies, or ``None`` when there are none."""


class Link:
    """Calls to whichever server ``find`` names; one connection, shared by all callers.

    While the server is dead, one call in ``REST_S`` pays a little for finding out whether it is
    back; all others fail at once.
    """

    def __init__(self, settings: RedisSettings, find: Find, *, master: bool) -> None:
        self._place = settings.place()
        self._timeout = settings.timeout_ms / 1000
        self._ssl = ssl_of(settings, self._place)
        self._find = find
        self.address: Address | None = None
        self._master = master
        self._wire: Wire | None = None
        self._used = self._learned = 0.0
        self._connecting: asyncio.Task[Wire] | None = None
        self._rest_until = 0.0
        self._doubtful = False
        self._closed = False

    @property
    def alive(self) -> bool:
        return self._wire is not None and self._wire.alive

    async def wire(self) -> Wire:
        """A connection whose reign is known.

        Raises:
            Unavailable: there is none, or it was tried a moment ago and there was none.
        """
        now = asyncio.get_running_loop().time()
        wire = self._wire
        if wire is None or not wire.alive:
            wire = await self._connected(now)
        elif now - self._used > _LEARN_S:
            await self._guarded(wire.learn_reign())
            self._learned = now
        elif now - self._learned > _LEARN_S:
            wire.learn_reign_soon()
            self._learned = now
        self._used = now
        return wire

    async def ask(self, commands: Sequence[bytes], *, signed: bool) -> list[Reply]:
        """One round trip; every script that the server has forgotten is loaded and called again.

        Raises:
            Unavailable.
        """
        wire = await self.wire()
        payload = wire.signed(commands) if signed else b"".join(commands)
        replies: list[Reply] = await self._guarded(wire.send(payload, len(commands)))
        if signed:
            lost = [at for at, reply in enumerate(replies) if _begins(reply, "NOSCRIPT")]
            if lost:
                again = wire.signed([commands[at] for at in lost])
                answers = await self._guarded(wire.send(_LOAD + again, len(SCRIPTS) + len(lost)))
                for at, reply in zip(lost, answers[len(SCRIPTS) :], strict=True):
                    replies[at] = reply
        return replies

    def submit(self, commands: Sequence[bytes], take: Take) -> bool:
        """One round trip of signed commands without waiting; ``False``: nothing was sent.

        Only a connection that is in use is taken for it. ``take`` is called once, in a later turn
        of the loop. Errors are replies here, and so is that a script was forgotten.
        """
        wire, now = self._wire, asyncio.get_running_loop().time()
        if wire is None or not wire.alive or now - self._used > _LEARN_S:
            return False
        if now - self._learned > _LEARN_S:
            wire.learn_reign_soon()
            self._learned = now
        self._used = now
        sent = wire.send(wire.signed(commands), len(commands))
        sent.add_done_callback(partial(self._submitted, take))
        wire.flush()
        return True

    def _submitted(self, take: Take, sent: asyncio.Future[list[Reply]]) -> None:
        error = sent.exception()
        if isinstance(error, Silent):
            self._rest()
        take(sent.result() if error is None else None)

    async def relearn(self) -> bool:
        """Whether the reign turns out to be another one; asked ten times a second at most."""
        wire = await self.wire()
        now = asyncio.get_running_loop().time()
        if now - self._learned < _FRESH_S:
            return False
        before, self._learned = wire.reign, now
        await self._guarded(wire.learn_reign())
        return wire.reign != before

    def doubt(self) -> None:
        """Ask for the reign again before the next call."""
        self._used = 0.0

    def leave(self, why: str) -> None:
        """Give this connection up: its server is not what it was."""
        if self._wire is not None:
            self._wire.abort(Gone(why))

    def close(self) -> None:
        self._closed = True
        self.leave("closed")
        if self._connecting is not None:
            self._connecting.cancel()

    async def _guarded(self, answer: Awaitable[_T]) -> _T:
        try:
            return await answer
        except Silent as error:
            self._rest()
            raise Unavailable("Redis did not answer in time.") from error
        except Gone as error:
            raise Unavailable(f"Redis went away: {error}.") from error

    async def _connected(self, now: float) -> Wire:
        if self._closed:
            raise Unavailable("Redis is switched off.")
        if self._connecting is None:
            if now < self._rest_until:
                raise Unavailable("Redis does not answer.")
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(_look_at)
        elif self._doubtful:
            raise Unavailable("Redis does not answer.")
        connecting = self._connecting
        if self._doubtful:
            # One that is back accepts at once; nobody pays for one that is not.
            await asyncio.wait({connecting}, timeout=_BACK_S)
            if not connecting.done():
                raise Unavailable("Redis does not answer.")
        return await asyncio.shield(connecting)

    async def _connect(self) -> Wire:
        try:
            async with asyncio.timeout(self._timeout):
                self._wire = await self._open()
        except (Gone, TimeoutError) as error:
            self._rest()
            raise Unavailable(f"Redis can not be reached: {error}.") from error
        except Unavailable:
            self._rest()
            raise
        finally:
            self._connecting = None
        self._doubtful = False
        self._learned = asyncio.get_running_loop().time()
        return self._wire

    async def _open(self) -> Wire:
        place = self._place
        self.address = await self._find()
        wire = await connect(self.address, self._timeout, self._ssl)
        try:
            await wire.handshake(place.account, place.password, place.database)
        except BaseException:
            wire.abort(Gone("the handshake failed"))
            raise
        if self._master and wire.role != b"master":
            wire.abort(Gone("it is a replica"))
            raise Unavailable("Redis has no master yet.")
        return wire

    def _rest(self) -> None:
        self._doubtful = True
        self._rest_until = asyncio.get_running_loop().time() + REST_S


class Sentinels:
    """Asks Sentinels who the master is; the one that answered last is asked first."""

    def __init__(self, settings: RedisSettings) -> None:
        self._place = settings.place()
        self._addresses = list(self._place.addresses)
        secret = settings.sentinel_password
        self._password = secret.get_secret_value() if secret else ""
        self._timeout = settings.timeout_ms / 1000
        self._ssl = ssl_of(settings, self._place)

    async def master(self) -> Address:
        """Where the master is.

        Raises:
            Gone: no Sentinel knows.
        """
        for _ in range(len(self._addresses)):
            address = self._addresses[0]
            # A silent one may use up the time: then the next caller begins with another.
            self._addresses.append(self._addresses.pop(0))
            try:
                found = await self._ask(address)
            except Gone:
                continue
            if found is not None:
                self._addresses.insert(0, self._addresses.pop())
                return found
        raise Gone("no Sentinel knows the master")

    async def _ask(self, address: Address) -> Address | None:
        wire = await connect(address, self._timeout, self._ssl)
        try:
            commands = [pack("AUTH", self._password)] if self._password else []
            commands.append(pack("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._place.name))
            match (await wire.send(b"".join(commands), len(commands)))[-1]:
                case [bytes() as host, bytes() as port]:
                    return Address(host.decode(), int(port))
                case _:
                    return None
        finally:
            wire.abort(Gone("asked"))


def ssl_of(settings: RedisSettings, place: Place) -> tls.SSLContext | None:
    """How to speak TLS with that place, if at all."""
    if not place.tls:
        return None
    return tls.create_default_context(cafile=settings.tls_ca)


def _begins(reply: Reply, word: str) -> bool:
    return isinstance(reply, hiredis.ReplyError) and str(reply).startswith(word)


def _look_at(task: asyncio.Task[Wire]) -> None:
    """The callers have it; without them, a failure to connect is nobody's concern."""
    if not task.cancelled():
        task.exception()

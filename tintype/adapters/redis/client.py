"""Redis as the adapters see it: commands by key, whatever stands behind the address.

redis://           one server
redis+sentinel://  the server that the Sentinels call the master
redis+cluster://   the master of the key's slot; redirections are followed
"""

from __future__ import annotations

import asyncio
from binascii import crc_hqx
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, partial

import hiredis

from tintype.adapters.redis.link import Link, Sentinels, Take
from tintype.adapters.redis.settings import Address, RedisSettings
from tintype.adapters.redis.wire import Reply
from tintype.adapters.redis.words import pack
from tintype.kernel.problem import Unavailable

SLOTS = 16_384
_REDIRECTIONS = 5
_REFRESH_S = 0.2
_ASKED = 8
_SLOTS = pack("CLUSTER", "SLOTS")
_ASKING = pack("ASKING")
_PING = pack("PING")


def slot_of(tag: bytes) -> int:
    """The slot of a hash tag: the keyspace of a Cluster is cut into 16 384."""
    return crc_hqx(tag, 0) % SLOTS


class Redis:
    """One round trip per call and server; calls at the same time share a connection.

    ``commands`` are whole commands in the wire's form, each with the slot of its keys. A *signed*
    command lacks its last argument, which becomes the reign of the server that it goes to.
    Replies come in the order of the commands; a wrong type is a reply (``hiredis.ReplyError``).
    Every other failure is ``Unavailable``: nothing is known about the effect then.
    """

    def __init__(self, settings: RedisSettings) -> None:
        self.settings = settings
        place = settings.place()
        self.clustered = place.kind == "cluster"
        self._links: dict[Address, Link] = {}
        self._seeds = place.addresses
        self._slots: list[Address | None] = []
        self._refreshed_at = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._closed = False
        match place.kind:
            case "alone":
                self._only = Link(settings, partial(_known, place.addresses[0]), master=False)
            case "sentinel":
                self._only = Link(settings, Sentinels(settings).master, master=True)
            case _:
                self._only = None

    _only: Link | None

    def sibling(self) -> Redis:
        """Another one with connections of its own, for what must not wait behind bulk."""
        return Redis(self.settings)

    async def call(self, slot: int, command: bytes, *, signed: bool = False) -> Reply:
        """The reply to one command."""
        if self._only is not None:
            replies = await self._only.ask((command,), signed=signed)
            if not isinstance(replies[0], hiredis.ReplyError):
                return replies[0]
            return self._checked(replies, self._only)[0]
        return (await self.calls([slot], [command], signed=signed))[0]

    async def calls(
        self, slots: Sequence[int], commands: Sequence[bytes], *, signed: bool = False
    ) -> list[Reply]:
        """The replies to many commands, which need not belong to one slot."""
        if self._only is not None:
            replies = await self._only.ask(commands, signed=signed)
            return self._checked(replies, self._only)
        return await self._scattered(slots, commands, signed=signed)

    def submit(self, commands: Sequence[bytes], take: Take) -> bool:
        """One round trip of signed commands to the one server; see ``Link.submit``.

        Never of a Cluster: its commands go to many servers.
        """
        return self._only is not None and self._only.submit(commands, take)

    async def relearn(self, slot: int) -> bool:
        """Whether the server of a slot turns out to be in another reign than was known."""
        link = self._only or self._link(await self._server_of(slot))
        return await link.relearn()

    async def reign_of(self, slot: int) -> bytes:
        """The reign of the server of a slot."""
        link = self._only or self._link(await self._server_of(slot))
        return (await link.wire()).reign

    async def servers(self) -> Sequence[Address | None]:
        """The server of each slot of a Cluster, as far as it is known."""
        if not self._slots:
            if self._closed:
                raise Unavailable("Redis is switched off.")
            self._refresh_soon()
            if self._refreshing is not None:
                await asyncio.shield(self._refreshing)
        if not self._slots:
            raise Unavailable("No server of the Redis Cluster answers.")
        return self._slots

    @property
    def unserved(self) -> int:
        """Slots of a Cluster that no server is known for."""
        return self._slots.count(None)

    async def everywhere(self, commands: Sequence[bytes]) -> dict[Address, list[Reply]]:
        """The replies of every master to the same commands, errors among them."""
        if self._only is not None:
            here = self._only.address or self._seeds[0]
            return {here: await self._only.ask(commands, signed=False)}
        await self._server_of(0)
        addresses = list(dict.fromkeys(address for address in self._slots if address))
        replies = await asyncio.gather(
            *(self._link(address).ask(commands, signed=False) for address in addresses)
        )
        return dict(zip(addresses, replies, strict=True))

    async def open(self) -> None:
        """Connect to every server, so that the first call need not.

        Raises:
            Unavailable: one of them does not answer now.
        """
        await self.everywhere((_PING,))

    async def close(self) -> None:
        """Hang up; every later call raises ``Unavailable``."""
        self._closed = True
        for link in [*self._links.values(), *([self._only] if self._only else [])]:
            link.close()
        if self._refreshing is not None:
            self._refreshing.cancel()
        await asyncio.sleep(0)

    # ---- a Cluster ---------------------------------------------------------------------------

    async def _scattered(
        self, slots: Sequence[int], commands: Sequence[bytes], *, signed: bool
    ) -> list[Reply]:
        replies: list[Reply] = [None] * len(commands)
        places: dict[tuple[Address, bool], list[int]] = defaultdict(list)
        servers = await self.servers()
        for at, slot in enumerate(slots):
            places[self._serving(servers[slot]), False].append(at)
        for _ in range(_REDIRECTIONS):
            gathered = await asyncio.gather(
                *(
                    self._node(address, [commands[at] for at in ats], signed=signed, asking=asking)
                    for (address, asking), ats in places.items()
                ),
                return_exceptions=True,
            )
            redirected: dict[tuple[Address, bool], list[int]] = defaultdict(list)
            for (place, ats), answers in zip(places.items(), gathered, strict=True):
                if isinstance(answers, BaseException):
                    self._refresh_soon()
                    raise answers
                for at, reply in zip(ats, answers, strict=True):
                    target = self._redirection(reply, place[0], slots[at])
                    if target is not None:
                        redirected[target].append(at)
                    replies[at] = reply
            if not redirected:
                return self._checked(replies, None)
            places = redirected
        raise Unavailable("Redis sends every question elsewhere.")

    async def _node(
        self, address: Address, commands: Sequence[bytes], *, signed: bool, asking: bool
    ) -> list[Reply]:
        link = self._link(address)
        if not asking:
            return await link.ask(commands, signed=signed)
        payload: list[bytes] = []
        wire = await link.wire()
        for command in commands:
            payload += [_ASKING, wire.signed([command]) if signed else command]
        replies: list[Reply] = (await link.ask(payload, signed=False))[1::2]
        return replies

    def _redirection(self, reply: Reply, asked: Address, slot: int) -> tuple[Address, bool] | None:
        if not isinstance(reply, hiredis.ReplyError):
            return None
        word, _, rest = str(reply).partition(" ")
        if word not in {"MOVED", "ASK"}:
            return None
        host, _, port = rest.split(" ")[1].rpartition(":")
        target = Address(host if host not in {"", "?"} else asked.host, int(port))
        if word == "MOVED":
            self._slots[slot] = target
            self._link(asked).doubt()
            self._refresh_soon()
        return target, word == "ASK"

    async def _server_of(self, slot: int) -> Address:
        return self._serving((await self.servers())[slot])

    def _serving(self, address: Address | None) -> Address:
        if address is None:
            self._refresh_soon()
            raise Unavailable("Redis has no server for this key.")
        return address

    def _link(self, address: Address) -> Link:
        link = self._links.get(address)
        if link is None:
            if self._closed:
                raise Unavailable("Redis is switched off.")
            link = Link(self.settings, partial(_known, address), master=False)
            self._links[address] = link
        return link

    def _refresh_soon(self) -> None:
        now = asyncio.get_running_loop().time()
        resting = self._slots and now - self._refreshed_at < _REFRESH_S
        if self._refreshing is None and not resting and not self._closed:
            self._refreshed_at = now
            self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        """Ask several servers at once who serves which slots; the first answer counts."""
        known = dict.fromkeys([*self._seeds, *(at for at in self._slots if at), *self._links])
        nearest = sorted(known, key=lambda each: not self._link(each).alive)[:_ASKED]
        asked = [asyncio.create_task(self._map_of(address)) for address in nearest]
        try:
            for answer in asyncio.as_completed(asked):
                if slots := await answer:
                    self._slots = slots
                    break
        finally:
            self._refreshing = None
            for task in asked:
                task.cancel()

    async def _map_of(self, asked: Address) -> list[Address | None]:
        """The server of each slot, as this one sees it; empty when it does not say."""
        try:
            ranges = (await self._link(asked).ask((_SLOTS,), signed=False))[0]
        except Unavailable:
            return []
        if not isinstance(ranges, list) or not ranges:
            return []
        slots: list[Address | None] = [None] * SLOTS
        for first, last, (host, port, *_), *_ in ranges:
            # A server that does not know its name is reached by the one that it was asked by.
            address = Address(host.decode() if host not in {None, b"", b"?"} else asked.host, port)
            slots[first : last + 1] = [address] * (last + 1 - first)
        return slots

    def _checked(self, replies: list[Reply], link: Link | None) -> list[Reply]:
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                said = str(reply)
                if said.startswith("READONLY") and link is not None:
                    link.leave("it is not the master any more")
                if not said.startswith("WRONGTYPE"):
                    raise Unavailable(f"Redis refuses: {said}")
        return replies


@cache
def slot_tags() -> list[bytes]:
    """A short hash tag for each slot."""
    found: dict[int, bytes] = {}
    number = 0
    while len(found) < SLOTS:
        tag = b"%x" % number
        found.setdefault(slot_of(tag), tag)
        number += 1
    return [found[slot] for slot in range(SLOTS)]


async def _known(address: Address) -> Address:
    return address

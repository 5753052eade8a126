"""Where files are fetched from: this server, an origin of their own, or one of several CDNs."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

import structlog

from tintype.kernel.links import ENCODED_HERE
from tintype.media.model import Cdn, MediaSettings

log = structlog.get_logger(__name__)

PROBED = "/media/alive"
"""What a CDN is asked for; the answer comes from this server and is kept by nobody."""

Fetch = Callable[[str, dict[str, str]], Awaitable[int]]
"""(address, headers) → the status of a GET whose body was read and thrown away.

Raises OSError, TimeoutError included, when there is no answer."""

_OK = 200
_FAILURES_TO_LEAVE, _ANSWERS_TO_RETURN = 3, 2
_REMEMBERED = 65_536
# Only an address of ours begins with the sign for "here": user text can not hold it.
_FILE = re.compile(
    re.escape(ENCODED_HERE) + rb"(?=/media/(?:g/[A-Za-z0-9_-]+/)?(?:auto/)?(\d{1,19})[/\"?])"
)


class Health:
    """How a CDN answered lately; it leaves after three failures and returns after two answers."""

    def __init__(self, cdn: Cdn) -> None:
        self.cdn = cdn
        self.well = True
        self._against = 0

    def note(self, *, answered: bool) -> bool:
        """Note how it answered; tells whether it left or returned by that."""
        self._against = 0 if answered is self.well else self._against + 1
        patience = _FAILURES_TO_LEAVE if self.well else _ANSWERS_TO_RETURN
        if self._against < patience:
            return False
        self.well, self._against = not self.well, 0
        return True


class Origins:
    """Puts the place where a file is best fetched from into its address.

    All files of an upload are at one place, so that a browser needs one connection for them and
    what a playlist names beside itself is there too. The place is chosen by rendezvous: it is the
    same in every process, and when a CDN leaves, only what it had moves. Without CDNs that answer,
    files come from ``media.origin``, or from this server.
    """

    def __init__(self, settings: MediaSettings, fetch: Fetch) -> None:
        self.health = [Health(cdn) for cdn in settings.edges]
        self._fetch = fetch
        self._own = None if settings.origin is None else settings.origin.encode()
        self._listeners: list[Callable[[], None]] = []
        self._place = lru_cache(_REMEMBERED)(self._choose)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every place, for policies of pages."""
        own = () if self._own is None else (self._own.decode(),)
        return (*own, *(each.cdn.address for each in self.health))

    def on_moved(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever files may have another place than before."""
        self._listeners.append(listener)

    def addressed(self, encoded: bytes, here: str) -> bytes:
        """Encoded views with every address complete; ``here`` is that of this server itself."""
        if self.health or self._own is not None:
            encoded = _FILE.sub(
                lambda found: self._place(found.group(1)) or found.group(0), encoded
            )
        return encoded.replace(ENCODED_HERE, here.encode())

    async def probe(self) -> None:
        """Ask every CDN whether it answers; never fails."""
        answers = await asyncio.gather(*(self.answers(each.cdn) for each in self.health))
        moved = [
            each
            for each, answered in zip(self.health, answers, strict=True)
            if each.note(answered=answered)
        ]
        for each in moved:
            log.warning("media.cdn", address=each.cdn.address, well=each.well)
        if moved:
            self._place.cache_clear()
            for listener in self._listeners:
                listener()

    async def answers(self, cdn: Cdn) -> bool:
        """Whether a CDN hands out what this server answers, right now."""
        try:
            return await self._fetch(cdn.address + PROBED, {}) == _OK
        except OSError:
            return False

    def _choose(self, upload: bytes) -> bytes | None:
        well = [each.cdn for each in self.health if each.well]
        return choose_edge(well, upload).address.encode() if well else self._own


def choose_edge(edges: Sequence[Cdn], content: bytes) -> Cdn:
    """The place of a content among these, in proportion to their weights.

    Weighted rendezvous hashing: the highest of -weight / ln(h), with h in (0, 1) from a hash of
    place and content (Schindelhauer and Schomaker 2005).
    """

    def score(edge: Cdn) -> float:
        digest = hashlib.blake2b(edge.address.encode() + b"\0" + content, digest_size=8).digest()
        share = (int.from_bytes(digest) + 0.5) / 2.0**64
        return -edge.weight / math.log(share)

    return max(edges, key=score)

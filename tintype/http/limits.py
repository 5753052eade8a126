"""Rate limits: token buckets per account or address and class of route."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable
from contextlib import suppress
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from tintype.kernel.clock import Clock
from tintype.kernel.problem import RateLimited, Unavailable
from tintype.ports.buckets import Buckets

_MOST_BUCKETS = 200_000
_HANDFUL, _HANDFULS, _HANDFUL_S = 20, 60, 1.0
_FEW = 5
_IPV6_GROUPS = 3


class TooManyRequests(RateLimited):
    """You are doing this too often; wait a little."""


class RateLimitSettings(BaseModel):
    """How often one account, or one address when nobody is signed in, may call."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    factor: float = 1.0
    """Multiplies every limit; load tests raise it."""
    read_per_minute: int = 1200
    """Requests that read."""
    write_per_minute: int = 300
    """Requests that change something."""
    sign_in_per_minute: int = 20
    """Sign-ins and password checks from one address."""
    sign_up_per_hour: int = 60
    """New accounts from one address."""
    upload_per_minute: int = 600
    """Requests about uploads and their parts."""
    media_per_minute: int = 6000
    """Media files delivered by this process."""

    def rates(self) -> dict[str, tuple[float, float]]:
        """Capacity and refill per second of each class of route."""
        per_minute = {
            "read": self.read_per_minute,
            "write": self.write_per_minute,
            "sign-in": self.sign_in_per_minute,
            "upload": self.upload_per_minute,
            "media": self.media_per_minute,
        }
        rates = {
            name: (amount * self.factor, amount * self.factor / 60)
            for name, amount in per_minute.items()
        }
        capacity = self.sign_up_per_hour * self.factor
        rates["sign-up"] = (capacity, capacity / 3600)
        return rates


class Limiter(Protocol):
    """Decides whether a caller may go on."""

    def spend(self, class_: str, caller: int | str) -> Awaitable[None] | None:
        """Take one token of the caller's bucket; what is returned, if anything, is to be awaited.

        Raises:
            TooManyRequests: the bucket is empty; ``Retry-After`` says when it is not. It comes from
                the call itself or from awaiting what it returned.
        """
        ...

    def spend_at_hand(self, class_: str, caller: int | str) -> bool:
        """Take one token if one is known to be there without asking anybody."""
        ...


class RateLimiter:
    """Decides in process; forgets the callers that were quiet the longest."""

    def __init__(self, settings: RateLimitSettings, clock: Clock) -> None:
        self._rates = settings.rates()
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, int | str], tuple[float, int]] = OrderedDict()

    def spend(self, class_: str, caller: int | str) -> None:
        """Take one token of the caller's bucket.

        Raises:
            TooManyRequests: the bucket is empty; ``Retry-After`` says when it is not.
        """
        capacity, refill = self._rates[class_]
        now = self._clock.now_ms()
        key = (class_, caller)
        tokens, at = self._buckets.pop(key, (capacity, now))
        tokens = min(capacity, tokens + (now - at) / 1000 * refill)
        if tokens < 1.0:
            self._buckets[key] = (tokens, now)
            raise TooManyRequests(retry_after=(1.0 - tokens) / refill)
        self._buckets[key] = (tokens - 1.0, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)

    def spend_at_hand(self, class_: str, caller: int | str) -> bool:
        """Take one token if there is one."""
        try:
            self.spend(class_, caller)
        except TooManyRequests:
            return False
        return True


class SharedRateLimiter:
    """Decides together with the other processes; alone while the buckets do not answer.

    Tokens of generous limits are fetched a handful at a time, so that most calls ask nobody. What
    is not spent within a second is given up: a caller may be let off, or lose, two handfuls in each
    process.
    """

    def __init__(self, settings: RateLimitSettings, clock: Clock, buckets: Buckets) -> None:
        self._rates = settings.rates()
        self._alone = RateLimiter(settings, clock)
        self._buckets = buckets
        self._hands: OrderedDict[tuple[str, int | str], tuple[int, float]] = OrderedDict()
        self._fetching: dict[tuple[str, int | str], asyncio.Task[None]] = {}

    def spend(self, class_: str, caller: int | str) -> Awaitable[None] | None:
        """Take one token of the caller's bucket, wherever it was spent from before."""
        return None if self._spend(class_, caller) is not None else self._fetch(class_, caller)

    def spend_at_hand(self, class_: str, caller: int | str) -> bool:
        """Take one of the tokens in hand, if there are any; when few are left, more are fetched."""
        left = self._spend(class_, caller)
        if left is not None and left < _FEW and (class_, caller) not in self._fetching:
            self._fetching[class_, caller] = fetching = asyncio.create_task(
                self._fetch_more(class_, caller)
            )
            fetching.add_done_callback(lambda _: self._fetching.pop((class_, caller), None))
        return left is not None

    def _spend(self, class_: str, caller: int | str) -> int | None:
        """How many tokens are left in hand after one was taken; ``None`` when there was none."""
        tokens, until = self._hands.get((class_, caller), (0, 0.0))
        if not tokens or time.monotonic() >= until:
            return None
        self._hands[class_, caller] = (tokens - 1, until)
        return tokens - 1

    async def _fetch_more(self, class_: str, caller: int | str) -> None:
        """Add a handful to what is in hand, if there is one to be had."""
        capacity, refill = self._rates[class_]
        handful = self._handful(capacity)
        with suppress(Unavailable):
            if await self._buckets.take(f"{class_}:{caller}", capacity, refill, handful) <= 0:
                self._keep(class_, caller, handful)

    def _handful(self, capacity: float) -> int:
        return int(max(1, min(_HANDFUL, capacity // _HANDFULS)))

    def _keep(self, class_: str, caller: int | str, more: int) -> None:
        left, until = self._hands.get((class_, caller), (0, 0.0))
        now = time.monotonic()
        self._hands[class_, caller] = (more + (left if now < until else 0), now + _HANDFUL_S)
        if len(self._hands) > _MOST_BUCKETS:
            self._hands.popitem(last=False)

    async def _fetch(self, class_: str, caller: int | str) -> None:
        """Take a handful and spend one of it.

        Raises:
            TooManyRequests: the bucket is empty.
        """
        capacity, refill = self._rates[class_]
        name = f"{class_}:{caller}"
        handful = self._handful(capacity)
        try:
            wait_s = await self._buckets.take(name, capacity, refill, handful)
            if wait_s > 0 and handful > 1:
                handful = 1
                wait_s = await self._buckets.take(name, capacity, refill)
        except Unavailable:
            self._alone.spend(class_, caller)
            return
        if wait_s > 0:
            raise TooManyRequests(retry_after=wait_s)
        if handful > 1:
            self._keep(class_, caller, handful - 1)


def network_of(address: str) -> str:
    """The part of an address that one caller can not change at will: IPv4 whole, IPv6 its /48."""
    if ":" not in address:
        return address
    return ":".join(address.split(":")[:_IPV6_GROUPS]) + "::/48"

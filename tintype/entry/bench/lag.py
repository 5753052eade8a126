"""How long a post takes from its author to the first pages of followers' feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from tintype.entry.bench.asking import Asking, Caller
from tintype.entry.bench.figures import Histogram, Lag, Latency
from tintype.entry.bench.lines import Lines, Lost

POLL_S, POLL_SHARE = 0.02, 0.05
"""A follower waits so long between two looks, or this share of how long it has waited."""
WITHIN_S = 30.0
_CREATED = 201
_SUCCESS = range(200, 300)


class _Id(msgspec.Struct):
    id: str


class _New(msgspec.Struct):
    post: _Id


class Delivery(NamedTuple):
    """A post to come: its author's place, the photo, and the places of followers who wait."""

    author: int
    upload: str
    followers: Sequence[int]


class Couriers:
    """Posts one after the other, and sees when they arrive."""

    def __init__(self, lines: Lines, asking: Asking, accounts: Sequence[str]) -> None:
        self._lines, self._asking, self._accounts = lines, asking, accounts
        self._found = Histogram()
        self._missing = self._posts = self._looks = 0
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Let those who wait follow the authors, and read their feeds once: they have timelines.

        Raises:
            Lost: the server refuses it.
        """
        for author, viewer in sorted({(d.author, f) for d in deliveries for f in d.followers}):
            follow = self._asking.following(viewer, self._accounts[author])
            for data in (follow, self._asking.feed(viewer)):
                status, _ = await self._lines.call(data)
                if status not in _SUCCESS:
                    message = f"A follower could not be prepared: status {status}."
                    raise Lost(message)

    async def run(
        self, deliveries: Sequence[Delivery], every_s: float, tell: Callable[[float], None]
    ) -> None:
        """Post at fixed times, whether or not the posts before have arrived."""
        begun = self._begun = self._loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number, each in enumerate(deliveries):
                await asyncio.sleep(max(0.0, begun + number * every_s - self._loop.time()))
                tasks.create_task(self._deliver(each))
                tell(number * every_s)

    def lag(self, beside: float) -> Lag:
        """What was seen until now; ``beside`` is told for the report."""
        return Lag(
            posts=self._posts,
            deliveries=Latency.of(self._found, whole=True),
            missing=self._missing,
            poll_ms=POLL_S * 1000,
            within_s=WITHIN_S,
            beside=beside,
            looks=round(self._looks / max(0.001, self._loop.time() - self._begun), 1),
        )

    async def _deliver(self, delivery: Delivery) -> None:
        sent = self._loop.time()
        try:
            status, body = await self._lines.call(
                self._asking.posting(delivery.author, delivery.upload)
            )
        except Lost:
            status, body = 0, b""
        if status != _CREATED:
            self._missing += len(delivery.followers)
            return
        self._posts += 1
        post = msgspec.json.decode(body, type=_New).post.id
        async with asyncio.TaskGroup() as tasks:
            for follower in delivery.followers:
                tasks.create_task(self._wait(follower, f'"id":"{post}"'.encode(), sent))

    async def _wait(self, follower: int, sought: bytes, sent: float) -> None:
        while self._loop.time() < sent + WITHIN_S:
            asked = self._loop.time()
            self._looks += 1
            try:
                _, body = await self._lines.call(self._asking.feed(follower))
            except Lost:
                body = b""
            if sought in body:
                self._found.add(self._loop.time() - sent)
                return
            # Who looks again at once keeps a slow server from delivering what is looked for.
            answer_s = self._loop.time() - asked
            await asyncio.sleep(max(POLL_S, POLL_SHARE * (asked - sent), 2 * answer_s) - answer_s)
        self._missing += 1


def planned(
    uploads: Sequence[str],
    authors: Sequence[Caller],
    wanted: Sequence[int],
    viewers: Sequence[Caller],
    followers: int,
    seed: int,
) -> list[Delivery]:
    """One delivery for each photo, to so many viewers each, drawn without putting back.

    Nobody waits for the own posts.
    """
    dice = np.random.default_rng(seed)
    found = []
    for author, upload in zip(wanted, uploads, strict=True):
        others = [
            place
            for place, viewer in enumerate(viewers)
            if viewer.account != authors[author].account
        ]
        drawn = dice.choice(others, min(followers, len(others)), replace=False)
        found.append(Delivery(author, upload, drawn.tolist()))
    return found

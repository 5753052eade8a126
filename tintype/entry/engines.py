"""The technologies that an instance stands on, picked by its settings.

Without settings everything is in this process and its data folder; each section that is set moves
one concern onto an engine that several processes share. Adapters are imported when they are picked:
the embedded default starts without their libraries.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from tintype.adapters.memory.neighbours import MemoryNeighbours
from tintype.adapters.memory.timelines import MemoryTimelines
from tintype.database import Database, Relay
from tintype.database.relay import LaneRelay
from tintype.entry.background import Log
from tintype.entry.database import open_database
from tintype.entry.roles import Role
from tintype.http import Limiter, RateLimiter, SharedRateLimiter
from tintype.kernel.clock import Clock
from tintype.kernel.problem import Unavailable
from tintype.ports.neighbours import Neighbours
from tintype.ports.noticed import NoticedPages
from tintype.ports.timelines import Timelines

if TYPE_CHECKING:
    from tintype.adapters.kafka.events import KafkaEvents
    from tintype.entry.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Engines:
    """What the slices are put together with, and how it is let go of.

    ``events`` is ``None`` where the log of events is in the database.
    """

    database: Database
    timelines: Timelines
    neighbours: Neighbours
    limiter: Limiter
    events: KafkaEvents | None = None
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    openers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    pages: NoticedPages | None = None
    """Reads many timelines by one question, where they are not in this process."""

    @property
    def shared(self) -> bool:
        """Whether other processes may write beside this one."""
        return not self.database.notices.alone

    def log_for(self, role: Role, groups: Collection[str]) -> Log:
        """Where a process of this role reads events, and how it relays them, if it does.

        ``groups`` are all that read them, in any process.
        """
        relays = role in {Role.SERVE, Role.RELAY}
        if self.events is None:
            return Log(None, Relay(self.database).run if relays else None)
        holder = f"{socket.gethostname()}/{os.getpid()}"
        relay = LaneRelay(self.database, self.events, holder, groups)
        return Log(self.events, relay.run if relays else None)

    async def open(self) -> None:
        """Connect to what people would wait for; what does not answer now is connected later."""
        for open_ in (self.database.open, *self.openers):
            try:
                await open_()
            except Unavailable as error:
                log.warning("engines.not_open", error=repr(error))
        # What is held from now on is kept exact from here.
        await self.database.notices.catch_up()

    async def close(self) -> None:
        """Let go of everything, the database last."""
        for close in self.closers:
            await close()
        await self.database.close()


def open_engines(
    settings: Settings, clock: Clock, on_fatal: Callable[[BaseException], None] | None = None
) -> Engines:
    """The engines of these settings; connections are opened as they are needed.

    Raises:
        DatabaseUnavailable: the database does not answer, so its schema is not known to be right.
        SchemaTooNew: a newer version has been at work there.
    """
    database = open_database(settings, clock, on_fatal)
    closers: list[Callable[[], Awaitable[None]]] = []
    openers: list[Callable[[], Awaitable[None]]] = []
    timelines: Timelines
    neighbours: Neighbours
    limiter: Limiter
    pages: NoticedPages | None = None
    if settings.redis.url is None:
        timelines = MemoryTimelines(clock, resident=settings.feed.timelines)
        neighbours = MemoryNeighbours(clock)
        limiter = RateLimiter(settings.rate_limits, clock)
    else:
        from tintype.adapters.redis.buckets import RedisBuckets
        from tintype.adapters.redis.cache import RedisCache
        from tintype.adapters.redis.client import Redis
        from tintype.adapters.redis.neighbours import RedisNeighbours
        from tintype.adapters.redis.noticed import RedisNoticedPages
        from tintype.adapters.redis.notices import RedisNotices
        from tintype.adapters.redis.timelines import RedisTimelines

        # One for all of them: commands of one moment share a round trip.
        redis = Redis(settings.redis)
        timelines = RedisTimelines(redis, clock)
        # On a connection of its own: long lists, which nothing else should wait behind.
        neighbours = RedisNeighbours(redis.sibling())
        limiter = SharedRateLimiter(settings.rate_limits, clock, RedisBuckets(redis))
        notices = RedisNotices(redis)
        database.notices.listen_on(notices)
        pages = RedisNoticedPages(redis, notices, timelines)
        database.notices.shelves.stand_on(RedisCache(redis))
        closers += [timelines.close, neighbours.close]
        openers.append(redis.open)
    events = None
    if settings.kafka.bootstrap is not None:
        from tintype.adapters.kafka.events import KafkaEvents

        events = KafkaEvents(settings.kafka)
        closers.append(events.close)
    return Engines(database, timelines, neighbours, limiter, events, closers, openers, pages)

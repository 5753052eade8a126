"""The wiring of the feed: timelines in this process, the slice, and the short way to it."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp

from tintype.accounts import Sessions
from tintype.database import Consumer
from tintype.entry.background import Loop, Periodic
from tintype.entry.engines import Engines
from tintype.feed import FeedSettings, Home, Together
from tintype.feed.consumers import consumers
from tintype.feed.routes import instant_way, later_way, routes, short_way
from tintype.graph import Graph
from tintype.http import Answers, Kit, Routes, ShortWay
from tintype.http.meter import Observe
from tintype.kernel.asking import asking
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable
from tintype.ports.timelines import Timelines
from tintype.posts import Posts

log = structlog.get_logger(__name__)

_LOOK_S = 5.0


@dataclass(frozen=True)
class FeedPart:
    """Everything about feeds that the rest of the server is put together with."""

    timelines: Timelines
    home: Home
    together: Together | None
    routes: Routes
    consumers: list[Consumer]
    periodic: list[Periodic]
    """What a process that answers people does for itself."""
    loops: list[Loop]

    async def warm(self) -> None:
        """Prepare for the first reader, where that takes time; never fails."""
        try:
            await self.home.warm()
        except Unavailable as error:
            log.warning("feed.not_warm", error=repr(error))

    def in_front_of(self, app: ASGIApp, kit: Kit, sessions: Sessions, observe: Observe) -> ShortWay:
        """The application, with the feed taking the short way when it can."""

        def at_hand(token: str) -> Id | None:
            signed = sessions.cached(token)
            if signed is None:
                return None
            asking.set((signed.account, signed.session))
            return signed.account

        later = later_way(self.together) if self.together is not None else None
        ways = Answers(short_way(self.home), instant_way(self.home), later)
        return ShortWay(app, kit, at_hand, observe, {"/v1/feed": ways})


def compose_feed(
    settings: FeedSettings,
    engines: Engines,
    *,
    graph: Graph,
    posts: Posts,
) -> FeedPart:
    """The home feed on the timelines of these engines."""
    database, timelines, pages = engines.database, engines.timelines, engines.pages
    home = Home(database, timelines, graph, posts, settings=settings)
    together = Together(home, pages, database.notices) if pages is not None else None
    popular = Periodic("look for popular posts", _LOOK_S, posts.popular.refresh, everywhere=True)

    async def quiet() -> bool:
        return not (await home.fan_out_figures()).waiting

    loop = Loop("fan-out", home.carry, quiet)
    return FeedPart(timelines, home, together, routes(home), consumers(home), [popular], [loop])

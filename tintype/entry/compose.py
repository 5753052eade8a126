"""The wiring: which part gets which. Read this page to know what Tintype is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from tintype.accounts import Accounts, OwnInstance, Passwords, Sessions
from tintype.accounts.consumers import consumers as account_consumers
from tintype.accounts.model import (
    LONGEST_BIO,
    LONGEST_EMAIL,
    LONGEST_HANDLE,
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
)
from tintype.accounts.routes import routes as accounts_routes
from tintype.admin import Check
from tintype.admin.service.answers import WarmedFiles
from tintype.database import Consumer, Database, Fold
from tintype.database.notices import Noticed
from tintype.database.pruning import prune
from tintype.entry import checks, folder
from tintype.entry.admin import AdminPart, Watched, compose_admin
from tintype.entry.background import Background, Periodic, Work
from tintype.entry.counting import counters
from tintype.entry.database import housekeeping, schema_check
from tintype.entry.engines import Engines, open_engines
from tintype.entry.feed import FeedPart, compose_feed
from tintype.entry.media import GraphAudience, MediaConfig, MediaPart, compose_media
from tintype.entry.pages import Pages, Sources, lost
from tintype.entry.pages import routes as page_routes
from tintype.entry.roles import (
    WITH_PEOPLE,
    Concern,
    Role,
    concerns_of,
    part_for,
    require_engines,
)
from tintype.entry.secret import Secret
from tintype.entry.settings import Settings
from tintype.explore import Explore
from tintype.explore.routes import routes as explore_routes
from tintype.graph import Graph, Lists, Mutuals
from tintype.graph.consumers import consumers as graph_consumers
from tintype.graph.routes import routes as graph_routes
from tintype.graph.service.mutuals import HAND_OVER_S
from tintype.http import (
    Authenticator,
    Envelope,
    Fresh,
    Identity,
    Keeper,
    Kit,
    Meter,
    ShortWay,
    create_app,
)
from tintype.http.reference import Reference
from tintype.http.shell import Shell
from tintype.kernel.clock import Clock, SystemClock
from tintype.media import TextLimits, limits_view
from tintype.notifications import Live, Notifications, Noting
from tintype.notifications.consumers import consumers as notification_consumers
from tintype.notifications.routes import routes as notification_routes
from tintype.notifications.service.live import BEAT_S, News
from tintype.posts import (
    LONGEST_ALT,
    LONGEST_CAPTION,
    LONGEST_COMMENT,
    MOST_MENTIONS,
    MOST_SLIDES,
    MOST_TAGS,
    Posts,
)
from tintype.posts.consumers import consumers as post_consumers
from tintype.posts.consumers import jobs as post_jobs
from tintype.posts.consumers import warming_consumer
from tintype.posts.routes import routes as post_routes

# Bodies under these paths stream and are limited by what was signed for them.
_STREAMING = ("/parts/",)
# What is answered under these is the same whatever anybody writes.
_STILL = ("/assets/", "/livez", "/readyz", "/metrics", "/parts/")
TEXT_LIMITS = TextLimits(
    slides=MOST_SLIDES,
    caption=LONGEST_CAPTION,
    comment=LONGEST_COMMENT,
    alt=LONGEST_ALT,
    bio=LONGEST_BIO,
    display_name=LONGEST_NAME,
    tags=MOST_TAGS,
    mentions=MOST_MENTIONS,
    handle=LONGEST_HANDLE,
    email=LONGEST_EMAIL,
    password=LONGEST_PASSWORD,
    password_least=SHORTEST_PASSWORD,
)
_CLIENT = Path(__file__).parents[2] / "web" / "dist"
_PROBLEM_PAGES = Path(__file__).parents[2] / "docs" / "reference" / "problems"
_HOUR_S = 3600.0


@dataclass(frozen=True)
class Server:
    """One composed instance: the application and the work beside it."""

    settings: Settings
    engines: Engines
    accounts: Accounts
    sessions: Sessions
    graph: Graph
    media: MediaPart
    posts: Posts
    feed: FeedPart
    live: Live
    admin: AdminPart
    app: FastAPI
    short: ShortWay
    """What answers ahead of ``asgi``, where the server asks for it."""
    asgi: ASGIApp
    background: Background
    passwords: Passwords
    works_on_media: bool
    serves_people: bool

    @property
    def database(self) -> Database:
        return self.engines.database

    async def start(self) -> None:
        if self.works_on_media:
            await self.media.start()
        await self.engines.open()
        await self.admin.flags.refresh()
        if self.engines.shared and self.serves_people:
            await self.feed.warm()
        self.admin.metrics.watch(self.background.oldest_events)
        self.background.start()

    async def stop(self) -> None:
        """Stop the work, hand leases back, wait for the last commit."""
        await self.background.stop()
        await self.media.stop()
        self.passwords.close()
        await self.engines.close()


class _Tokens(Authenticator):
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def identify(self, token: str) -> Identity | None:
        signed = await self._sessions.identify(token)
        if signed is None:
            return None
        return Identity(account=signed.account, session=signed.session, admin=signed.admin)


def compose(
    settings: Settings,
    *,
    role: Role = Role.SERVE,
    only: Collection[Concern] = tuple(Concern),
    clock: Clock | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> Server:
    """Build a process of the server on the engines of the settings, its schema up to date.

    ``role`` is what it does, ``only`` the concerns of a worker. Every process is put together
    whole: what it is not there for costs nothing until it is used.

    Raises:
        ConfigError: the data folder can not be used, or the role lacks an engine.
        DatabaseUnavailable: the database of the settings does not answer.
    """
    clock = clock or SystemClock()
    require_engines(settings, role)
    folder.make(settings.data)
    secret = Secret.of(settings.secret, settings.data)
    engines = open_engines(settings, clock, on_fatal)
    database = engines.database

    passwords = Passwords(settings.accounts)
    sessions = Sessions(database, passwords, settings.accounts)
    accounts = Accounts(database, passwords, sessions, settings.accounts)
    graph = Graph(database, accounts)
    mutuals = Mutuals(database, accounts, graph, engines.neighbours)
    media = compose_media(
        settings.data,
        MediaConfig(
            media=settings.media,
            disk=settings.disk,
            texts=TEXT_LIMITS,
            s3=settings.s3,
            cold_s3=settings.cold_s3,
            tiers=settings.tiers,
            decodes=role is Role.SERVE,
        ),
        database=database,
        accounts=accounts,
        sessions=sessions,
        audience=GraphAudience(graph),
        secret=secret,
    )
    posts = Posts(database, accounts, graph, media.media, media.uploads)
    notifications = Notifications(database, graph, posts)
    feed = compose_feed(settings.feed, engines, graph=graph, posts=posts)
    news = News(graph, feed.home, posts, notifications)
    live = Live(database, news, sessions.identify, settings.notifications)

    keeper = Keeper(database, secret.seal("idempotency"))
    kit = Kit(
        authenticator=_Tokens(sessions),
        limiter=engines.limiter,
        keeper=keeper,
        public_url=settings.public_url,
        trust_proxy=settings.trust_proxy,
        addressed=media.media.origins.addressed,
    )
    consumers: list[Consumer | Fold] = [
        counters(posts),
        *account_consumers(sessions),
        *graph_consumers(graph),
        *post_consumers(posts),
        *([] if media.media.warming.idle else [warming_consumer(posts, media.media)]),
        *feed.consumers,
        *notification_consumers(Noting(database, graph, posts)),
    ]
    if engines.shared:
        consumers.append(Consumer("notices", (Noticed,), database.notices.repeat))
    admin = compose_admin(
        settings.admin,
        database=database,
        accounts=accounts,
        instance=OwnInstance(database, settings.accounts),
        secret=secret,
        watched=Watched(
            erase_account=[
                posts.erase_account,
                media.media.erase_account,
                graph.erase_account,
                mutuals.erase_account,
                feed.home.erase_account,
                notifications.erase_account,
            ],
            checks=_checks(settings, media, role, only),
            consumers=consumers,
            limits=limits_view(settings.media, TEXT_LIMITS, None),
            commits=lambda: database.commits,
            home=feed.home,
            events=engines.events,
        ),
    )
    groups = [consumer.group for consumer in consumers]
    work = Work(
        consumers=consumers,
        handlers=[*media.handlers, *post_jobs(posts), *mutuals.jobs(), *admin.handlers],
        slow_handlers=media.slow_handlers,
        late_handlers=media.late_handlers,
        loops=feed.loops,
        periodic=[
            Periodic("forget old keys", _HOUR_S, keeper.forget_old),
            Periodic("prune the log", _HOUR_S, lambda: prune(database, groups)),
            *housekeeping(database),
            Periodic("forget old notifications", _HOUR_S, notifications.forget_old),
            *media.periodic,
            *admin.periodic,
            *([*feed.periodic, *media.edge_periodic] if role in WITH_PEOPLE else []),
            *([_told(live), _near(mutuals)] if role in WITH_PEOPLE else []),
        ],
    )
    part = part_for(role, work, only)
    shell = Shell(_CLIENT, media.origins, media.media.origins.addressed)
    pages = Pages(
        shell,
        Sources(
            instance=admin.setup.instance,
            own_account=accounts.own,
            first_feed_page=feed.home.first_page,
            account=graph.see_account,
            post=lambda post, viewer: posts.reading.post(post, viewer=viewer),
        ),
    )
    app = create_app(
        kit,
        [
            accounts_routes(accounts, sessions),
            graph_routes(graph, Lists(database, accounts, graph, mutuals), mutuals),
            media.routes,
            post_routes(posts, accounts),
            feed.routes,
            explore_routes(Explore(accounts, graph, posts)),
            notification_routes(notifications, live),
            admin.routes,
            page_routes(pages, shell),
        ],
    )
    app.router.routes.extend(media.part_routes)
    app.router.routes.extend(Reference(app.openapi, _PROBLEM_PAGES).routes())
    app.include_router(admin.machine_routes)
    app.include_router(media.machine_routes)
    app.state.lost = lost(pages, kit)
    admin.metrics.registry.register(WarmedFiles(lambda: media.media.warming.fetched))
    answered = admin.metrics.answered
    short = feed.in_front_of(
        Meter(Envelope(app, unlimited=_STREAMING, adopt=settings.trust_proxy), answered),
        kit,
        sessions,
        answered,
    )
    asgi = Fresh(short, database.notices.catch_up, still=_STILL) if engines.shared else short
    return Server(
        settings=settings,
        engines=engines,
        accounts=accounts,
        sessions=sessions,
        graph=graph,
        media=media,
        posts=posts,
        feed=feed,
        live=live,
        admin=admin,
        app=app,
        short=short,
        asgi=asgi if role in WITH_PEOPLE else _machine_app(kit, admin),
        background=Background(database, part, engines.log_for(role, groups)),
        passwords=passwords,
        works_on_media=bool(part.slow_handlers),
        serves_people=role in WITH_PEOPLE,
    )


def _told(live: Live) -> Periodic:
    return Periodic("tell live streams", BEAT_S, live.beat, everywhere=True)


def _near(mutuals: Mutuals) -> Periodic:
    return Periodic("bring neighbours near", HAND_OVER_S, mutuals.hand_over, everywhere=True)


def _machine_app(kit: Kit, admin: AdminPart) -> ASGIApp:
    """For a process that people never talk to: life, readiness and figures."""
    app = create_app(kit, [])
    app.include_router(admin.machine_routes)
    return app


def _checks(
    settings: Settings, media: MediaPart, role: Role, only: Collection[Concern]
) -> list[Check]:
    found = [
        schema_check(settings),
        checks.check("disk", lambda: checks.free_disk(settings.data, settings.disk.free_floor)),
        *media.checks,
    ]
    if Concern.MEDIA in concerns_of(role, only):
        found.append(checks.check("sandbox", lambda: checks.sandbox(media.codecs.level())))
    return found

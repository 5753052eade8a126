"""The wiring: which part gets which. Read this page to know what Tintype is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from tintype.accounts import Accounts, OwnInstance, Passwords, Sessions
from tintype.accounts.consumers import consumers as account_consumers
from tintype.accounts.routes import routes as accounts_routes
from tintype.admin import Check
from tintype.database import Consumer, Database, Fold, Transaction, counts
from tintype.database.pruning import prune
from tintype.entry import checks, folder
from tintype.entry.admin import AdminPart, Watched, compose_admin
from tintype.entry.background import Background, Periodic, Work
from tintype.entry.database import housekeeping, open_database, schema_check
from tintype.entry.feed import FeedPart, compose_feed
from tintype.entry.media import GraphAudience, MediaConfig, MediaPart, compose_media
from tintype.entry.pages import Pages, Sources, lost
from tintype.entry.pages import routes as page_routes
from tintype.entry.secret import Secret
from tintype.entry.settings import Settings
from tintype.explore import Explore
from tintype.explore.routes import routes as explore_routes
from tintype.graph import Graph, Lists
from tintype.graph.consumers import consumers as graph_consumers
from tintype.graph.routes import routes as graph_routes
from tintype.http import (
    Authenticator,
    Envelope,
    Identity,
    Keeper,
    Kit,
    Meter,
    RateLimiter,
    create_app,
)
from tintype.http.reference import Reference
from tintype.http.shell import Shell
from tintype.kernel.clock import Clock, SystemClock
from tintype.kernel.event import Event
from tintype.media import TextLimits, limits_view
from tintype.notifications import Notifications, Noting
from tintype.notifications.consumers import consumers as notification_consumers
from tintype.notifications.routes import routes as notification_routes
from tintype.posts import LONGEST_ALT, LONGEST_CAPTION, LONGEST_COMMENT, MOST_SLIDES, Posts
from tintype.posts.consumers import consumers as post_consumers
from tintype.posts.consumers import jobs as post_jobs
from tintype.posts.routes import routes as post_routes

# Bodies under these paths stream and are limited by what was signed for them.
_STREAMING = ("/parts/",)
TEXT_LIMITS = TextLimits(
    slides=MOST_SLIDES,
    caption=LONGEST_CAPTION,
    comment=LONGEST_COMMENT,
    alt=LONGEST_ALT,
    bio=500,
    display_name=60,
)
_CLIENT = Path(__file__).parents[2] / "web" / "dist"
_PROBLEM_PAGES = Path(__file__).parents[2] / "docs" / "reference" / "problems"
_HOUR_S = 3600.0
_COUNT_WINDOW_S = 0.02


@dataclass(frozen=True)
class Server:
    """One composed instance: the application and the work beside it."""

    settings: Settings
    database: Database
    accounts: Accounts
    sessions: Sessions
    graph: Graph
    media: MediaPart
    posts: Posts
    feed: FeedPart
    admin: AdminPart
    app: FastAPI
    asgi: ASGIApp
    background: Background
    passwords: Passwords

    async def start(self) -> None:
        await self.media.start()
        self.background.start()

    async def stop(self) -> None:
        """Stop the work, hand leases back, wait for the last commit."""
        await self.background.stop()
        await self.media.stop()
        self.passwords.close()
        await self.database.close()


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
    clock: Clock | None = None,
    on_fatal: Callable[[BaseException], None] | None = None,
) -> Server:
    """Build a server on the engines of the settings; the schema is brought up to date first.

    Raises:
        ConfigError: the data folder can not be used.
        DatabaseUnavailable: the database of the settings does not answer.
    """
    clock = clock or SystemClock()
    folder.make(settings.data)
    secret = Secret.in_folder(settings.data)
    database = open_database(settings, clock, on_fatal)

    passwords = Passwords(settings.accounts)
    sessions = Sessions(database, passwords, settings.accounts)
    accounts = Accounts(database, passwords, sessions, settings.accounts)
    graph = Graph(database, accounts)
    lists = Lists(database, accounts, graph)
    media = compose_media(
        settings.data,
        MediaConfig(media=settings.media, disk=settings.disk, texts=TEXT_LIMITS, s3=settings.s3),
        database=database,
        accounts=accounts,
        sessions=sessions,
        audience=GraphAudience(graph),
        secret=secret,
    )
    posts = Posts(database, accounts, graph, media.media, media.uploads)
    notifications = Notifications(database, graph, posts)
    feed = compose_feed(settings.feed, database=database, graph=graph, posts=posts)

    keeper = Keeper(database, secret.seal("idempotency"))
    kit = Kit(
        authenticator=_Tokens(sessions),
        limiter=RateLimiter(settings.rate_limits, clock),
        keeper=keeper,
        public_url=settings.public_url,
        trust_proxy=settings.trust_proxy,
    )
    consumers: list[Consumer | Fold] = [
        _counters(posts),
        *account_consumers(sessions),
        *graph_consumers(graph),
        *post_consumers(posts),
        *feed.consumers,
        *notification_consumers(Noting(database, graph, posts)),
    ]
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
                feed.home.erase_account,
                notifications.erase_account,
            ],
            checks=_checks(settings, media),
            consumers=consumers,
            limits=limits_view(settings.media, TEXT_LIMITS, None),
            commits=lambda: database.commits,
        ),
    )
    groups = [consumer.group for consumer in consumers]
    work = Work(
        consumers=consumers,
        handlers=[*media.handlers, *post_jobs(posts), *admin.handlers],
        slow_handlers=media.slow_handlers,
        periodic=[
            Periodic("forget old keys", _HOUR_S, keeper.forget_old),
            Periodic("prune the log", _HOUR_S, lambda: prune(database, groups)),
            *housekeeping(database),
            Periodic("forget old notifications", _HOUR_S, notifications.forget_old),
            *media.periodic,
            *admin.periodic,
        ],
    )
    shell = Shell(_CLIENT, media.storage.origins)
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
            graph_routes(graph, lists),
            media.routes,
            post_routes(posts, accounts),
            feed.routes,
            explore_routes(Explore(accounts, graph, posts)),
            notification_routes(notifications),
            admin.routes,
            page_routes(pages, shell),
        ],
    )
    app.router.routes.extend(media.part_routes)
    app.router.routes.extend(Reference(app.openapi, _PROBLEM_PAGES).routes())
    app.include_router(admin.machine_routes)
    app.include_router(media.machine_routes)
    app.state.lost = lost(pages, kit)
    answered = admin.metrics.answered
    return Server(
        settings=settings,
        database=database,
        accounts=accounts,
        sessions=sessions,
        graph=graph,
        media=media,
        posts=posts,
        feed=feed,
        admin=admin,
        app=app,
        asgi=feed.in_front_of(
            Meter(Envelope(app, unlimited=_STREAMING), answered), kit, sessions, answered
        ),
        background=Background(database, work),
        passwords=passwords,
    )


def _checks(settings: Settings, media: MediaPart) -> list[Check]:
    return [
        schema_check(settings),
        checks.check("disk", lambda: checks.free_disk(settings.data, settings.disk.free_floor)),
        checks.check("sandbox", lambda: checks.sandbox(media.codecs.level())),
    ]


def _counters(posts: Posts) -> Fold:
    """Counts follow the events; posts at hand are told, so that none shows an old count."""

    async def fold(tx: Transaction, batch: Sequence[Event]) -> None:
        await counts.fold(tx, batch)
        moved = {subject for subject, _ in counts.changes(batch)}
        posts.counted(tx, moved)

    return Fold("counters", _counted_events(), fold, linger_s=_COUNT_WINDOW_S)


def _counted_events() -> tuple[type[Event], ...]:
    """Every event type that moves a count, or ends one."""
    found: list[type[Event]] = []
    waiting = list(Event.__subclasses__())
    while waiting:
        event = waiting.pop()
        waiting += event.__subclasses__()
        if event.deltas is not Event.deltas or event.forgets is not Event.forgets:
            found.append(event)
    return tuple(found)

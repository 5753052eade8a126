"""The wiring: which part gets which. Read this page to know what Tintype is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp

from tintype.accounts import Accounts, Passwords, Sessions
from tintype.accounts.routes import routes as accounts_routes
from tintype.config import ConfigError
from tintype.database import Fold, SqliteDatabase, counts
from tintype.database.migrate import migrate
from tintype.entry.background import Background, Periodic, Work
from tintype.entry.secret import Secret
from tintype.entry.settings import Settings
from tintype.http import Authenticator, Envelope, Identity, Keeper, Kit, RateLimiter, create_app
from tintype.kernel.clock import Clock, SystemClock
from tintype.kernel.event import Event

# Bodies under these paths stream and are limited by what was signed for them.
_STREAMING = ("/parts/",)
_HOUR_S = 3600.0
_COUNT_WINDOW_S = 0.1


@dataclass(frozen=True)
class Server:
    """One composed instance: the application and the work beside it."""

    settings: Settings
    database: SqliteDatabase
    accounts: Accounts
    sessions: Sessions
    app: FastAPI
    asgi: ASGIApp
    background: Background
    passwords: Passwords

    async def start(self) -> None:
        self.background.start()

    async def stop(self) -> None:
        """Stop the work, hand leases back, wait for the last commit."""
        await self.background.stop()
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
    """Build a server on the embedded default; the schema is brought up to date first.

    Raises:
        ConfigError: the data folder can not be used.
    """
    clock = clock or SystemClock()
    _make_folder(settings)
    secret = Secret.in_folder(settings.data)
    migrate(settings.data / "tintype.sqlite", settings.data / "backups")
    database = SqliteDatabase(settings.data / "tintype.sqlite", clock, on_fatal=on_fatal)

    passwords = Passwords(settings.accounts)
    sessions = Sessions(database, passwords, settings.accounts)
    accounts = Accounts(database, passwords, sessions, settings.accounts)

    keeper = Keeper(database, secret.seal("idempotency"))
    kit = Kit(
        authenticator=_Tokens(sessions),
        limiter=RateLimiter(settings.rate_limits, clock),
        keeper=keeper,
        public_url=settings.public_url,
        trust_proxy=settings.trust_proxy,
    )
    work = Work(
        consumers=[Fold("counters", _counted_events(), counts.fold, linger_s=_COUNT_WINDOW_S)],
        periodic=[Periodic("forget old keys", _HOUR_S, keeper.forget_old)],
    )
    app = create_app(kit, [accounts_routes(accounts, sessions)])
    return Server(
        settings=settings,
        database=database,
        accounts=accounts,
        sessions=sessions,
        app=app,
        asgi=Envelope(app, unlimited=_STREAMING),
        background=Background(database, work),
        passwords=passwords,
    )


def _make_folder(settings: Settings) -> None:
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = settings.data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = f"data (TINTYPE_DATA): {settings.data} can not be written: {error.strerror}."
        raise ConfigError(message) from error


def _counted_events() -> tuple[type[Event], ...]:
    """Every event type that moves a count."""
    found: list[type[Event]] = []
    waiting = list(Event.__subclasses__())
    while waiting:
        event = waiting.pop()
        waiting += event.__subclasses__()
        if event.deltas is not Event.deltas:
            found.append(event)
    return tuple(found)

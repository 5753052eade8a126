"""The wiring of the operator's side, put together when everything that it watches exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from tintype.accounts import Accounts, OwnInstance
from tintype.admin import (
    AdminSettings,
    Check,
    Erasing,
    Flags,
    HealthWatch,
    Metrics,
    Repairs,
    Setup,
    flags_of,
)
from tintype.admin.consumers import jobs
from tintype.admin.routes import Machinery, machine_routes
from tintype.admin.routes import routes as admin_routes
from tintype.admin.service.erasing import EraseAccount
from tintype.admin.service.health import BEAT_S
from tintype.admin.service.provider import offer
from tintype.database import Consumer, Database, Fold, JobHandler
from tintype.entry.background import Periodic
from tintype.entry.secret import Secret
from tintype.feed import FeedFlags, Home
from tintype.http import Routes
from tintype.media import LimitsView
from tintype.ports.events import Events

_LOOK_S = 2.0


@dataclass(frozen=True)
class AdminPart:
    """Everything of the operator's side that the rest of the server is put together with."""

    setup: Setup
    health: HealthWatch
    metrics: Metrics
    flags: Flags
    routes: Routes
    machine_routes: APIRouter
    handlers: list[JobHandler]

    @property
    def periodic(self) -> list[Periodic]:
        return [
            Periodic("heartbeat", BEAT_S, self.health.beat, everywhere=True),
            # Hears of what a command changed, too: that runs beside this process.
            Periodic("look at the flags", _LOOK_S, self.flags.refresh, everywhere=True),
        ]


@dataclass(frozen=True)
class Watched:
    """What the slices hand to the operator's side.

    ``erase_account`` goes from content to relations; ``checks`` are what readiness looks at.
    """

    erase_account: Sequence[EraseAccount]
    checks: Sequence[Check]
    consumers: Sequence[Consumer | Fold]
    limits: LimitsView
    commits: Callable[[], int]
    home: Home
    events: Events | None = None

    @property
    def lag(self) -> Callable[[], Awaitable[Mapping[str, int]]] | None:
        """How far groups are behind in a log outside the database; ``None`` without one."""
        events, groups = self.events, [consumer.group for consumer in self.consumers]
        return None if events is None else lambda: events.lag(groups)


def compose_admin(
    settings: AdminSettings,
    *,
    database: Database,
    accounts: Accounts,
    instance: OwnInstance,
    secret: Secret,
    watched: Watched,
) -> AdminPart:
    """Set-up, erasure, health and figures over the parts that exist."""
    setup = Setup(accounts, instance, secret=secret.key("setup"), limits=watched.limits)
    health = HealthWatch(database, watched.checks)
    metrics = Metrics(
        database,
        watched.commits,
        lambda: watched.home.answers,
        watched.lag,
        watched.home.fan_out_figures,
    )
    flags = _flags(database, watched.home)
    return AdminPart(
        setup=setup,
        health=health,
        metrics=metrics,
        flags=flags,
        routes=admin_routes(setup, instance, flags),
        machine_routes=machine_routes(Machinery(health, metrics, settings)),
        handlers=jobs(
            Erasing(database, accounts, watched.erase_account),
            Repairs(database, watched.consumers),
        ),
    )


def _flags(database: Database, home: Home) -> Flags:
    """The flags that the slices declare, obeyed by them from now on."""
    flags = Flags(database, flags_of("feed", FeedFlags))

    def switch_feeds() -> None:
        home.switch(
            FeedFlags(**{field: flags.is_on(f"feed-{field}") for field in FeedFlags.model_fields})
        )

    flags.on_change(switch_feeds)
    flags.before_on("feed-ranked", home.require_ranker)
    # Nobody knows what happened to the timelines while they were off.
    flags.before_on("feed-timelines", home.distrust_timelines)
    # Extensions ask by the vendor-neutral SDK; our own code asks the flags.
    offer(flags)
    return flags

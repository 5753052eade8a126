"""The wiring of the operator's side, put together when everything that it watches exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from tintype.accounts import Accounts, OwnInstance
from tintype.admin import AdminSettings, Check, Erasing, HealthWatch, Metrics, Repairs, Setup
from tintype.admin.consumers import jobs
from tintype.admin.routes import Machinery, machine_routes
from tintype.admin.routes import routes as admin_routes
from tintype.admin.service.erasing import EraseAccount
from tintype.admin.service.health import BEAT_S
from tintype.database import Consumer, Database, Fold, JobHandler
from tintype.entry.background import Periodic
from tintype.entry.secret import Secret
from tintype.http import Routes
from tintype.media import LimitsView


@dataclass(frozen=True)
class AdminPart:
    """Everything of the operator's side that the rest of the server is put together with."""

    setup: Setup
    health: HealthWatch
    metrics: Metrics
    routes: Routes
    machine_routes: APIRouter
    handlers: list[JobHandler]

    @property
    def periodic(self) -> list[Periodic]:
        return [Periodic("heartbeat", BEAT_S, self.health.beat, everywhere=True)]


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
    metrics = Metrics(database, watched.commits)
    return AdminPart(
        setup=setup,
        health=health,
        metrics=metrics,
        routes=admin_routes(setup, instance),
        machine_routes=machine_routes(Machinery(health, metrics, settings)),
        handlers=jobs(
            Erasing(database, accounts, watched.erase_account),
            Repairs(database, watched.consumers),
        ),
    )

"""Which part of the work a process does: everything, or one role of several."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum

from tintype.config import ConfigError
from tintype.entry.background import Work
from tintype.entry.settings import Settings


class Role(StrEnum):
    """What a process is there for."""

    SERVE = "serve"
    """Everything in one process."""
    API = "api"
    """Requests only; any number of these may run."""
    WORKER = "worker"
    """Consumers and jobs of some concerns, or of all; any number of these may run."""
    RELAY = "relay"
    """Carries committed events from the database to the log; a second one takes over."""


class Concern(StrEnum):
    """What a worker may be told to look after, and nothing else."""

    FAN_OUT = "fan-out"
    """Posts into timelines."""
    COUNTERS = "counters"
    """Counts of likes, comments, followers, posts."""
    NOTIFICATIONS = "notifications"
    """Who is told of what."""
    MEDIA = "media"
    """Photos and videos from upload to published post: the one that takes processors."""
    HOUSEKEEPING = "housekeeping"
    """Everything else: erasing, sweeping, requests of accounts that went public."""


_GROUPS = {
    "fan-out": Concern.FAN_OUT,
    "counters": Concern.COUNTERS,
    "notifications": Concern.NOTIFICATIONS,
    "posts": Concern.MEDIA,
}
_MEDIA_JOBS = "media."
WITH_PEOPLE = frozenset({Role.SERVE, Role.API})
"""The roles that answer people."""


def concerns_of(role: Role, only: Collection[Concern]) -> frozenset[Concern]:
    """What a process of this role looks after; ``only`` is asked of workers."""
    if role is Role.SERVE:
        return frozenset(Concern)
    return frozenset(only) if role is Role.WORKER else frozenset()


def part_for(role: Role, work: Work, only: Collection[Concern]) -> Work:
    """The part of the work that this process does."""
    concerns = concerns_of(role, only)
    keeps_house = Concern.HOUSEKEEPING in concerns
    return replace(
        work,
        consumers=[each for each in work.consumers if _concern_of(each.group) in concerns],
        handlers=[each for each in work.handlers if _concern_of_job(each.kind) in concerns],
        slow_handlers=[
            each for each in work.slow_handlers if _concern_of_job(each.kind) in concerns
        ],
        late_handlers=[
            each for each in work.late_handlers if _concern_of_job(each.kind) in concerns
        ],
        periodic=[each for each in work.periodic if each.everywhere or keeps_house],
        loops=[each for each in work.loops if each.concern in concerns],
    )


def require_engines(settings: Settings, role: Role) -> None:
    """Refuse a role of several processes while something lives in a single one.

    Raises:
        ConfigError: an engine is missing; the message names all that are.
    """
    missing = [
        f"{name} ({variable})"
        for name, variable, value in (
            ("database.url", "TINTYPE_DATABASE__URL", settings.database.url),
            ("redis.url", "TINTYPE_REDIS__URL", settings.redis.url),
            ("kafka.bootstrap", "TINTYPE_KAFKA__BOOTSTRAP", settings.kafka.bootstrap),
            ("s3.bucket", "TINTYPE_S3__BUCKET", settings.s3),
            ("secret", "TINTYPE_SECRET", settings.secret),
        )
        if not value
    ]
    if missing and role is not Role.SERVE:
        message = (
            f"tintype {role} runs beside other processes and needs what they share. Not set: "
            f"{', '.join(missing)}. For one process with nothing else, run: tintype serve"
        )
        raise ConfigError(message)


def _concern_of(group: str) -> Concern:
    return _GROUPS.get(group, Concern.HOUSEKEEPING)


def _concern_of_job(kind: str) -> Concern:
    return Concern.MEDIA if kind.startswith(_MEDIA_JOBS) else Concern.HOUSEKEEPING

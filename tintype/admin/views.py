from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.accounts import Registration
from tintype.admin.model import Finding, Flag, FlagState, Health
from tintype.kernel.clock import to_rfc3339
from tintype.media import LimitsView


class LinksView(msgspec.Struct, frozen=True):
    """Where to read on."""

    documentation: str
    openapi: str


class InstanceView(msgspec.Struct, frozen=True):
    """This server as anybody may know it; ``setup_required`` until its first admin exists."""

    name: str
    registration: Registration
    setup_required: bool
    version: str
    limits: LimitsView
    links: LinksView


class AdminInstanceView(msgspec.Struct, frozen=True):
    """What an admin decides about this server."""

    name: str
    registration: Registration


class FlagView(msgspec.Struct, frozen=True):
    """A flag as this process obeys it.

    ``set`` tells whether somebody decided; else the default holds. ``changed_by`` is the account
    that changed it last, null when it was changed by a command of the server, or never.
    """

    name: str
    on: bool
    default: bool
    set: bool
    meaning: str
    changed_at: str | None
    changed_by: str | None


class FlagList(msgspec.Struct, frozen=True):
    """Every flag that this version knows."""

    items: list[FlagView]


class FindingView(msgspec.Struct, frozen=True):
    """One part that does not work as it should."""

    name: str
    detail: str


class LiveView(msgspec.Struct, frozen=True):
    """The process answers; ``loop_lag_ms`` is how late its last heartbeat was."""

    status: str
    loop_lag_ms: int


class ReadyView(msgspec.Struct, frozen=True):
    """The server takes requests; ``degraded`` lists what is missing nevertheless."""

    status: str
    degraded: list[FindingView]


def ready_view(health: Health) -> ReadyView:
    degraded = finding_views(health.degraded)
    return ReadyView(status="degraded" if degraded else "ready", degraded=degraded)


def finding_views(findings: Sequence[Finding]) -> list[FindingView]:
    return [FindingView(name=each.name, detail=each.detail) for each in findings]


def flag_view(flag: Flag, state: FlagState | None, *, on: bool) -> FlagView:
    return FlagView(
        name=flag.name,
        on=on,
        default=flag.default,
        set=state is not None and state.on is not None,
        meaning=flag.meaning,
        changed_at=None if state is None else to_rfc3339(state.changed_ms),
        changed_by=str(state.changed_by) if state is not None and state.changed_by else None,
    )

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.accounts import Registration
from tintype.admin.model import Finding, Health
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

"""What the operator is told: findings, and the rules that need no database."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict

from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice

Level = Literal["ok", "degraded", "failed"]

# A proxy in front adds one of these: then the nearest address says nothing about the caller.
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


class AdminSettings(BaseModel):
    """Who may read the figures of this server."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    metrics_token: str | None = None
    """`/metrics` answers callers on this machine. With a token it also answers whoever sends
    `Authorization: Bearer` and the token, from anywhere."""


class Finding(msgspec.Struct, frozen=True):
    """The outcome of one check: a degraded part costs a feature, a failed one the service."""

    name: str
    level: Level = "ok"
    detail: str = ""


class Health(msgspec.Struct, frozen=True):
    """All findings of one look at the server."""

    findings: Sequence[Finding]

    @property
    def failed(self) -> list[Finding]:
        return [each for each in self.findings if each.level == "failed"]

    @property
    def degraded(self) -> list[Finding]:
        return [each for each in self.findings if each.level == "degraded"]


class QueueFigures(msgspec.Struct, frozen=True):
    """Jobs of one kind in one state; ``oldest_due_ms`` is when the oldest was to run."""

    kind: str
    state: str
    jobs: int
    oldest_due_ms: int


class StoreFigures(msgspec.Struct, frozen=True):
    """What the database knows about work that waits.

    ``outbox_oldest_ms`` is when the oldest event that was not relayed yet was stored; ``behind``
    counts the events that each consumer group has before it, ``dead_letters`` those it gave up.
    """

    outbox_oldest_ms: int | None
    outbox_events: int
    queues: Sequence[QueueFigures]
    behind: Mapping[str, int]
    dead_letters: Mapping[str, int]


class Flag(msgspec.Struct, frozen=True):
    """A switch that an operator may turn while the server runs."""

    name: str
    default: bool
    meaning: str


class FlagState(msgspec.Struct, frozen=True):
    """How a flag was last set: ``on`` is ``None`` when that was to let the default hold again.

    ``changed_ms`` grows with every change of a flag, whatever the clocks say: the later state is
    the one with the greater number. ``changed_by`` is 0 for whoever runs the server's commands.
    """

    on: bool | None
    changed_ms: int
    changed_by: Id


class FlagChanged(Notice, frozen=True, kw_only=True, tag="flag_changed"):
    """A flag was set.

    It brings the new state along, so that nobody has to ask a database that may be the very reason
    for switching. Two of them may arrive in either order: ``changed_ms`` tells which is the later.
    """

    name: str
    on: bool | None
    changed_ms: int
    changed_by: Id


def flags_of(group: str, values: type[BaseModel]) -> dict[str, Flag]:
    """The flags that a slice declares as fields, by the name that operators use."""
    names = {f"{group}-{field.replace('_', '-')}": field for field in values.model_fields}
    fields = values.model_fields
    return {
        name: Flag(
            name=name,
            default=bool(fields[field].default),
            meaning=" ".join((fields[field].description or "").split()),
        )
        for name, field in names.items()
    }


def is_local(host: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a request came from this very machine, and not through a proxy on it."""
    if host is None or any(name in headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Set-up, what an admin decides, and what the machinery around the server asks."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import msgspec
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import PlainTextResponse, Response

from tintype.accounts import (
    JOINING,
    Device,
    InviteView,
    Newcomer,
    OwnInstance,
    Registration,
    SignedIn,
)
from tintype.admin.errors import (
    FlagNotFound,
    MetricsClosed,
    NotAlive,
    NotReady,
    SetupDone,
    SetupTokenWrong,
)
from tintype.admin.model import AdminSettings, is_local
from tintype.admin.service import Flags, HealthWatch, Metrics, Setup
from tintype.admin.service.metrics import CONTENT_TYPE
from tintype.admin.views import (
    AdminInstanceView,
    FlagList,
    FlagView,
    InstanceView,
    LiveView,
    finding_views,
    ready_view,
)
from tintype.feed import NoRanker
from tintype.http import Access, Body, Call, Routes

_LONGEST = 1000
_MOST_USES, _MOST_DAYS = 10_000, 366


class SetupAnswers(Body):
    token: str = Field(max_length=_LONGEST)
    handle: str = Field(max_length=_LONGEST)
    email: str = Field(max_length=_LONGEST)
    password: str = Field(max_length=_LONGEST)
    display_name: str = Field(default="", max_length=_LONGEST)
    name: str | None = Field(default=None, max_length=_LONGEST)
    registration: Registration | None = None


class InstanceChanges(Body):
    name: str | None = Field(default=None, max_length=_LONGEST)
    registration: Registration | None = None


class FlagChange(Body):
    on: bool | None = Field(strict=True)


class NewInvite(Body):
    uses: int = Field(default=1, ge=1, le=_MOST_USES)
    expires_in_days: int = Field(default=7, ge=1, le=_MOST_DAYS)


def routes(setup: Setup, instance: OwnInstance, flags: Flags) -> Routes:
    """The routes of the operator's side that people use."""
    table = Routes("admin")

    @table.get("/v1/instance", access=Access.ANYONE, returns=InstanceView)
    async def read_instance(call: Call) -> InstanceView:  # noqa: ARG001 - every route takes a call
        """This server: its name, who may join, what it accepts."""
        return await setup.instance()

    @table.post(
        "/v1/admin/setup",
        access=Access.ANYONE,
        returns=SignedIn,
        status=201,
        limit="sign-in",
        creates=True,
        signs_in=True,
        problems=[SetupDone, SetupTokenWrong, *JOINING],
    )
    async def set_up(call: Call, body: SetupAnswers) -> SignedIn:
        """Create the first admin with the token that the server printed; works once."""
        return await setup.run(
            body.token,
            Newcomer(
                handle=body.handle,
                email=body.email,
                password=body.password,
                display_name=body.display_name,
            ),
            device=Device(address=call.address, agent=call.agent),
            name=body.name,
            registration=body.registration,
        )

    @table.get("/v1/admin/instance", access=Access.ADMIN, returns=AdminInstanceView)
    async def read_decisions(call: Call) -> AdminInstanceView:  # noqa: ARG001 - every route takes a call
        """What an admin can change about this server."""
        return await setup.decisions()

    @table.patch("/v1/admin/instance", access=Access.ADMIN, returns=AdminInstanceView)
    async def update_instance(call: Call, body: InstanceChanges) -> AdminInstanceView:  # noqa: ARG001 - every route takes a call
        """Change this server's name, or who may join."""
        return await setup.decide(name=body.name, registration=body.registration)

    @table.post(
        "/v1/admin/invites",
        access=Access.ADMIN,
        returns=InviteView,
        status=201,
        creates=True,
    )
    async def create_invite(call: Call, body: NewInvite) -> InviteView:
        """A code that lets people join while registration is by invite."""
        return await instance.invite(actor=call.actor, uses=body.uses, days=body.expires_in_days)

    @table.get("/v1/admin/flags", access=Access.ADMIN, returns=FlagList)
    async def list_flags(call: Call) -> FlagList:  # noqa: ARG001 - every route takes a call
        """What can be switched while the server runs, and how it stands."""
        return flags.all()

    @table.put(
        "/v1/admin/flags/{name}",
        access=Access.ADMIN,
        subject="flag",
        rule="admin",
        returns=FlagView,
        problems=[FlagNotFound, NoRanker],
    )
    async def set_flag(call: Call, name: str, body: FlagChange) -> FlagView:
        """Switch a flag on or off, in every process; `null` lets its default hold again."""
        return await flags.switch(name, on=body.on, actor=call.actor)

    return table


@dataclass(frozen=True)
class Machinery:
    """What answers the questions of supervisors, proxies and Prometheus."""

    health: HealthWatch
    metrics: Metrics
    settings: AdminSettings


def machine_routes(machinery: Machinery) -> APIRouter:
    """The routes of the operator's side that programs ask; no account, no limits, no keys."""
    router = APIRouter(tags=["operations"])
    health, metrics = machinery.health, machinery.metrics

    @router.get("/livez", operation_id="livez", summary="Whether this process lives")
    async def livez() -> Response:
        """200 while the event loop turns; anything else, or no answer: start the process again."""
        if not health.alive():
            raise NotAlive
        return _json(LiveView(status="alive", loop_lag_ms=round(health.loop_lag_s * 1000)))

    @router.get("/readyz", operation_id="readyz", summary="Whether requests may come")
    async def readyz() -> Response:
        """200 while requests can be served, 503 when not; the body lists what is missing."""
        found = await health.look()
        if found.failed:
            reasons = "; ".join(f"{each.name}: {each.detail}" for each in found.failed)
            raise NotReady(
                reasons,
                failed=finding_views(found.failed),
                degraded=finding_views(found.degraded),
            )
        return _json(ready_view(found))

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures for Prometheus",
        response_class=PlainTextResponse,
    )
    async def read_metrics(request: Request) -> Response:
        """Counters, histograms and gauges as text, for this machine or holders of the token."""
        if not _may_read(request, machinery.settings.metrics_token):
            raise MetricsClosed
        page = await metrics.page(loop_lag_s=health.loop_lag_s)
        return Response(page, media_type=CONTENT_TYPE)

    return router


def _may_read(request: Request, token: str | None) -> bool:
    if is_local(request.client.host if request.client else None, request.headers):
        return True
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    return (
        token is not None
        and kind.lower() == "bearer"
        and hmac.compare_digest(sent.strip().encode(), token.encode())
    )


def _json(view: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(view), media_type="application/json")

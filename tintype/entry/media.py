"""The wiring of media: storage, codecs, and the slice between them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import APIRouter
from starlette.routing import BaseRoute

from tintype.accounts import Accounts, Sessions
from tintype.adapters.disk import DiskSettings
from tintype.adapters.s3 import S3Settings
from tintype.admin import Check
from tintype.codecs import Codecs, CodecSettings
from tintype.database import Database, JobHandler
from tintype.entry.background import Periodic
from tintype.entry.checks import edges
from tintype.entry.fetching import fetch
from tintype.entry.secret import Secret
from tintype.entry.storage import Storage, open_storage
from tintype.entry.tiers import TierPart, compose_tiers
from tintype.graph import Graph
from tintype.http import Routes
from tintype.kernel.ids import Id
from tintype.media import Audience, Media, MediaSettings, TextLimits, Uploads
from tintype.media.consumers import edge_jobs, jobs, late_jobs, slow_jobs
from tintype.media.routes import Door
from tintype.media.routes import routes as media_routes
from tintype.media.service import (
    Arrivals,
    Avatars,
    Delivery,
    Erasing,
    Grants,
    Growing,
    Origins,
    Processing,
    Rendering,
    Screening,
    Sweeper,
    Velocity,
    Warming,
    Workshop,
)
from tintype.media.service.tiers import TierSettings

# A completion that nobody announced is found within a minute of its last part.
_SWEEP_S, _HOUR_S = 30.0, 3600.0
_PROBE_S = 10.0


@dataclass(frozen=True)
class MediaPart:
    """Everything about media that the rest of the server is put together with."""

    storage: Storage
    tiers: TierPart
    codecs: Codecs
    uploads: Uploads
    media: Media
    sweeper: Sweeper
    arrivals: Arrivals
    routes: Routes
    machine_routes: APIRouter
    handlers: list[JobHandler]
    slow_handlers: list[JobHandler]
    late_handlers: list[JobHandler]

    @property
    def periodic(self) -> list[Periodic]:
        return [
            Periodic("sweep uploads", _SWEEP_S, self.sweeper.sweep),
            Periodic("abort orphaned uploads", _HOUR_S, self.sweeper.abort_orphans),
            *self.storage.periodic(self.arrivals),
            *self.tiers.periodic,
        ]

    @property
    def edge_periodic(self) -> list[Periodic]:
        """What every process does for itself that puts addresses into answers."""
        origins = self.media.origins
        if not origins.health:
            return []
        return [Periodic("ask the CDNs", _PROBE_S, origins.probe, everywhere=True)]

    @property
    def origins(self) -> tuple[str, ...]:
        """Where, besides this server, pages send files to and fetch them from."""
        return (*self.storage.origins, *self.media.origins.addresses)

    @property
    def checks(self) -> list[Check]:
        """What readiness looks at."""
        cdns = [edges(self.media.origins)] if self.media.origins.health else []
        return [*self.storage.checks, *cdns]

    @property
    def part_routes(self) -> list[BaseRoute]:
        """Where parts of uploads are sent, when it is here."""
        return self.storage.part_routes

    async def start(self) -> None:
        await self.codecs.start()

    async def stop(self) -> None:
        """Call it after the jobs have ended."""
        await self.codecs.stop()
        self.storage.close()


class GraphAudience(Audience):
    """Media are seen by whoever sees their owner's posts."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def may_see_media(self, viewer: Id | None, owner: Id, upload: Id) -> bool:
        del upload  # published is published to the same people, whatever it is
        return await self._graph.may_see(viewer, owner)


@dataclass(frozen=True)
class MediaConfig:
    """The settings of every part of media."""

    media: MediaSettings
    disk: DiskSettings
    texts: TextLimits
    s3: S3Settings | None = None
    cold_s3: S3Settings | None = None
    tiers: TierSettings = field(default_factory=TierSettings)
    decodes: bool = True
    """Whether what is uploaded here is decoded by this very process's children."""


def compose_media(
    folder: Path,
    config: MediaConfig,
    *,
    database: Database,
    accounts: Accounts,
    sessions: Sessions,
    audience: Audience,
    secret: Secret,
) -> MediaPart:
    """Media in the bucket, if there is one, or else on the local disk, in ``folder``."""
    storage = open_storage(
        folder, config.disk, config.s3, config.cold_s3, secret=secret, clock=database.clock
    )
    tiers = compose_tiers(database, storage, config.tiers)
    blobs = tiers.blobs
    scratch = own_scratch(folder / "scratch")
    codecs = Codecs(CodecSettings(scratch=scratch))
    expect_video = [codecs.expect_video] if config.decodes else []
    uploads = Uploads(database, blobs, config.media, *expect_video)
    arrivals = Arrivals(uploads)
    grants = Grants(secret.key("media grants"), database.clock)
    erasing = Erasing(database, blobs)
    avatars = Avatars(database, accounts, erasing)
    origins = Origins(config.media, fetch)
    velocity = Velocity(database.clock, config.media.warm_per_minute)
    warming = Warming(database, accounts, origins, fetch, velocity, av1=config.media.av1)
    media = Media(database, accounts, grants, erasing, config.media, warming)
    door = Door(
        uploads=uploads,
        media=media,
        delivery=Delivery(database, blobs, grants, sessions, audience),
        avatars=avatars,
        originals=tiers.originals,
        accounts=accounts,
        texts=config.texts,
    )
    workshop = Workshop(database, blobs, codecs, erasing, avatars, scratch)
    processing, screening = Processing(workshop), Screening(workshop)
    rendering = Rendering(workshop, grows=config.media.avif)
    return MediaPart(
        storage=storage,
        tiers=tiers,
        codecs=codecs,
        uploads=uploads,
        media=media,
        sweeper=Sweeper(database, blobs, uploads, erasing),
        arrivals=arrivals,
        routes=media_routes(door),
        machine_routes=storage.events(arrivals),
        handlers=[
            *tiers.patient(jobs(processing, rendering, erasing, screening)),
            *tiers.handlers,
            *edge_jobs(warming),
        ],
        slow_handlers=tiers.patient(slow_jobs(processing)),
        late_handlers=tiers.patient(late_jobs(Growing(workshop), screening)),
    )


def own_scratch(shared: Path) -> Path:
    """A folder for this process alone; what processes left there that are gone is removed.

    Several processes of one host may share a data folder, and none may sweep another's work away.
    """
    shared.mkdir(exist_ok=True)
    for left in shared.iterdir():
        if not (left.name.isdigit() and Path("/proc", left.name).exists()):
            shutil.rmtree(left, ignore_errors=True)
    own = shared / str(os.getpid())
    own.mkdir(exist_ok=True)
    return own

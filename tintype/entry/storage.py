"""Where the bytes of media are: a folder, or a bucket when one is set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.routing import BaseRoute

from tintype.adapters.disk import DiskBlobs, DiskSettings, part_routes
from tintype.adapters.s3 import S3Settings
from tintype.admin import Check, Finding
from tintype.entry.background import Periodic
from tintype.entry.moved import refuse_moved
from tintype.entry.secret import Secret
from tintype.kernel.clock import Clock
from tintype.media.routes import StorageEvents, machine_routes
from tintype.media.service import Arrivals
from tintype.media.service.tiers import COLD
from tintype.media.store.objects import MAIN
from tintype.ports.blobs import Blobs
from tintype.ports.errors import AdapterError

if TYPE_CHECKING:
    from tintype.adapters.s3.blobs import S3Blobs
    from tintype.adapters.s3.queue import EventQueue

_QUEUE_S = 1.0
_LEFTOVERS_S = 300.0
_CHECK_S = 1.0


@dataclass(frozen=True)
class Storage:
    """A blob store, with what it wants of the server around it.

    ``part_routes`` take parts in where the storage has no address of its own; ``origins`` are
    where browsers meet it directly. ``token`` and ``queue`` are the ways its events come;
    ``checks`` are what readiness looks at.
    """

    blobs: Blobs
    close: Callable[[], None]
    cold: Blobs | None = None
    """Where originals go that went cold, when that is another place."""
    part_routes: list[BaseRoute] = field(default_factory=list)
    origins: tuple[str, ...] = ()
    token: str | None = None
    queue: EventQueue | None = None
    checks: tuple[Check, ...] = ()

    @property
    def stores(self) -> dict[str, Blobs]:
        """Every store, under the name that the ledger knows it by."""
        return {MAIN: self.blobs} if self.cold is None else {MAIN: self.blobs, COLD: self.cold}

    def events(self, arrivals: Arrivals) -> APIRouter:
        """Where the storage reports what arrived; empty when it is not to."""
        if self.token is None:
            return APIRouter()
        from tintype.adapters.s3.events import keys_in

        return machine_routes(StorageEvents(keys_in, arrivals.announced, self.token))

    def periodic(self, arrivals: Arrivals) -> list[Periodic]:
        """What has to be asked for, where the storage does not report or clean up by itself."""
        folders = [each for each in (self.blobs, self.cold) if isinstance(each, DiskBlobs)]
        found = [Periodic("sweep leftovers", _LEFTOVERS_S, each.sweep) for each in folders]
        queue = self.queue
        if queue is not None:
            drain = lambda: queue.drain(arrivals.announced)  # noqa: E731 - it is called so
            found.append(Periodic("read storage events", _QUEUE_S, drain))
        return found


def open_storage(
    folder: Path,
    disk: DiskSettings,
    s3: S3Settings | None,
    cold_s3: S3Settings | None = None,
    *,
    secret: Secret,
    clock: Clock,
) -> Storage:
    """The bucket of ``s3``, or else ``blobs`` in ``folder``; and a cold place, if one is set.

    Raises:
        ConfigError: the instance in the folder was moved elsewhere.
    """
    main = _open_main(folder, disk, s3, secret=secret, clock=clock)
    cold = _open_cold(disk, cold_s3, secret=secret, clock=clock)
    if cold is None:
        return main

    def close() -> None:
        main.close()
        cold.close()

    return replace(main, cold=cold, close=close)


def _open_cold(
    disk: DiskSettings, cold_s3: S3Settings | None, *, secret: Secret, clock: Clock
) -> DiskBlobs | S3Blobs | None:
    if disk.cold_path is not None:
        key = secret.key("cold parts")
        return DiskBlobs(disk.cold_path, secret=key, clock=clock, settings=disk, mounted=True)
    if cold_s3 is None:
        return None
    from tintype.adapters.s3.blobs import S3Blobs

    return S3Blobs(cold_s3, clock=clock)


def _open_main(
    folder: Path, disk: DiskSettings, s3: S3Settings | None, *, secret: Secret, clock: Clock
) -> Storage:
    if s3 is None:
        refuse_moved(folder)
        blobs = DiskBlobs(folder / "blobs", secret=secret.key("parts"), clock=clock, settings=disk)
        return Storage(blobs, blobs.close, part_routes=[*part_routes(blobs)])
    from tintype.adapters.s3.blobs import S3Blobs
    from tintype.adapters.s3.queue import EventQueue

    bucket = S3Blobs(s3, clock=clock)
    return Storage(
        bucket,
        bucket.close,
        origins=(s3.origin,),
        token=s3.events_token.get_secret_value() if s3.events_token else None,
        queue=EventQueue(bucket.connection, s3.queue_url) if s3.queue_url else None,
        checks=(_reaches(bucket),),
    )


def _reaches(blobs: S3Blobs) -> Check:
    """Whether the bucket answers. Without it feeds go on: no reason to take requests elsewhere."""

    async def bucket() -> Finding:
        try:
            async with asyncio.timeout(_CHECK_S):
                await blobs.connection.reach()
        except (TimeoutError, AdapterError) as error:
            said = f"{str(error) or 'No answer'}. Uploads and files wait for it."
            return Finding("bucket", "degraded", said)
        return Finding("bucket", detail=f"{blobs.settings.bucket} answers.")

    return bucket

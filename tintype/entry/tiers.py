"""The wiring of tiers: which stores there are, what moves between them, and the way back."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import partial

from tintype.database import Database, JobHandler
from tintype.entry.background import Periodic
from tintype.entry.storage import Storage
from tintype.media.model import Work
from tintype.media.service import ERASE
from tintype.media.service.tiers import (
    RESTORE,
    Clearing,
    Mover,
    Originals,
    Plan,
    TieredBlobs,
    TierSettings,
    needing_originals,
)
from tintype.media.service.tiers.clearing import HOUR_MS
from tintype.ports.blobs import Blobs

_ROUND_S = 60.0
# When the last round began is looked up this often: a process may be younger than a day.
_LOOK_S = 600.0
_LEASE_S = 60
# Only what is just being moved is tried again: that ends within minutes.
_RESTORE_ATTEMPTS = 12


@dataclass(frozen=True)
class TierPart:
    """What the rest of media stands on: ``blobs`` finds everything, wherever it is by now."""

    blobs: Blobs
    plan: Plan
    mover: Mover
    originals: Originals
    clearing: Clearing

    @property
    def periodic(self) -> list[Periodic]:
        moving = Periodic("move between tiers", _ROUND_S, self.mover.round)
        every_ms = round(self.plan.settings.clear_every_hours * HOUR_MS)
        if not every_ms:
            return [moving]
        return [
            moving,
            Periodic("clear orphans", _LOOK_S, partial(self.clearing.run_due, every_ms)),
        ]

    @property
    def handlers(self) -> list[JobHandler]:
        return [
            JobHandler(
                RESTORE,
                Work,
                self.originals.bring,
                lease_seconds=_LEASE_S,
                max_attempts=_RESTORE_ATTEMPTS,
            )
        ]

    def patient(self, handlers: list[JobHandler]) -> list[JobHandler]:
        """The handlers, those that read originals waiting until they are back."""
        reading = [each for each in handlers if each.payload is Work and each.kind != ERASE]
        others = [each for each in handlers if each not in reading]
        return [*needing_originals(reading, self.originals), *others]


def compose_tiers(database: Database, storage: Storage, settings: TierSettings) -> TierPart:
    """Tiers over the stores of ``storage``; with one store, nothing stands before it."""
    stores = storage.stores
    plan = Plan(settings, stores.keys())
    blobs: Blobs = TieredBlobs(database, stores) if len(stores) > 1 else storage.blobs
    mover = Mover(database, stores, plan, f"{socket.gethostname()}/{os.getpid()}")
    grace_ms = round(settings.clear_after_hours * HOUR_MS)
    clearing = Clearing(database, stores, grace_ms=grace_ms)
    return TierPart(blobs, plan, mover, Originals(database, blobs, mover), clearing)

"""The wiring of tiers: which stores there are, what moves between them, and the way back."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from tintype.database import Database, JobHandler
from tintype.entry.background import Periodic
from tintype.entry.storage import Storage
from tintype.media.model import Work
from tintype.media.service import ERASE
from tintype.media.service.tiers import (
    RESTORE,
    Mover,
    Originals,
    Plan,
    TieredBlobs,
    TierSettings,
    needing_originals,
)
from tintype.ports.blobs import Blobs

_ROUND_S = 60.0
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

    @property
    def periodic(self) -> list[Periodic]:
        return [Periodic("move between tiers", _ROUND_S, self.mover.round)]

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
    return TierPart(blobs, plan, mover, Originals(database, blobs, mover))

"""The jobs of the media slice."""

from __future__ import annotations

from tintype.database import JobHandler
from tintype.media.model import Work
from tintype.media.service import (
    ERASE,
    GROW,
    OFFER,
    PROCESS_PHOTO,
    PROCESS_VIDEO,
    Erasing,
    Growing,
    Processing,
)

_LEASE_S = 30
_PROCESS_ATTEMPTS = 8
# Deleted means gone: given up only after days of a storage that does not answer.
_ERASE_ATTEMPTS = 400
# A photo is complete without what grows later: soon given up.
_GROW_ATTEMPTS = 3


def jobs(processing: Processing, erasing: Erasing) -> list[JobHandler]:
    """What workers do for uploads in a second or less."""
    erase = JobHandler(
        ERASE, Work, erasing.erase, lease_seconds=_LEASE_S, max_attempts=_ERASE_ATTEMPTS
    )
    return [_process(PROCESS_PHOTO, processing), erase]


def slow_jobs(processing: Processing) -> list[JobHandler]:
    """What takes minutes, and must not hold up the rest."""
    return [_process(PROCESS_VIDEO, processing)]


def late_jobs(growing: Growing) -> list[JobHandler]:
    """What makes good media better, when nothing else is to be done."""
    return [
        JobHandler(kind, Work, do, lease_seconds=_LEASE_S, max_attempts=_GROW_ATTEMPTS)
        for kind, do in ((GROW, growing.grow), (OFFER, growing.offer))
    ]


def _process(kind: str, processing: Processing) -> JobHandler:
    return JobHandler(
        kind,
        Work,
        processing.process,
        lease_seconds=_LEASE_S,
        max_attempts=_PROCESS_ATTEMPTS,
        on_dead=processing.gave_up,
    )

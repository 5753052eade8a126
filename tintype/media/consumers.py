"""The jobs of the media slice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tintype.database import JobHandler, LeasedJob
from tintype.media.model import Work
from tintype.media.service import (
    ERASE,
    GROW,
    GROW_AV1,
    GROW_VIDEO,
    OFFER,
    POSTER,
    PROCESS_PHOTO,
    PROCESS_VIDEO,
    RENDER,
    WARM,
    Erasing,
    Growing,
    Processing,
    Rendering,
    Screening,
    Warming,
)

_LEASE_S = 30
_WARM_LEASE_S = 180
_PROCESS_ATTEMPTS = 8
# Deleted means gone: given up only after days of a storage that does not answer.
_ERASE_ATTEMPTS = 400
# Media are complete without what grows later: soon given up.
_GROW_ATTEMPTS = 3


def jobs(
    processing: Processing, rendering: Rendering, erasing: Erasing, screening: Screening
) -> list[JobHandler]:
    """What workers do for uploads in a second or two."""
    erase = JobHandler(
        ERASE, Work, erasing.erase, lease_seconds=_LEASE_S, max_attempts=_ERASE_ATTEMPTS
    )
    render = JobHandler(
        RENDER,
        Work,
        rendering.render,
        lease_seconds=_LEASE_S,
        max_attempts=_PROCESS_ATTEMPTS,
        on_dead=rendering.gave_up,
    )
    photos = _process(PROCESS_PHOTO, processing)
    return [photos, render, _extra(POSTER, screening.make_poster), erase]


def slow_jobs(processing: Processing) -> list[JobHandler]:
    """What takes minutes, and must not hold up the rest."""
    return [_process(PROCESS_VIDEO, processing)]


def late_jobs(growing: Growing, screening: Screening) -> list[JobHandler]:
    """What makes good media better, when nothing else is to be done."""
    return [
        _extra(GROW, growing.grow),
        _extra(GROW_VIDEO, screening.grow),
        _extra(GROW_AV1, screening.grow_av1),
        _extra(OFFER, growing.offer),
    ]


def edge_jobs(warming: Warming) -> list[JobHandler]:
    """What is done for CDNs, where there are any."""
    return [] if warming.idle else [_once(WARM, warming.warm)]


def _once(kind: str, handle: Callable[[LeasedJob], Awaitable[None]]) -> JobHandler:
    return JobHandler(kind, Work, handle, lease_seconds=_WARM_LEASE_S, max_attempts=1)


def _extra(kind: str, handle: Callable[[LeasedJob], Awaitable[None]]) -> JobHandler:
    return JobHandler(kind, Work, handle, lease_seconds=_LEASE_S, max_attempts=_GROW_ATTEMPTS)


def _process(kind: str, processing: Processing) -> JobHandler:
    return JobHandler(
        kind,
        Work,
        processing.process,
        lease_seconds=_LEASE_S,
        max_attempts=_PROCESS_ATTEMPTS,
        on_dead=processing.gave_up,
    )

"""The jobs that follow when a photo is ready: what they are called, and who goes first."""

from __future__ import annotations

from tintype.database import Job
from tintype.kernel.ids import Id, shard_of
from tintype.media.model import Work

GROW, OFFER = "media.grow", "media.offer"


def grow_job(upload: Id) -> Job:
    """The job that makes AVIF of a photo, behind every other job."""
    return _job(GROW, upload, priority=9)


def offer_job(upload: Id) -> Job:
    """The job that brings the file to download in line with what its owner wants."""
    return _job(OFFER, upload, priority=7)


def _job(kind: str, upload: Id, *, priority: int) -> Job:
    return Job(
        kind=kind,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=str(upload),
        priority=priority,
    )

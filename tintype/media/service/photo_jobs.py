"""The jobs that follow when a photo is ready: what they are called, and who goes first."""

from __future__ import annotations

from tintype.database import Job
from tintype.kernel.ids import Id, shard_of
from tintype.media.model import Work

GROW, OFFER, RENDER = "media.grow", "media.offer", "media.render"


def grow_job(upload: Id, revision: int = 0) -> Job:
    """The job that makes AVIF of a photo by a revision of its recipe, behind every other job."""
    return _job(GROW, upload, priority=9, revision=revision)


def render_job(upload: Id, revision: int) -> Job:
    """The job that shows a photo by a revision of its recipe; its owner waits for it."""
    return _job(RENDER, upload, priority=0, revision=revision)


def offer_job(upload: Id) -> Job:
    """The job that brings the file to download in line with what its owner wants."""
    return _job(OFFER, upload, priority=7)


def _job(kind: str, upload: Id, *, priority: int, revision: int = 0) -> Job:
    return Job(
        kind=kind,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=f"{upload} {revision}" if revision else str(upload),
        priority=priority,
    )

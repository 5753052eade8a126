"""The jobs that a video brings about once it is playable."""

from __future__ import annotations

from tintype.database import Job
from tintype.kernel.ids import Id, shard_of
from tintype.media.model import Upload, Work

GROW_VIDEO, GROW_AV1, POSTER = "media.grow-video", "media.grow-av1", "media.poster"


def grow_video_job(upload: Id) -> Job:
    """The job that completes the ladder of a video, behind what others wait for."""
    return _job(GROW_VIDEO, upload, priority=8)


def grow_av1_job(upload: Id) -> Job:
    """The job that adds AV1 to a video, behind everything."""
    return _job(GROW_AV1, upload, priority=9)


def poster_job(upload: Upload) -> Job:
    """The job that makes a poster anew; its owner waits for it."""
    return _job(POSTER, upload.id, priority=0, of=f"{upload.id} {upload.poster_at}")


def _job(kind: str, upload: Id, *, priority: int, of: str | None = None) -> Job:
    return Job(
        kind=kind,
        shard=shard_of(upload),
        payload=Work(upload=upload),
        dedupe=of or str(upload),
        priority=priority,
    )

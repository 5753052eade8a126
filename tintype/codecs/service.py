"""The codecs as the server uses them: a file in, verified renditions out."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

import msgspec

from tintype.codecs import ladder
from tintype.codecs.collect import collect
from tintype.codecs.model import (
    CodecSettings,
    DecoderDied,
    DiedAtWork,
    PhotoResult,
    PictureFormat,
    Rejected,
    Rendition,
    Role,
    VideoResult,
)
from tintype.codecs.pool import Pool
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.sniff import HEAD_BYTES, Kind, sniff
from tintype.codecs.wire import (
    Failed,
    Job,
    Message,
    PhotoDone,
    PhotoJob,
    Refused,
    VideoDone,
    VideoJob,
)
from tintype.codecs.worker import FOLDER_PREFIX, Worker

_ATTEMPTS = 2
_LAST_IN_LINE = 19
_LOG = logging.getLogger(__name__)


class Codecs:
    """Turns originals into renditions in locked-in child processes.

    No stranger's byte is decoded in this process. Photos do not wait behind videos. A child that
    dies takes its own job down and nothing else; the job is tried once more in a fresh one.
    """

    def __init__(self, settings: CodecSettings) -> None:
        self._settings = settings
        self._photos = Pool(Role.PHOTO, settings.photo_slots, settings)
        self._videos = Pool(Role.VIDEO, settings.video_slots, settings)
        patient = msgspec.structs.replace(settings, niceness=_LAST_IN_LINE)
        self._growth = Pool(Role.PHOTO, 1, patient)
        self._level: SandboxLevel | None = None

    async def start(self) -> None:
        """Clear the scratch folder, and find out in a trial child what protections hold here.

        The scratch folder belongs to this process alone. Decoders start when there is work.

        Raises:
            DecoderDied: no child can be started at all.
        """
        await asyncio.to_thread(_sweep, self._settings.scratch)
        trial = Worker(Role.TRIAL, self._settings)
        try:
            await trial.start()
            self._note(trial.level)
        finally:
            await trial.end()

    async def stop(self) -> None:
        """End all children; jobs under way fail with ``DecoderDied``."""
        await self._photos.close()
        await self._videos.close()
        await self._growth.close()

    def level(self) -> SandboxLevel:
        """The protections that held in every child so far; none are claimed before ``start``."""
        return self._level or SandboxLevel()

    async def process_photo(self, source: Path, out: Path) -> PhotoResult:
        """Make the photo ladder of ``source`` in the folder ``out``, in JPEG and WebP.

        ``source`` is only read. Files in ``out`` are new and complete, though not yet synced.

        Raises:
            Rejected: this file will never be a photo; the reason is for its author.
            DecoderDied: the machine failed; try again later.
        """
        return await self._ladder(self._photos, source, out, ladder.AT_ONCE)

    async def grow_photo(self, source: Path, out: Path) -> PhotoResult:
        """Make the same ladder in AVIF, one photo at a time, behind everything else.

        Raises: as ``process_photo``.
        """
        return await self._ladder(self._growth, source, out, ladder.LATER)

    async def _ladder(
        self, pool: Pool, source: Path, out: Path, formats: tuple[PictureFormat, ...]
    ) -> PhotoResult:
        kind = await asyncio.to_thread(_kind_of, source)
        if kind.is_video:
            raise Rejected("not-a-photo", "This is a video, not a photo.")
        settings = self._settings
        job = PhotoJob(kind, settings.limits, settings.photo_seconds, formats)
        answer, made = await self._run(pool, job, source, out)
        if not isinstance(answer, PhotoDone):
            raise DecoderDied("the decoder answered out of turn")
        return PhotoResult(answer.width, answer.height, answer.thumbhash, made)

    async def process_video(self, source: Path, out: Path) -> VideoResult:
        """Make the film and the poster ladder of ``source`` in the folder ``out``.

        ``source`` is only read. Files in ``out`` are new and complete, though not yet synced.

        Raises:
            Rejected: this file will never be a video; the reason is for its author.
            DecoderDied: the machine failed; try again later.
        """
        kind = await asyncio.to_thread(_kind_of, source)
        if not kind.is_video:
            raise Rejected("not-a-video", "This is a photo, not a video.")
        settings = self._settings
        job = VideoJob(
            kind,
            settings.limits,
            settings.video_seconds,
            settings.video_factor,
            settings.video_threads,
        )
        answer, made = await self._run(self._videos, job, source, out)
        if not isinstance(answer, VideoDone):
            raise DecoderDied("the decoder answered out of turn")
        return VideoResult(
            width=answer.width,
            height=answer.height,
            duration=answer.duration,
            thumbhash=answer.thumbhash,
            remuxed=answer.remuxed,
            poster=tuple(each for each in made if each.format != "mp4"),
            renditions=tuple(each for each in made if each.format == "mp4"),
        )

    async def _run(
        self, pool: Pool, job: Job, source: Path, out: Path
    ) -> tuple[Message, tuple[Rendition, ...]]:
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(pool, job, source, out)
            except DiedAtWork as death:
                _LOG.warning("decoder died on %s: %s", source.name, death)
        raise Rejected("could-not-read", "This file is damaged and could not be read.")

    async def _attempt(
        self, pool: Pool, job: Job, source: Path, out: Path
    ) -> tuple[Message, tuple[Rendition, ...]]:
        """One job in one child. A refusal ends the child too: who knows what the file did to it."""
        async with pool.worker() as worker:
            self._note(worker.level)
            answer = await worker.work(source, job)
            if isinstance(answer, Refused):
                raise Rejected(answer.code, answer.sentence)
            if isinstance(answer, Failed):
                raise DecoderDied(answer.reason)
            if not isinstance(answer, PhotoDone | VideoDone):
                raise DecoderDied("the decoder answered out of turn")
            made = await asyncio.to_thread(collect, answer.made, worker.results, out)
        return answer, made

    def _note(self, level: SandboxLevel) -> None:
        self._level = level if self._level is None else self._level.weaker(level)


def _kind_of(source: Path) -> Kind:
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise Rejected("empty", "This file is empty.")
    kind = sniff(head)
    if kind is None:
        raise Rejected("unknown-kind", "This file is not a photo or video of a kind known here.")
    return kind


def _sweep(scratch: Path) -> None:
    for left in scratch.glob(f"{FOLDER_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)

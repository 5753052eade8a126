"""The codecs as the server uses them: a file in, verified renditions out."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from tintype.codecs import ladder
from tintype.codecs.model import (
    CodecSettings,
    DecoderDied,
    DiedAtWork,
    Limits,
    PhotoResult,
    PictureFormat,
    Rejected,
    Rendition,
    Role,
)
from tintype.codecs.pool import Pool
from tintype.codecs.recipe import Recipe
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.sniff import HEAD_BYTES, Kind, sniff
from tintype.codecs.tracks import Taken, Track, VideoResult, take, video_result
from tintype.codecs.wire import (
    Done,
    DownloadDone,
    DownloadJob,
    Failed,
    GrowJob,
    Job,
    LoopDone,
    LoopJob,
    PhotoDone,
    PhotoJob,
    PosterJob,
    Refused,
    VideoDone,
    VideoJob,
)
from tintype.codecs.worker import FOLDER_PREFIX, Worker

_ATTEMPTS = 2
_LAST_IN_LINE = 19
_LOG = logging.getLogger(__name__)

Told = Callable[[int], None]


class Codecs:
    """Turns originals into renditions in locked-in child processes.

    No stranger's byte is decoded in this process. Photos do not wait behind videos. A child that
    dies takes its own job down and nothing else; the job is tried once more in a fresh one.
    """

    def __init__(self, settings: CodecSettings) -> None:
        self._settings = settings
        self._photos = Pool(Role.PHOTO, settings.photo_slots, settings)
        self._loops = Pool(Role.LOOP, 1, settings)
        self._videos = Pool(Role.VIDEO, settings.video_slots, settings)
        patient = msgspec.structs.replace(settings, niceness=_LAST_IN_LINE)
        self._growth = Pool(Role.PHOTO, 1, patient)
        self._film_growth = Pool(Role.VIDEO, 1, patient)
        self._stills = Pool(Role.VIDEO, 1, settings)
        self._level: SandboxLevel | None = None
        self._warming: asyncio.Task[None] | None = None

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
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        for pool in (
            self._photos,
            self._loops,
            self._videos,
            self._growth,
            self._film_growth,
            self._stills,
        ):
            await pool.close()

    def level(self) -> SandboxLevel:
        """The protections that held in every child so far; none are claimed before ``start``."""
        return self._level or SandboxLevel()

    async def process_photo(
        self, source: Path, out: Path, *, recipe: Recipe | None = None
    ) -> PhotoResult:
        """Make the photo ladder of ``source`` in the folder ``out``, in JPEG and WebP.

        Of a photo that moves a silent film is made as well. ``source`` is only read. Files in
        ``out`` are new and complete, though not yet synced. By a ``recipe`` that changes something
        the photo is edited first, and the rung ``plain`` shows it as it was.

        Raises:
            Rejected: this file will never be a photo; the reason is for its author.
            DecoderDied: the machine failed; try again later.
        """
        answer, made = await self._ladder(self._photos, source, out, ladder.AT_ONCE, recipe)
        found = _photo_result(answer, made)
        return await self._moving(found, source, out) if answer.animated else found

    async def grow_photo(
        self, source: Path, out: Path, *, recipe: Recipe | None = None
    ) -> PhotoResult:
        """Make the same ladder in AVIF, one photo at a time, behind everything else.

        Raises: as ``process_photo``.
        """
        return _photo_result(*await self._ladder(self._growth, source, out, ladder.LATER, recipe))

    async def make_download(self, source: Path, out: Path) -> Rendition:
        """Make a file of the photo ``source`` that others may have: all of its pixels, upright, in
        colours that every program shows right, and not a byte about its author.

        A JPEG keeps its compressed pixels as they are, unless its colours must be converted.

        Raises: as ``process_photo``.
        """
        kind = await _photo_kind(source)
        job = DownloadJob(kind, self._settings.limits, self._settings.photo_seconds)
        taken = await self._run(self._growth, job, source, out)
        if not isinstance(taken.answer, DownloadDone) or len(taken.made) != 1:
            raise DecoderDied("the decoder answered out of turn")
        return taken.made[0]

    async def _ladder(
        self,
        pool: Pool,
        source: Path,
        out: Path,
        formats: tuple[PictureFormat, ...],
        recipe: Recipe | None,
    ) -> tuple[PhotoDone, tuple[Rendition, ...]]:
        terms = self._settings
        if recipe is not None:
            recipe = None if recipe.is_plain else recipe.settled()
        kind = await _photo_kind(source)
        job = PhotoJob(kind, terms.limits, terms.photo_seconds, formats, recipe)
        taken = await self._run(pool, job, source, out)
        if not isinstance(taken.answer, PhotoDone):
            raise DecoderDied("the decoder answered out of turn")
        return taken.answer, taken.made

    async def _moving(self, found: PhotoResult, source: Path, out: Path) -> PhotoResult:
        """The same photo with its film, if it has more than one frame after all."""
        kind = await _photo_kind(source)
        job = LoopJob(kind, self._settings.limits, self._settings.photo_seconds)
        taken = await self._run(self._loops, job, source, out)
        if not isinstance(taken.answer, LoopDone):
            raise DecoderDied("the decoder answered out of turn")
        if not taken.made:
            return found
        return msgspec.structs.replace(found, loop=taken.made[0], duration=taken.answer.duration)

    def expect_video(self) -> None:
        """Have a decoder of videos start in the background: one is about to arrive."""
        if self._warming is None or self._warming.done():
            self._warming = asyncio.get_running_loop().create_task(self._warm())

    async def _warm(self) -> None:
        try:
            await self._videos.warm()
        except (DecoderDied, OSError) as error:
            _LOG.warning("no decoder could be started beforehand: %s", error)

    async def process_video(
        self, source: Path, out: Path, *, poster_at: float | None = None, told: Told | None = None
    ) -> VideoResult:
        """Make ``source`` playable, with files in the folder ``out``: see ``VideoResult``.

        ``source`` is only read. Files in ``out`` are new and complete, though not yet synced. The
        poster shows the moment ``poster_at`` seconds in, or one that is found to be typical;
        ``told`` hears now and then how far it is, in percent.

        Raises:
            Rejected: this file will never be a video; the reason is for its author.
            DecoderDied: the machine failed; try again later.
        """
        job = VideoJob(*await self._film_terms(source), poster_at)
        taken = await self._run(self._videos, job, source, out, told)
        if not isinstance(taken.answer, VideoDone):
            raise DecoderDied("the decoder answered out of turn")
        return video_result(taken.answer, taken.made, taken.tracks)

    async def grow_video(
        self,
        source: Path,
        out: Path,
        *,
        rungs: tuple[str, ...],
        codec: Literal["h264", "av1"] = "h264",
    ) -> tuple[Track, ...]:
        """Make more rungs of a video that is playable already, one at a time, behind all else.

        Raises: as ``process_video``.
        """
        job = GrowJob(*await self._film_terms(source), rungs, codec)
        taken = await self._run(self._film_growth, job, source, out)
        return taken.tracks

    async def make_poster(self, film: Path, out: Path, *, at: float) -> PhotoResult:
        """Make the poster ladder of the moment ``at`` seconds into a film of our own.

        Raises: as ``process_video``.
        """
        job = PosterJob(*await self._film_terms(film), at)
        taken = await self._run(self._stills, job, film, out)
        if not isinstance(taken.answer, PhotoDone):
            raise DecoderDied("the decoder answered out of turn")
        answer = taken.answer
        return PhotoResult(answer.width, answer.height, answer.thumbhash, taken.made)

    async def _film_terms(self, source: Path) -> tuple[Kind, Limits, float, float, int]:
        kind = await asyncio.to_thread(_kind_of, source)
        if not kind.is_video:
            raise Rejected("not-a-video", "This is a photo, not a video.")
        terms = self._settings
        return kind, terms.limits, terms.video_seconds, terms.video_factor, terms.video_threads

    async def _run(
        self, pool: Pool, job: Job, source: Path, out: Path, told: Told | None = None
    ) -> Taken:
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(pool, job, source, out, told)
            except DiedAtWork as death:
                _LOG.warning("decoder died on %s: %s", source.name, death)
        raise Rejected("could-not-read", "This file is damaged and could not be read.")

    async def _attempt(
        self, pool: Pool, job: Job, source: Path, out: Path, told: Told | None
    ) -> Taken:
        """One job in one child. A refusal ends the child too: who knows what the file did to it."""
        async with pool.worker() as worker:
            self._note(worker.level)
            answer = await worker.work(source, job, told)
            if isinstance(answer, Refused):
                raise Rejected(answer.code, answer.sentence)
            if isinstance(answer, Failed):
                raise DecoderDied(answer.reason)
            if not isinstance(answer, Done):
                raise DecoderDied("the decoder answered out of turn")
            return await asyncio.to_thread(take, answer, worker.results, out)

    def _note(self, level: SandboxLevel) -> None:
        self._level = level if self._level is None else self._level.weaker(level)


def _photo_result(answer: PhotoDone, made: tuple[Rendition, ...]) -> PhotoResult:
    return PhotoResult(answer.width, answer.height, answer.thumbhash, made)


async def _photo_kind(source: Path) -> Kind:
    kind = await asyncio.to_thread(_kind_of, source)
    if kind.is_video:
        raise Rejected("not-a-photo", "This is a video, not a photo.")
    return kind


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

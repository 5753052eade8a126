"""What videos get once they are playable: more rungs, and another poster where one was chosen."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import structlog

from tintype.codecs import PhotoResult, Rejected, hls, rungs_of
from tintype.codecs import Rendition as MadeFile
from tintype.database import LeasedJob
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.events import MediaGrown
from tintype.media.model import (
    FILM,
    MASTERS,
    Rendition,
    Upload,
    Work,
    original_key,
    rendition_key,
)
from tintype.media.service.processing import videos
from tintype.media.service.processing.shared import locked, rendition_of
from tintype.media.service.processing.workshop import Workshop
from tintype.ports.errors import BlobNotFound

log = structlog.get_logger(__name__)

_AV1_RUNGS = ("720p",)


class Screening:
    """The jobs about videos that are ready. Each may run again: what is there is not made twice."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop

    async def grow(self, job: LeasedJob) -> None:
        """Add the rungs that the ladder still lacks, and a master playlist with all of them.

        Raises:
            DecoderDied, AdapterError: the machine is at fault; the job is tried again.
        """
        await self._grow(job, MASTERS[1], "h264")

    async def grow_av1(self, job: LeasedJob) -> None:
        """Add a rung in AV1, for players that take it; a film that many watch is worth its cost.

        Raises: as ``grow``.
        """
        await self._grow(job, MASTERS[2], "av1")

    async def make_poster(self, job: LeasedJob) -> None:
        """Make the poster of the moment that the owner chose, from the best rung there is.

        Raises: as ``grow``.
        """
        upload, made = await self._read(job)
        if upload is None or upload.poster_at is None:
            return
        with tempfile.TemporaryDirectory(prefix="poster-", dir=self._shop.scratch) as folder:
            film, out = Path(folder) / "film", Path(folder) / "out"
            out.mkdir()
            try:
                await self._shop.blobs.fetch(rendition_key(upload.id, _best_film(made).name), film)
                result = await self._shop.codecs.make_poster(film, out, at=upload.poster_at)
            except (Rejected, BlobNotFound) as error:
                log.warning("media.no_poster", upload=upload.id, reason=str(error))
                return
            await self._shop.put(upload.id, result.renditions)
        await self._show_poster(job, upload, result)

    async def _show_poster(self, job: LeasedJob, asked: Upload, result: PhotoResult) -> None:
        async with self._shop.database.write() as tx:
            upload = await locked(tx, asked.id)
            if upload is None or upload.state != "ready":
                await self._shop.erasing.again(tx, asked.id)
            elif upload.poster_at == asked.poster_at:
                rungs = {each.rung for each in result.renditions}
                before = (await store.renditions_of(tx, [upload.id]))[upload.id]
                idle = {each.rung for each in before if each.rung.isdigit()} - rungs
                await store.drop_rungs(tx, upload.id, idle)
                made = [rendition_of(each) for each in result.renditions]
                await store.put_renditions(tx, upload.id, made)
                await store.change(tx, upload.id, {"thumbhash": result.thumbhash})
                tx.emit(_grown(upload))
            await job.finish(tx)

    async def _grow(self, job: LeasedJob, master: str, codec: Literal["h264", "av1"]) -> None:
        upload, made = await self._read(job)
        if upload is None or master in {each.rung for each in made}:
            return
        rungs = _missing(upload, made) if codec == "h264" else _AV1_RUNGS
        if not rungs:
            return
        with tempfile.TemporaryDirectory(prefix="grown-", dir=self._shop.scratch) as folder:
            source, out = Path(folder) / "original", Path(folder) / "out"
            out.mkdir()
            try:
                await self._shop.blobs.fetch(original_key(upload.id), source)
                tracks = await self._shop.codecs.grow_video(source, out, rungs=rungs, codec=codec)
            except (Rejected, BlobNotFound) as error:
                log.warning("media.not_grown", upload=upload.id, reason=str(error))
                return
            texts = videos.playlists(tracks, out)
            text = hls.with_more(
                await self._text(upload.id, _master(made)),
                videos.variants(tracks, texts),
                await self._sound(upload.id, made),
            )
            best = max((track.file for track in tracks), key=lambda file: file.width)
            texts.append(
                videos.write_text(out, master, "m3u8", text, size=(best.width, best.height))
            )
            files = [*(track.file for track in tracks), *texts]
            await self._shop.put(upload.id, files)
        await self._keep(job, upload.id, files)

    async def _read(self, job: LeasedJob) -> tuple[Upload | None, list[Rendition]]:
        """The video, if it is one and ready, and what was made of it."""
        work: Work = job.payload
        async with self._shop.database.read() as reader:
            upload = await store.read(reader, work.upload)
            made = (await store.renditions_of(reader, [work.upload]))[work.upload]
        ready = upload is not None and upload.kind == "video" and upload.state == "ready"
        return (upload if ready else None), made

    async def _keep(self, job: LeasedJob, id_: Id, files: Sequence[MadeFile]) -> None:
        async with self._shop.database.write() as tx:
            upload = await locked(tx, id_)
            if upload is None or upload.state != "ready":
                await self._shop.erasing.again(tx, id_)
            else:
                await store.put_renditions(tx, id_, [rendition_of(file) for file in files])
                tx.emit(_grown(upload))
            await job.finish(tx)

    async def _sound(self, upload: Id, made: Sequence[Rendition]) -> hls.Sound | None:
        found = {each.format: each for each in made if each.rung == "audio"}
        if found.keys() != {"mp4", "m3u8"}:
            return None
        text = await self._text(upload, found["m3u8"])
        return videos.sound_of(found["m3u8"], hls.read(text, found["mp4"].bytes))

    async def _text(self, upload: Id, playlist: Rendition) -> str:
        with tempfile.TemporaryDirectory(prefix="text-", dir=self._shop.scratch) as folder:
            path = Path(folder) / "playlist"
            await self._shop.blobs.fetch(rendition_key(upload, playlist.name), path)
            return path.read_text(encoding="ascii")


def _missing(upload: Upload, made: Sequence[Rendition]) -> tuple[str, ...]:
    there = {each.rung for each in made if each.format == "m3u8"}
    return tuple(rung for rung in rungs_of(upload.width, upload.height) if rung not in there)


def _master(made: Sequence[Rendition]) -> Rendition:
    """The latest master playlist."""
    return max((each for each in made if each.rung in MASTERS), key=lambda each: each.rung)


def _best_film(made: Sequence[Rendition]) -> Rendition:
    """The film with the largest pictures, in what every decoder reads."""
    plain = [
        each
        for each in made
        if each.format == "mp4" and (each.rung == FILM or each.rung[0].isdigit())
    ]
    return max(plain, key=lambda each: each.width)


def _grown(upload: Upload) -> MediaGrown:
    return MediaGrown(upload=upload.id, owner=upload.owner, subject=upload.subject)

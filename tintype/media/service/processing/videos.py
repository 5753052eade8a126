"""The steps of videos."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from tintype.codecs import Codecs, Track, VideoResult, hls, sprite
from tintype.codecs import Rendition as MadeFile
from tintype.media.model import MASTERS, SPRITE, Rendition
from tintype.media.service.processing.shared import Outcome, rendition_of


async def make(
    codecs: Codecs,
    source: Path,
    out: Path,
    *,
    poster_at: float | None,
    told: Callable[[int], None],
) -> Outcome:
    """What makes ``source`` playable, in the folder ``out``: poster, film, rungs, and their texts.

    Raises:
        Rejected: it will never be a video.
        DecoderDied: the machine is at fault.
    """
    result = await codecs.process_video(source, out, poster_at=poster_at, told=told)
    texts = playlists(result.tracks, out)
    entries = variants(result.tracks, texts)
    sound = None
    if result.sound:
        heard = playlists([result.sound], out)
        sound = sound_of(rendition_of(heard[0]), result.sound.segments)
        texts += heard
    best = (result.film.width, result.film.height)
    master = hls.master_playlist(entries, sound)
    texts.append(write_text(out, MASTERS[0], "m3u8", master, size=best))
    return Outcome(
        width=result.width,
        height=result.height,
        duration=result.duration,
        thumbhash=result.thumbhash,
        files=[*result.poster, *result.renditions, result.sprite, *texts, _cues(result, out)],
        further=bool(result.further),
        poster_at=poster_at,
    )


def playlists(tracks: Sequence[Track], out: Path) -> list[MadeFile]:
    """The playlist of each track, as a file in ``out``.

    It names the track's file as addresses do, and so may not be told before its content is.
    """
    return [
        write_text(
            out,
            track.file.rung,
            "m3u8",
            hls.media_playlist(track.segments, rendition_of(track.file).name),
            size=(track.file.width, track.file.height),
        )
        for track in tracks
    ]


def variants(tracks: Sequence[Track], texts: Sequence[MadeFile]) -> list[hls.Variant]:
    """What a master playlist says of each track and its playlist."""
    return [
        hls.Variant(
            name=rendition_of(text).name,
            width=track.file.width,
            height=track.file.height,
            rate=track.rate,
            codecs=track.codecs,
            peak=track.segments.peak,
            average=track.segments.average,
        )
        for track, text in zip(tracks, texts, strict=True)
    ]


def sound_of(playlist: Rendition, segments: hls.Segments) -> hls.Sound:
    """What a master playlist says of the sound."""
    return hls.Sound(playlist.name, segments.peak, segments.average)


def write_text(
    out: Path, rung: str, format_: str, text: str, *, size: tuple[int, int] = (0, 0)
) -> MadeFile:
    """A text as a file like any other that was made."""
    path = out / f"{rung}.{format_}"
    content = text.encode("ascii")
    path.write_bytes(content)
    return MadeFile(
        rung=rung,
        format="vtt" if format_ == "vtt" else "m3u8",
        width=size[0],
        height=size[1],
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
    )


def _cues(result: VideoResult, out: Path) -> MadeFile:
    sheet = sprite.sheet_for(result.duration, result.film.width, result.film.height)
    name = rendition_of(result.sprite).name
    size = (sheet.frame.width, sheet.frame.height)
    return write_text(out, SPRITE, "vtt", sprite.cues(sheet, result.duration, name), size=size)

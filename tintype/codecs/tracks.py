"""What became of a video, and taking its tracks from a decoder without believing the decoder."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import msgspec

from tintype.codecs import hls
from tintype.codecs.collect import collect
from tintype.codecs.film_rungs import rung_of, rungs_of
from tintype.codecs.model import DiedAtWork, Rendition
from tintype.codecs.wire import Done, DownloadDone, LoopDone, PhotoDone, VideoDone

FILM, SPRITE, SOUND = "film", "sprite", "audio"
_FASTEST = 61.0
_LONGEST_PLAYLIST = 4 << 20


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One verified rung as a file in fragments: where its pieces lie, and how it is coded.

    ``codecs`` is as RFC 6381 names it; ``rate`` is pictures per second, 0 for sound.
    """

    file: Rendition
    segments: hls.Segments
    codecs: str
    rate: float


class VideoResult(msgspec.Struct, frozen=True, kw_only=True):
    """A video, upright, and what makes it playable at once.

    ``poster`` is a photo ladder, ``film`` the progressive file, ``tracks`` the pictures in
    fragments from the highest rung down, ``sound`` their common sound, ``sprite`` the sheet of
    small pictures. ``duration`` is in seconds; ``remuxed`` tells that the source's own pictures
    were kept.
    """

    width: int
    height: int
    duration: float
    thumbhash: str
    remuxed: bool
    poster: tuple[Rendition, ...]
    film: Rendition
    tracks: tuple[Track, ...]
    sound: Track | None
    sprite: Rendition

    @property
    def further(self) -> tuple[str, ...]:
        """The names of the rungs that its ladder still lacks."""
        made = {track.file.rung for track in self.tracks}
        return tuple(rung for rung in rungs_of(self.width, self.height) if rung not in made)

    @property
    def renditions(self) -> tuple[Rendition, ...]:
        """Every file that shows moving pictures or is heard; the progressive one first."""
        sound = (self.sound.file,) if self.sound else ()
        return (self.film, *(track.file for track in self.tracks), *sound)


class Taken(msgspec.Struct, frozen=True):
    """A decoder's answer, the files that it left, and which of them are tracks."""

    answer: Done
    made: tuple[Rendition, ...]
    tracks: tuple[Track, ...]


def take(answer: Done, results: Path, out: Path) -> Taken:
    """Move what a decoder left into ``out``; what it says about films is read from their files.

    Raises:
        DiedAtWork: something is missing or is not what it should be.
    """
    made = collect(answer.made, results, out)
    if isinstance(answer, PhotoDone | LoopDone | DownloadDone):
        return Taken(answer, made, ())
    steady = Fraction(min(max(answer.rate, 1.0), _FASTEST)).limit_denominator(1001)
    tracks = tuple(
        _track(each, results, steady) for each in made if each.format == "mp4" and each.rung != FILM
    )
    return Taken(answer, made, tracks)


def video_result(
    answer: VideoDone, made: tuple[Rendition, ...], tracks: tuple[Track, ...]
) -> VideoResult:
    """The parts of a video in their places.

    Raises:
        DiedAtWork: one is missing.
    """
    named = {each.rung: each for each in made if each.rung in {FILM, SPRITE}}
    sound = [track for track in tracks if track.file.rung == SOUND]
    pictures = tuple(track for track in tracks if track.file.rung != SOUND)
    if named.keys() != {FILM, SPRITE} or not pictures:
        raise DiedAtWork("the decoder left only a part of the video")
    return VideoResult(
        width=answer.width,
        height=answer.height,
        duration=answer.duration,
        thumbhash=answer.thumbhash,
        remuxed=answer.remuxed,
        poster=tuple(each for each in made if each.rung.isdigit()),
        film=named[FILM],
        tracks=pictures,
        sound=sound[0] if sound else None,
        sprite=named[SPRITE],
    )


def _track(file: Rendition, results: Path, steady: Fraction) -> Track:
    """A track whose file was taken already, with the numbers of the playlist that came with it.

    Raises:
        DiedAtWork: the playlist is missing or tells of another file, or the coding is unknown.
    """
    try:
        segments = hls.read(_text(results / f"{file.rung}.m3u8"), file.bytes)
        if file.rung == SOUND:
            return Track(file=file, segments=segments, codecs=hls.SOUND, rate=0)
        with file.path.open("rb") as opened:
            codecs = hls.codecs_of(opened.read(segments.init))
        rung = rung_of(file.width, file.height)
        return Track(file=file, segments=segments, codecs=codecs, rate=float(rung.rate(steady)))
    except (OSError, ValueError) as error:
        raise DiedAtWork(f"the decoder left an odd {file.rung}: {error}") from error


def _text(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(_LONGEST_PLAYLIST).decode("ascii")

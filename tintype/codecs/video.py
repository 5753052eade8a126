"""Videos, inside the sandbox: probe → copy or encode, and the poster → verification → sprite."""

from __future__ import annotations

import errno
import signal
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from tintype.codecs import film, film_check, ladder, photo, sandbox
from tintype.codecs.film_rungs import FilmRung, Frame, first_of, ladder_for, named, rung_of
from tintype.codecs.model import Limits, Rejected
from tintype.codecs.probe import Source, probe
from tintype.codecs.sniff import Kind
from tintype.codecs.sprite import Sheet, sheet_for
from tintype.codecs.wire import (
    GrowJob,
    Made,
    PhotoDone,
    PosterJob,
    Probed,
    Progress,
    RungName,
    VideoDone,
    VideoGrown,
    VideoJob,
)

_MESSAGES = ("-hide_banner", "-nostdin", "-nostats", "-v", "error")
_NOWHERE = ("-c:v", "libx264", "-f", "null", "-")
_SHARE_THAT_MUST_BE_THERE = 0.9
# Containers count the last frame and the tail of the sound in their own ways.
_SLACK_S = 0.3
_BYTES_PER_PIXEL = 3
_SHEET_QUALITY = 70
_MICROSECONDS = 1_000_000
_OUR_OWN = Limits(frame_rate=1000)

Tell = Callable[[Probed | Progress], None]


class Studio(msgspec.Struct, frozen=True):
    """One video at work: the job, where its files are, and the program that does it."""

    job: VideoJob | GrowJob | PosterJob
    ffmpeg: Path
    original: Path
    results: Path
    tell: Tell

    def granted(self, seconds: float) -> None:
        """Ask for time to work on a film so long."""
        self.tell(Probed(seconds))
        sandbox.allow_processor_time(self.job.seconds + self.job.factor * seconds)


def load_library() -> None:
    """Import PyAV, which is kept out of photo decoders, and silence what it logs."""
    import av.logging

    av.logging.set_level(av.logging.PANIC)


def process(studio: Studio, job: VideoJob) -> VideoDone:
    """What makes the original in the incoming folder playable: see ``VideoDone``.

    Raises:
        Rejected: beyond a limit, damaged, cut off, or too slow to convert.
    """
    source = probe(studio.original, job.kind, job.limits)
    studio.granted(source.duration)
    # Encoding waits for itself now and then: the poster is made of what it leaves.
    with ThreadPoolExecutor(1) as beside:
        poster = beside.submit(_poster, studio, source, job.poster_at)
        tracks = _copied(studio, source) if source.fits else None
        remuxed = tracks is not None
        if tracks is None:
            rungs = first_of(ladder_for(source.width, source.height))
            tracks = _encoded(studio, source, rungs, "h264")
            _progressive(studio, tracks)
        pictures, placeholder = poster.result()
    duration = _seconds(studio, tracks[0])
    if duration < source.duration * _SHARE_THAT_MUST_BE_THERE - _SLACK_S:
        raise Rejected("cut-off", "This video is incomplete: its end is missing.")
    best = msgspec.structs.replace(tracks[0], rung="film")
    sheet = _sheet(studio, tracks, duration)
    return VideoDone(
        source.width,
        source.height,
        duration,
        placeholder,
        remuxed,
        float(source.frame_rate),
        (*pictures, best, *tracks, sheet),
    )


def grow(studio: Studio, job: GrowJob) -> VideoGrown:
    """More rungs of the original in the incoming folder, from one decoding.

    Raises:
        Rejected: as ``process``; what was made before stays as good as it is.
    """
    source = probe(studio.original, job.kind, job.limits)
    studio.granted(source.duration)
    source = msgspec.structs.replace(source, audio_stream=None)
    tracks = _encoded(studio, source, named(job.rungs), job.codec)
    return VideoGrown(float(source.frame_rate), tracks)


def still(studio: Studio, job: PosterJob) -> PhotoDone:
    """The poster ladder of a moment of our own film in the incoming folder.

    Raises:
        Rejected: there is no picture of it.
    """
    source = probe(studio.original, job.kind, _OUR_OWN)
    studio.granted(0)
    pictures, placeholder = _poster(studio, source, job.at)
    return PhotoDone(source.width, source.height, placeholder, pictures)


def _poster(studio: Studio, source: Source, chosen: float | None) -> tuple[tuple[Made, ...], str]:
    import pyvips

    raw = studio.results / "poster.rgb"
    size = film.poster_frame(source.width, source.height)
    times = film.poster_times(source.duration)
    moments = [(at, True) for at in times]
    if chosen is not None:
        moments = [(min(chosen, max(0.0, source.duration - _SLACK_S)), False), *moments]
    for at, best in moments:
        for tone_map in (True, False) if source.hdr else (False,):
            order = film.poster(source, studio.original, raw, at=at, best=best, tone_map=tone_map)
            pixels = _pixels(studio, order, raw, size)
            if pixels:
                image = pyvips.Image.new_from_memory(pixels, size.width, size.height, 3, "uchar")
                made, placeholder = ladder.make(image.copy(interpretation="srgb"), studio.results)
                ladder.verify(made, studio.results, photo.allow_written)
                return made, placeholder
    _make_sure_of(studio)
    raise Rejected("could-not-read", "This video is damaged: no picture of it can be shown.")


def _copied(studio: Studio, source: Source) -> tuple[Made, ...] | None:
    """Tracks of the source's own pictures and sound, if every one of them decodes."""
    rung = rung_of(source.width, source.height)
    made = (_track(rung.name, Frame(source.width, source.height)), *_sound(source))
    if not _run(studio, film.copy(source, studio.original, rung.name)):
        return None
    if not _joined(studio, made):
        return None
    whole = _run(studio, film.check(studio.results / "film.mp4", studio.job.threads))
    return made if whole else None


def _encoded(
    studio: Studio, source: Source, rungs: Sequence[FilmRung], codec: str
) -> tuple[Made, ...]:
    """Verified tracks, highest first. Odd HDR metadata falls back to no tone mapping."""
    for tone_map in (True, False) if source.hdr else (False,):
        encoding = film.Encoding(
            rungs=rungs,
            codec=codec,
            with_sound=source.audio_stream is not None,
            tone_map=tone_map,
            seconds=studio.job.limits.seconds,
            threads=studio.job.threads,
        )
        made = tuple(
            _track(name, rung.frame(source.width, source.height))
            for name, rung in zip(encoding.names, rungs, strict=True)
        )
        made = (*made, *_sound(source))
        order = film.encode(source, studio.original, encoding)
        if _run(studio, order, _watch(studio, source)) and _verified(studio, made):
            return made
    _make_sure_of(studio)
    raise Rejected("could-not-read", "This video is damaged and could not be converted.")


def _track(name: str, frame: Frame) -> Made:
    return Made(msgspec.convert(name, RungName), "mp4", frame.width, frame.height)


def _sound(source: Source) -> tuple[Made, ...]:
    return () if source.audio_stream is None else (Made("audio", "mp4", 0, 0),)


def _verified(studio: Studio, made: Sequence[Made]) -> bool:
    try:
        for each in made:
            frame = Frame(each.width, each.height) if each.width else None
            film_check.seconds_of(studio.results / each.name, frame)
    except ValueError:
        return False
    return True


def _progressive(studio: Studio, tracks: Sequence[Made]) -> None:
    if not _joined(studio, tracks):
        _make_sure_of(studio)
        raise Rejected("could-not-read", "This video could not be converted.")


def _joined(studio: Studio, tracks: Sequence[Made]) -> bool:
    """Whether the highest rung and the sound became one progressive file."""
    sound = studio.results / tracks[-1].name if not tracks[-1].width else None
    best, whole = studio.results / tracks[0].name, studio.results / "film.mp4"
    return _run(studio, film.progressive(best, sound, whole))


def _seconds(studio: Studio, made: Made) -> float:
    """The duration of our progressive film, having made sure that it is the film that was meant.

    Raises:
        Rejected: ``could-not-read``: it is not.
    """
    result = probe(studio.results / "film.mp4", Kind.MP4, _OUR_OWN)
    if (result.width, result.height) != (made.width, made.height) or result.duration <= 0:
        raise Rejected("could-not-read", "This video could not be converted.")
    return round(result.duration, 3)


def _sheet(studio: Studio, tracks: Sequence[Made], duration: float) -> Made:
    """The sheet of small pictures, from the lowest rung: it is quickly decoded.

    Raises:
        Rejected: ``could-not-read``.
    """
    import pyvips

    lowest = [each for each in tracks if each.width][-1]
    sheet: Sheet = sheet_for(duration, tracks[0].width, tracks[0].height)
    raw, size = studio.results / "sheet.rgb", sheet.frame
    pixels = _pixels(studio, film.sheet(studio.results / lowest.name, raw, sheet), raw, size)
    if not pixels:
        raise Rejected("could-not-read", "This video could not be converted.")
    made = Made("sprite", "jpeg", size.width, size.height)
    image = pyvips.Image.new_from_memory(pixels, size.width, size.height, 3, "uchar")
    image.copy(interpretation="srgb").jpegsave(
        str(studio.results / made.name), Q=_SHEET_QUALITY, optimize_coding=True, keep="none"
    )
    ladder.verify((made,), studio.results, photo.allow_written)
    return made


def _pixels(studio: Studio, order: list[str], raw: Path, size: Frame) -> bytes:
    """The bare picture that ffmpeg was ordered to write; empty when it is not what was meant."""
    raw.unlink(missing_ok=True)
    pixels = raw.read_bytes() if _run(studio, order) and raw.exists() else b""
    raw.unlink(missing_ok=True)
    return pixels if len(pixels) == size.width * size.height * _BYTES_PER_PIXEL else b""


def _make_sure_of(studio: Studio) -> None:
    """Before a file is blamed: the program itself works here.

    Raises:
        OSError: it does not; the machine is at fault.
    """
    if not _run(studio, ["-f", "lavfi", "-i", "nullsrc", "-frames:v", "1", *_NOWHERE]):
        raise OSError(errno.ENOEXEC, "this ffmpeg does not work here", str(studio.ffmpeg))


def _watch(studio: Studio, source: Source) -> Callable[[float], None]:
    """Tell each whole percent of the film that was encoded, once."""
    told = 0

    def watch(seconds: float) -> None:
        nonlocal told
        percent = min(99, int(100 * seconds / source.duration)) if source.duration > 0 else 0
        if percent > told:
            told = percent
            studio.tell(Progress(percent))

    return watch


def _run(studio: Studio, order: list[str], watch: Callable[[float], None] | None = None) -> bool:
    """Run ffmpeg, which inherits the sandbox; whether it succeeded.

    Raises:
        Rejected: it was ended for taking too long or writing too much.
    """
    words = [str(studio.ffmpeg), *_MESSAGES]
    if watch is not None:
        words += ["-progress", "pipe:1"]
    process: subprocess.Popen[Any]
    with subprocess.Popen(  # noqa: S603 - fixed program, no shell
        [*words, *order],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if watch else None,
        cwd=studio.results,
    ) as process:
        if watch is not None and process.stdout is not None:
            for line in process.stdout:
                name, _, value = line.strip().partition(b"=")
                if name == b"out_time_us" and value.isdigit():
                    watch(int(value) / _MICROSECONDS)
    if process.returncode == -signal.SIGXCPU:
        raise Rejected("took-too-long", "This video takes too long to convert.")
    if process.returncode == -signal.SIGXFSZ:
        raise Rejected("too-large", "This video grows too large when converted.")
    return process.returncode == 0

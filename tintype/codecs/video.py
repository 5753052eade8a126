"""Videos, inside the sandbox: probe → poster → copy or encode → verification."""

from __future__ import annotations

import errno
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tintype.codecs import film, ladder, photo, sandbox
from tintype.codecs.model import Limits, Rejected
from tintype.codecs.probe import Source, probe
from tintype.codecs.sniff import Kind
from tintype.codecs.wire import Made, Probed, VideoDone, VideoJob

_MESSAGES = ("-hide_banner", "-nostdin", "-v", "error")
_NOWHERE = ("-c:v", "libx264", "-f", "null", "-")
_SHARE_THAT_MUST_BE_THERE = 0.9
# Containers count the last frame and the tail of the sound in their own ways.
_SLACK_S = 0.3
_BYTES_PER_PIXEL = 3


class Studio(msgspec.Struct, frozen=True):
    """One video at work: the job, where its files are, and the program that does it."""

    job: VideoJob
    ffmpeg: Path
    original: Path
    results: Path


def load_library() -> None:
    """Import PyAV, which is kept out of photo decoders, and silence what it logs."""
    import av.logging

    av.logging.set_level(av.logging.PANIC)


def process(studio: Studio, tell: Callable[[Probed], None]) -> VideoDone:
    """The film and the poster ladder of the original in the incoming folder.

    Raises:
        Rejected: beyond a limit, damaged, cut off, or too slow to convert.
    """
    job = studio.job
    source = probe(studio.original, job.kind, job.limits)
    tell(Probed(source.duration))
    sandbox.allow_processor_time(job.seconds + job.factor * source.duration)
    pictures, placeholder = _poster(studio, source)
    made = Made("720p", "mp4", *msgspec.structs.astuple(film.film_frame(source)))
    remuxed = source.fits and _copied(studio, source, made)
    if not remuxed:
        _encode(studio, source, made)
    duration = _seconds(studio, made)
    if duration < source.duration * _SHARE_THAT_MUST_BE_THERE - _SLACK_S:
        raise Rejected("cut-off", "This video is incomplete: its end is missing.")
    return VideoDone(source.width, source.height, duration, placeholder, remuxed, (*pictures, made))


def _poster(studio: Studio, source: Source) -> tuple[tuple[Made, ...], str]:
    import pyvips

    raw = studio.results / "poster.rgb"
    size = film.poster_frame(source)
    for at in film.poster_times(source.duration):
        for tone_map in (True, False) if source.hdr else (False,):
            order = film.poster(source, studio.original, raw, at=at, tone_map=tone_map)
            pixels = raw.read_bytes() if _run(studio, order) and raw.exists() else b""
            if len(pixels) == size.width * size.height * _BYTES_PER_PIXEL:
                raw.unlink()
                image = pyvips.Image.new_from_memory(pixels, size.width, size.height, 3, "uchar")
                made, placeholder = ladder.make(image.copy(interpretation="srgb"), studio.results)
                ladder.verify(made, studio.results, photo.allow_written)
                return made, placeholder
    _make_sure_of(studio)
    raise Rejected("could-not-read", "This video is damaged: no picture of it can be shown.")


def _copied(studio: Studio, source: Source, made: Made) -> bool:
    """Whether the source's own pictures made a film that decodes without a fault."""
    path = studio.results / made.name
    return _run(studio, film.copy(source, studio.original, path)) and _decodes(studio, path)


def _encode(studio: Studio, source: Source, made: Made) -> None:
    """Encode the film. Odd HDR metadata falls back to no tone mapping."""
    path = studio.results / made.name
    for tone_map in (True, False) if source.hdr else (False,):
        order = film.encode(
            source,
            studio.original,
            path,
            seconds=studio.job.limits.seconds,
            threads=studio.job.threads,
            tone_map=tone_map,
        )
        if _run(studio, order) and _decodes(studio, path):
            return
    _make_sure_of(studio)
    raise Rejected("could-not-read", "This video is damaged and could not be converted.")


def _seconds(studio: Studio, made: Made) -> float:
    """The duration of our own film, having made sure that it is the film that was meant.

    Raises:
        Rejected: ``could-not-read``: it is not.
    """
    result = probe(studio.results / made.name, Kind.MP4, Limits(frame_rate=1000))
    if (result.width, result.height) != (made.width, made.height) or result.duration <= 0:
        raise Rejected("could-not-read", "This video could not be converted.")
    return round(result.duration, 3)


def _make_sure_of(studio: Studio) -> None:
    """Before a file is blamed: the program itself works here.

    Raises:
        OSError: it does not; the machine is at fault.
    """
    if not _run(studio, ["-f", "lavfi", "-i", "nullsrc", "-frames:v", "1", *_NOWHERE]):
        raise OSError(errno.ENOEXEC, "this ffmpeg does not work here", str(studio.ffmpeg))


def _decodes(studio: Studio, path: Path) -> bool:
    return _run(studio, film.check(path, studio.job.threads))


def _run(studio: Studio, order: list[str]) -> bool:
    """Run ffmpeg, which inherits the sandbox; whether it succeeded.

    Raises:
        Rejected: it was ended for taking too long or writing too much.
    """
    done: subprocess.CompletedProcess[Any] = subprocess.run(  # noqa: S603 - fixed program, no shell
        [str(studio.ffmpeg), *_MESSAGES, *order],
        stdin=subprocess.DEVNULL,
        check=False,
        cwd=studio.results,
    )
    if done.returncode == -signal.SIGXCPU:
        raise Rejected("took-too-long", "This video takes too long to convert.")
    if done.returncode == -signal.SIGXFSZ:
        raise Rejected("too-large", "This video grows too large when converted.")
    return done.returncode == 0

"""Photos that move, inside the sandbox: frames with their times → a short silent film."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from tintype.codecs import ladder, photo
from tintype.codecs.limits import check_animation
from tintype.codecs.model import Limits, Rejected
from tintype.codecs.probe import INPUT_OPTIONS
from tintype.codecs.sniff import Kind
from tintype.codecs.wire import ORIGINAL, LoopDone, LoopJob, Made

_MILLISECONDS = Fraction(1, 1000)
# What browsers make of a frame that gives itself no time, and the longest that one may stay.
_HURRIED_MS, _NORMAL_MS, _LONGEST_MS = 10, 100, 10_000
_SHORT_EDGE = 720
_ENCODING = {"preset": "veryfast", "profile": "high", "crf": "23", "bf": "0"}
_BT709, _STUDIO_RANGE = 1, 1


class Frame(msgspec.Struct, frozen=True):
    """One picture as rows of 8-bit RGB, and for how many milliseconds it is seen."""

    pixels: Any
    lasts: int


def process(job: LoopJob, incoming: Path, results: Path) -> LoopDone:
    """The film of an animation; nothing is made of one that turns out to be a still.

    Raises:
        Rejected: too many frames, damaged, or cut off.
    """
    import av
    import pyvips

    original = incoming / ORIGINAL
    read = _film_frames if job.kind is Kind.AVIF else _picture_frames
    try:
        frames = read(original, job.kind, job.limits)
        first, second = next(frames, None), next(frames, None)
        if first is None or second is None:
            return LoopDone(0.0, ())
        made, seconds = _encode(_from(first, second, frames), results)
    except pyvips.Error as error:
        raise photo.verdict(str(error)) from error
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise Rejected(
            "could-not-read", "This animation is damaged and could not be read."
        ) from error
    return LoopDone(seconds, (made,))


def _from(first: Frame, second: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield second
    yield from rest


def _picture_frames(original: Path, kind: Kind, limits: Limits) -> Iterator[Frame]:
    """The frames of a GIF or WebP, each complete, one in memory at a time."""
    import pyvips

    photo.allow_only(kind)
    strip = pyvips.Image.new_from_file(str(original), n=-1, access="sequential", fail_on="error")
    fields = strip.get_fields()
    height = strip.get("page-height") if "page-height" in fields else strip.height
    count = strip.height // height
    check_animation(strip.width, height, count, limits)
    delays = strip.get("delay") if "delay" in fields else []
    for number in range(count):
        frame = strip.crop(0, number * height, strip.width, height).copy_memory()
        yield Frame(_rgb(frame), _patient(delays[number] if number < len(delays) else 0))


def _film_frames(original: Path, _kind: Kind, limits: Limits) -> Iterator[Frame]:
    """The frames of an AVIF sequence, which is a film in all but name."""
    import av

    with av.open(str(original), "r", format="mov", container_options=dict(INPUT_OPTIONS)) as file:
        # The still picture counts as a film of one frame.
        track = max(file.streams.video, key=lambda each: each.frames, default=None)
        if track is None:
            return
        check_animation(track.codec_context.width, track.codec_context.height, track.frames, limits)
        held, shown = None, 0.0
        for number, frame in enumerate(file.decode(track)):
            check_animation(frame.width, frame.height, number + 1, limits)
            at = float(frame.time or 0.0)
            if held is not None:
                yield Frame(held, _patient((at - shown) * 1000))
            held, shown = _rgb(_as_image(frame.to_ndarray(format="rgb24"))), at
        if held is not None:
            yield Frame(held, _NORMAL_MS)


def _as_image(pixels: Any) -> Any:
    import numpy as np
    import pyvips

    height, width, bands = pixels.shape
    data = np.ascontiguousarray(pixels).data
    image = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    return image.copy(interpretation="srgb")


def _rgb(frame: Any) -> Any:
    """The frame as a film shows it: upright sRGB on white, even sides, no larger than a rung."""
    shown = photo.as_srgb(frame)
    if shown.hasalpha():
        shown = shown.flatten(background=ladder.WHITE)
    scale = min(1.0, _SHORT_EDGE / min(shown.width, shown.height))
    width, height = _even(shown.width * scale), _even(shown.height * scale)
    if (width, height) != (shown.width, shown.height):
        shown = shown.thumbnail_image(width, height=height, size="force", no_rotate=True)
    return shown.numpy()


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _patient(milliseconds: float) -> int:
    """How long a frame is seen: browsers slow down the hurried ones, and so do we."""
    if milliseconds <= _HURRIED_MS:
        return _NORMAL_MS
    return min(_LONGEST_MS, round(milliseconds))


def _encode(frames: Iterator[Frame], results: Path) -> tuple[Made, float]:
    """H.264 in MP4, every frame at its own time, and how many seconds it lasts."""
    import av

    first = next(frames)
    height, width = first.pixels.shape[:2]
    made = Made("loop", "mp4", width, height)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    lasting: dict[int, int] = {}
    with av.open(str(results / made.name), "w", format="mp4", options=options) as film:
        track: Any = film.add_stream("libx264", options=_ENCODING)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.codec_context.time_base = _MILLISECONDS
        track.codec_context.thread_count = 1
        track.codec_context.colorspace = track.codec_context.color_primaries = _BT709
        track.codec_context.color_trc = _BT709
        track.codec_context.color_range = _STUDIO_RANGE
        at = 0
        for frame in _from(first, next(frames), frames):
            picture = av.VideoFrame.from_ndarray(frame.pixels, format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
            picture.pts, picture.time_base = at, _MILLISECONDS
            lasting[at] = frame.lasts
            at += frame.lasts
            _put(film, track.encode(picture), lasting)
        _put(film, track.encode(None), lasting)
    _verify(results / made.name, made, len(lasting))
    return made, at / 1000


def _put(film: Any, packets: Any, lasting: dict[int, int]) -> None:
    for packet in packets:
        packet.duration = lasting[packet.pts]
        film.mux(packet)


def _verify(path: Path, made: Made, count: int) -> None:
    """Decode every picture of our own film.

    Raises:
        Rejected: ``could-not-read``: what was written is not what was meant.
    """
    import av

    with av.open(str(path), "r", format="mov") as film:
        found = [(frame.width, frame.height) for frame in film.decode(video=0)]
    if found != [(made.width, made.height)] * count:
        raise Rejected("could-not-read", "This animation could not be converted.")

"""The orders given to ffmpeg: for the film, by copying or by encoding, and for its poster."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tintype.codecs.model import PHOTO_RUNGS, VIDEO_RUNG
from tintype.codecs.probe import DEMUXERS, INPUT_OPTIONS, Source

_KEYFRAME_SECONDS = 2
_POSTER_CANDIDATES = 24
_LATEST_POSTER = 5.0
# HDR to SDR: linear light at 100 cd/m² diffuse white, Hable's curve, back to BT.709.
_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
)
# Supplemental information (NAL unit type 6) may carry what a camera likes to say about itself.
_NO_REMARKS = "filter_units=remove_types=6"


class Frame(msgspec.Struct, frozen=True):
    """A picture size in pixels."""

    width: int
    height: int


def film_frame(source: Source) -> Frame:
    """The rung's size: bounded by the short edge, never enlarged, even for 4:2:0 colour."""
    scale = min(1.0, VIDEO_RUNG / min(source.width, source.height))
    return Frame(_even(source.width * scale), _even(source.height * scale))


def poster_frame(source: Source) -> Frame:
    """The poster's size: bounded by the width, as photos are."""
    width = min(PHOTO_RUNGS[-1], source.width)
    return Frame(width, max(1, round(source.height * width / source.width)))


def copy(source: Source, original: Path, film: Path) -> list[str]:
    """Pictures and sound as they are, in a new container without a word about their origin."""
    order = [*_input(source, original), "-map", f"0:{source.video_stream}"]
    if source.audio_stream is not None:
        order += ["-map", f"0:{source.audio_stream}"]
    return [*order, "-c", "copy", *_output(film)]


def encode(
    source: Source, original: Path, film: Path, *, seconds: float, threads: int, tone_map: bool
) -> list[str]:
    """H.264 and AAC at the rung's size; at most ``seconds`` long."""
    size = film_frame(source)
    steps = [
        f"fps={source.frame_rate.numerator}/{source.frame_rate.denominator}",
        _scale(source, size, tone_map=tone_map),
    ]
    if tone_map:
        steps.append(_TONE_MAP)
    steps += ["setsar=1", "format=yuv420p"]
    order = [
        *_input(source, original, threads=threads),
        *("-filter_complex_threads", str(threads)),
        *("-filter_complex", f"[0:{source.video_stream}]{','.join(steps)}[film]"),
        *("-map", "[film]", "-t", f"{seconds:g}"),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-crf", "23"),
        *("-maxrate", "3000k", "-bufsize", "6000k", "-sc_threshold", "0"),
        *("-force_key_frames", f"expr:gte(t,n_forced*{_KEYFRAME_SECONDS})"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-threads", str(threads)),
    ]
    if source.audio_stream is not None:
        order += ["-map", f"0:{source.audio_stream}"]
        order += ["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-ar", "48000"]
    return [*order, *_output(film)]


def poster(
    source: Source, original: Path, picture: Path, *, at: float, tone_map: bool
) -> list[str]:
    """One typical picture from ``at`` seconds on, as bare 8-bit RGB of ``poster_frame`` size."""
    size = poster_frame(source)
    steps = [_scale(source, size, tone_map=tone_map)]
    steps += [_TONE_MAP] if tone_map else [f"thumbnail={_POSTER_CANDIDATES}"]
    steps += [f"scale={size.width}:{size.height}:in_color_matrix=bt709", "format=rgb24"]
    return [
        *("-ss", f"{at:g}"),
        *_input(source, original),
        *("-filter_complex_threads", "1"),
        *("-filter_complex", f"[0:{source.video_stream}]{','.join(steps)}[poster]"),
        *("-map", "[poster]", "-frames:v", "1"),
        *("-f", "rawvideo", "-y", str(picture)),
    ]


def poster_times(duration: float) -> list[float]:
    """Where to look for a poster: a little way in, where nothing fades; else at the start."""
    return sorted({min(duration / 10, _LATEST_POSTER), 0.0}, reverse=True)


def check(film: Path, threads: int) -> list[str]:
    """Decode every picture and every sound of our own film; any error fails."""
    return [
        *("-xerror", "-err_detect", "explode", "-threads", str(threads)),
        *("-protocol_whitelist", "file", "-f", "mov", "-i", str(film)),
        *("-map", "0", "-f", "null", "-"),
    ]


def _input(source: Source, original: Path, threads: int = 1) -> list[str]:
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", value)]
    return ["-threads", str(threads), *options, "-f", DEMUXERS[source.kind], "-i", str(original)]


def _output(film: Path) -> list[str]:
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"),
        *("-bsf:v", _NO_REMARKS, "-movflags", "+faststart", "-f", "mp4", "-y", str(film)),
    ]


def _scale(source: Source, size: Frame, *, tone_map: bool) -> str:
    if tone_map:
        return f"zscale=w={size.width}:h={size.height}"
    matrix = f"in_color_matrix={source.matrix}:out_color_matrix=bt709:out_range=tv"
    return f"scale={size.width}:{size.height}:{matrix}"


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))

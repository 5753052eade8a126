"""The orders given to ffmpeg: for the ladder, by copying or by encoding, and for still pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from tintype.codecs.film_rungs import FilmRung, Frame
from tintype.codecs.model import PHOTO_RUNGS
from tintype.codecs.probe import DEMUXERS, INPUT_OPTIONS, Source
from tintype.codecs.sprite import Sheet

AUDIO = "audio"
KEYFRAME_SECONDS = 2
_SEGMENT_SECONDS = 4
_POSTER_CANDIDATES, _HDR_CANDIDATES = 24, 8
_LATEST_POSTER = 5.0
# HDR to SDR: linear light at 100 cd/m² diffuse white, Hable's curve, back to BT.709.
_TONE_MAP = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
)
# Supplemental information (NAL unit type 6) may carry what a camera likes to say about itself.
_NO_REMARKS = "filter_units=remove_types=6"
_ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-crf", "23"),
    "av1": ("-c:v", "libsvtav1", "-preset", "10", "-crf", "38"),
}
_SAVING_OF_AV1 = 0.6


class Encoding(msgspec.Struct, frozen=True, kw_only=True):
    """How a ladder is encoded: ``rungs`` from the highest down, all from one decoding."""

    rungs: Sequence[FilmRung]
    codec: str = "h264"
    with_sound: bool
    tone_map: bool
    seconds: float
    threads: int

    @property
    def names(self) -> list[str]:
        """What the tracks are called: by their rung, and by their coding where it is not H.264."""
        prefix = "" if self.codec == "h264" else f"{self.codec}-"
        return [prefix + rung.name for rung in self.rungs]


def poster_frame(width: int, height: int) -> Frame:
    """The poster's size: bounded by the width, as photos are."""
    bounded = min(PHOTO_RUNGS[-1], width)
    return Frame(bounded, max(1, round(height * bounded / width)))


def copy(source: Source, original: Path, name: str) -> list[str]:
    """Pictures and sound as they are, in tracks of their own without a word about their origin."""
    order = [*_input(source, original), "-map", f"0:{source.video_stream}"]
    if source.audio_stream is not None:
        order += ["-map", f"0:{source.audio_stream}"]
    # Cut wherever a keyframe is: what is copied has them where its maker wanted.
    order += ["-c", "copy", "-bsf:v", _NO_REMARKS]
    sound = source.audio_stream is not None
    return order + _tracks([name], with_sound=sound, seconds=KEYFRAME_SECONDS)


def encode(source: Source, original: Path, encoding: Encoding) -> list[str]:
    """Tracks for every rung, and one of sound, from a single decoding of the original.

    Keyframes of all rungs lie at the same times, every two seconds.
    """
    order = [
        *_input(source, original, threads=encoding.threads),
        *("-filter_complex_threads", str(encoding.threads)),
        *("-filter_complex", _graph(source, encoding)),
    ]
    for rung in encoding.rungs:
        order += ["-map", f"[{rung.name}]"]
    if encoding.with_sound:
        order += ["-map", f"0:{source.audio_stream}", "-c:a", "aac", "-b:a", "128k"]
        order += ["-ac", "2", "-ar", "48000"]
    order += ["-t", f"{encoding.seconds:g}", *_ENCODERS[encoding.codec]]
    for number, rung in enumerate(encoding.rungs):
        order += _bounds(number, rung, source.frame_rate, encoding.codec)
    order += [
        *("-force_key_frames", f"expr:gte(t,n_forced*{KEYFRAME_SECONDS})"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-color_range", "tv", "-threads", str(encoding.threads)),
    ]
    if encoding.codec == "h264":
        order += ["-sc_threshold", "0", "-bsf:v", _NO_REMARKS]
    return order + _tracks(encoding.names, with_sound=encoding.with_sound, seconds=_SEGMENT_SECONDS)


def progressive(track: Path, sound: Path | None, film: Path) -> list[str]:
    """One file with pictures and sound, which plays while it is fetched; nothing is encoded."""
    order = [*_own(track)]
    order += _own(sound) if sound else []
    order += ["-map", "0:v"]
    order += ["-map", "1:a"] if sound else []
    order += ["-c", "copy", *_nothing_noted(), "-movflags", "+faststart"]
    return [*order, "-f", "mp4", "-y", str(film)]


def poster(
    source: Source, original: Path, picture: Path, *, at: float, best: bool, tone_map: bool
) -> list[str]:
    """One picture from ``at`` seconds on, as bare 8-bit RGB of ``poster_frame`` size.

    With ``best`` it is the most typical one of those that follow.
    """
    size = poster_frame(source.width, source.height)
    steps = [_scale(source, size, tone_map=tone_map)]
    steps += [_TONE_MAP] if tone_map else []
    steps += [f"scale={size.width}:{size.height}:in_color_matrix=bt709", "format=rgb24"]
    if best:
        steps.append(f"thumbnail={_HDR_CANDIDATES if tone_map else _POSTER_CANDIDATES}")
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


def sheet(track: Path, picture: Path, plan: Sheet) -> list[str]:
    """The small pictures of our own film, side by side, as bare 8-bit RGB."""
    # Between keyframes there is nothing that pictures so far apart would need.
    hurry = ["-skip_frame", "nokey"] if plan.seconds >= KEYFRAME_SECONDS else []
    # The last picture stays, for a film that ends before its last small picture is due.
    steps = f"tpad=stop_mode=clone:stop_duration={2 * plan.seconds + KEYFRAME_SECONDS}"
    steps += f",fps=1/{plan.seconds}"
    scale = f"scale={plan.tile.width}:{plan.tile.height}:in_color_matrix=bt709,format=rgb24"
    return [
        *hurry,
        *_own(track),
        *("-vf", f"{steps},{scale},tile={plan.columns}x{plan.rows}", "-frames:v", "1"),
        *("-f", "rawvideo", "-y", str(picture)),
    ]


def check(film: Path, threads: int) -> list[str]:
    """Decode every picture and every sound of our own film; any error fails."""
    return [
        *("-xerror", "-err_detect", "explode", "-threads", str(threads)),
        *_own(film),
        *("-map", "0", "-f", "null", "-"),
    ]


def _own(path: Path) -> list[str]:
    return ["-protocol_whitelist", "file", "-f", "mov", "-i", str(path)]


def _input(source: Source, original: Path, threads: int = 1) -> list[str]:
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", value)]
    return ["-threads", str(threads), *options, "-f", DEMUXERS[source.kind], "-i", str(original)]


def _graph(source: Source, encoding: Encoding) -> str:
    """Pictures at a steady rate and the highest rung's size, tone-mapped once, then smaller."""
    highest = encoding.rungs[0].frame(source.width, source.height)
    steps = [f"fps={_ratio(source.frame_rate)}"]
    steps.append(_scale(source, highest, tone_map=encoding.tone_map))
    steps += [_TONE_MAP] if encoding.tone_map else []
    steps += ["setsar=1", "format=yuv420p", f"split={len(encoding.rungs)}"]
    ends = "".join(f"[in{rung.name}]" for rung in encoding.rungs)
    chains = [f"[0:{source.video_stream}]{','.join(steps)}{ends}"]
    for rung in encoding.rungs:
        size, rate = rung.frame(source.width, source.height), rung.rate(source.frame_rate)
        slower = [f"fps={_ratio(rate)}"] if rate != source.frame_rate else []
        smaller = [f"scale={size.width}:{size.height}"] if size != highest else []
        chains.append(f"[in{rung.name}]{','.join([*slower, *smaller]) or 'null'}[{rung.name}]")
    return ";".join(chains)


def _bounds(number: int, rung: FilmRung, steady: Fraction, codec: str) -> list[str]:
    most = rung.most_kbits(steady)
    if codec == "av1":
        most = round(most * _SAVING_OF_AV1)
    group = math.ceil(KEYFRAME_SECONDS * rung.rate(steady))
    return [
        *(f"-maxrate:v:{number}", f"{most}k", f"-bufsize:v:{number}", f"{2 * most}k"),
        *(f"-g:v:{number}", str(group)),
    ]


def _tracks(names: Sequence[str], *, with_sound: bool, seconds: int) -> list[str]:
    """HLS as Apple's authoring rules want it: fMP4, one file a track, addressed by byte ranges."""
    group = f",agroup:{AUDIO}" if with_sound else ""
    streams = [f"a:0{group},name:{AUDIO}"] if with_sound else []
    streams += [f"v:{number}{group},name:{name}" for number, name in enumerate(names)]
    return [
        *_nothing_noted(),
        *("-f", "hls", "-hls_time", str(seconds), "-hls_playlist_type", "vod"),
        *("-hls_list_size", "0", "-hls_segment_type", "fmp4"),
        *("-hls_flags", "single_file+independent_segments"),
        *("-hls_segment_filename", "%v.mp4", "-var_stream_map", " ".join(streams)),
        *("-y", "%v.m3u8"),
    ]


def _nothing_noted() -> list[str]:
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"),
    ]


def _scale(source: Source, size: Frame, *, tone_map: bool) -> str:
    if tone_map:
        return f"zscale=w={size.width}:h={size.height}"
    matrix = f"in_color_matrix={source.matrix}:out_color_matrix=bt709:out_range=tv"
    return f"scale={size.width}:{size.height}:{matrix}"


def _ratio(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"

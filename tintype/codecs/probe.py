"""What a video is, found out inside the sandbox: its header, and its first picture."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from tintype.codecs.film_rungs import FILM_RUNGS, rung_of
from tintype.codecs.limits import check_duration, check_frame_rate, check_size, check_streams
from tintype.codecs.model import Limits, Rejected
from tintype.codecs.sniff import Kind

DEMUXERS = {Kind.MP4: "mov", Kind.MOV: "mov", Kind.WEBM: "matroska"}
_DECODERS = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,h263,mjpeg,prores,"
    "aac,aac_latm,mp3,mp3float,opus,libopus,vorbis,flac,alac,ac3,eac3,amrnb,amrwb,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be"
)
# Nothing but the file itself: no playlists, no other files, no network.
INPUT_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
    "codec_whitelist": _DECODERS,
}

_MICROSECONDS = 1_000_000
_QUARTER, _HALF_TURN = 90, 180
# Transfer characteristics and matrices as ITU-T H.273 numbers them.
_PQ, _HLG = 16, 18
_UNSPECIFIED = {0, 2, None}
_SDR_TRANSFERS = {1, 6} | _UNSPECIFIED
_H264_PROFILES = {"Baseline", "Constrained Baseline", "Main", "High"}
_LEVEL_4_2 = 42
_STEREO = 2
_MAX_GOP_SECONDS = 4.0
_SOUND_KBITS, _KILO = 384, 1000
_FASTEST = 60
_RATES = (24, 25, 30, 48, 50, 60)
_STEADY_WITHIN = 0.05
_HIGH_DEFINITION = 720


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A video as its header and its first picture describe it.

    ``width`` and ``height`` are upright and with square pixels; ``duration`` is in seconds,
    0 when the file does not say; stream numbers count all tracks of the file.
    """

    kind: Kind
    width: int
    height: int
    duration: float
    frame_rate: Fraction
    video_stream: int
    audio_stream: int | None
    hdr: bool
    matrix: str
    is_high_definition: bool
    fits: bool


def probe(path: Path, kind: Kind, limits: Limits) -> Source:
    """Describe the video, having checked it against the limits before any picture is decoded.

    Raises:
        Rejected: too large, too long, without pictures, or damaged.
    """
    import av

    try:
        with av.open(
            str(path), "r", format=DEMUXERS[kind], container_options=dict(INPUT_OPTIONS)
        ) as file:
            return _describe(file, kind, limits)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise Rejected("could-not-read", "This video is damaged and could not be read.") from error


def _describe(file: Any, kind: Kind, limits: Limits) -> Source:
    check_streams(len(file.streams), limits)
    video = _first_film(file)
    coded = video.codec_context
    check_size(coded.width, coded.height, limits, noun="video")
    duration = _duration(file, video)
    check_duration(duration, limits)
    check_frame_rate(float(video.average_rate or 0), limits)
    picture = _first_picture(file, video)
    check_size(picture.width, picture.height, limits, noun="video")
    audio = next((each for each in file.streams.audio if _is_audible(each)), None)
    width, height = _upright(picture, video.sample_aspect_ratio)
    return Source(
        kind=kind,
        width=width,
        height=height,
        duration=duration,
        frame_rate=_steady_rate(video),
        video_stream=video.index,
        audio_stream=None if audio is None else audio.index,
        hdr=picture.color_trc in {_PQ, _HLG},
        matrix=_matrix(picture),
        is_high_definition=min(width, height) >= _HIGH_DEFINITION,
        fits=_fits(file, video, picture, audio) and _has_short_gops(file, video),
    )


def _first_film(file: Any) -> Any:
    """The first track of moving pictures; cover art is not one."""
    from av.stream import Disposition

    for stream in file.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if not _is_known(stream):
                raise Rejected(
                    "unsupported-codec", "This video is in a format that cannot be read here."
                )
            return stream
    raise Rejected("no-picture", "This file holds no moving pictures.")


def _duration(file: Any, video: Any) -> float:
    if video.duration and video.time_base:
        return float(video.duration * video.time_base)
    return float(file.duration or 0) / _MICROSECONDS


def _first_picture(file: Any, video: Any) -> Any:
    for picture in file.decode(video):
        return picture
    raise Rejected("no-picture", "This video has no pictures.")


def _upright(picture: Any, aspect: Fraction | None) -> tuple[int, int]:
    """The displayed size: pixels made square, then turned as the display matrix says."""
    width = max(1, round(picture.width * (aspect or 1)))
    sideways = picture.rotation % _HALF_TURN == _QUARTER
    return (picture.height, width) if sideways else (width, picture.height)


def _is_known(stream: Any) -> bool:
    """Whether a decoder of the list exists for it: PyAV itself would take any that it has."""
    context = getattr(stream, "codec_context", None)
    return context is not None and context.codec.name in _DECODERS.split(",")


def _is_audible(audio: Any) -> bool:
    context = audio.codec_context
    return _is_known(audio) and bool(context.sample_rate > 0 and context.channels > 0)


def _steady_rate(video: Any) -> Fraction:
    """The film's own rate; the next usual one where it changes; a part of it above 60 a second.

    Less than one picture a second are seldom enough for that: two of them an hour apart would
    otherwise be encoded a hundred thousand times.
    """
    average = Fraction(video.average_rate or video.base_rate or 30)
    if average < 1:
        return Fraction(1)
    rate = Fraction(video.base_rate or average)
    if abs(rate - average) > _STEADY_WITHIN * average:
        usual = (Fraction(each) for each in _RATES if each >= average)
        rate = next(usual, average)
    thinned = rate / max(1, math.ceil(rate / (_FASTEST + 1)))
    return max(Fraction(1), thinned.limit_denominator(1001))


def _matrix(picture: Any) -> str:
    """Untagged pictures are what players take them for: BT.709 when large, BT.601 when small."""
    names = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
    large = min(picture.width, picture.height) >= _HIGH_DEFINITION
    return names.get(picture.colorspace, "bt709" if large else "bt601")


def _fits(file: Any, video: Any, picture: Any, audio: Any) -> bool:
    """Whether every player takes the pictures and sound as they are, within their rung."""
    coded = video.codec_context
    sound = None if audio is None else audio.codec_context
    plain_sound = sound is None or (
        sound.name == "aac" and sound.profile == "LC" and sound.channels <= _STEREO
    )
    rate = Fraction(video.average_rate or 30)
    most = rung_of(picture.width, picture.height).most_kbits(rate) + _SOUND_KBITS
    return (
        coded.name == "h264"
        and coded.profile in _H264_PROFILES
        and 0 < coded.level <= _LEVEL_4_2
        and picture.format.name == "yuv420p"
        and picture.color_trc in _SDR_TRANSFERS
        and min(picture.width, picture.height) <= FILM_RUNGS[-1].edge
        and rate <= _FASTEST + 1
        and picture.rotation == 0
        and (video.sample_aspect_ratio or 1) == 1
        and not picture.interlaced_frame
        and plain_sound
        and 0 < (file.bit_rate or 0) <= most * _KILO
    )


def _has_short_gops(file: Any, video: Any) -> bool:
    """Whether one can seek to within four seconds anywhere; reads the file, decodes nothing."""
    file.seek(0, stream=video)
    last, at = 0.0, 0.0
    for packet in file.demux(video):
        if packet.pts is None:
            continue
        at = max(at, float(packet.pts * packet.time_base))
        if packet.is_keyframe:
            last = float(packet.pts * packet.time_base)
        elif at - last > _MAX_GOP_SECONDS:
            return False
    return True

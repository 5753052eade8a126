"""What goes into the codecs and what comes out of them."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Literal

import msgspec

Format = Literal["jpeg", "webp", "avif", "png", "gif", "mp4"]
PictureFormat = Literal["jpeg", "webp", "avif"]
TextFormat = Literal["m3u8", "vtt"]

PHOTO_RUNGS = (150, 240, 480, 640, 750, 1080, 1440)

MIB = 1 << 20
GIB = 1 << 30


class Rejected(Exception):  # noqa: N818 - the verdict on a file, not a fault of ours
    """The file cannot become a photo or video here, and trying again will not help.

    ``code`` is stable, for programs; ``sentence`` is for the person who sent the file.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class DecoderDied(Exception):  # noqa: N818 - names what happened
    """No decoder could be run to the end, and the file is not to blame: try once more later."""


class DiedAtWork(DecoderDied):
    """A decoder died while it worked on a file; whether the file is to blame, a repeat tells."""


class Rendition(msgspec.Struct, frozen=True):
    """One verified file made from an original.

    ``rung`` names the step of the ladder (``"480"``, for a video file ``"720p"``); ``width`` and
    ``height`` are its real pixels; ``sha256`` is in lower-case hex; ``path`` lies in the folder
    that the caller gave.
    """

    rung: str
    format: Format | TextFormat
    width: int
    height: int
    bytes: int
    sha256: str
    path: Path


class PhotoResult(msgspec.Struct, frozen=True):
    """A photo, upright: ``width`` × ``height`` of the original as people see it.

    Of one that moves, ``renditions`` show the first frame, ``loop`` is all of it as a silent film,
    and ``duration`` is how many seconds that lasts.
    """

    width: int
    height: int
    thumbhash: str
    renditions: tuple[Rendition, ...]
    loop: Rendition | None = None
    duration: float | None = None


class Role(enum.StrEnum):
    """What a decoder process is for: its limits and rights follow from it.

    A ``LOOP`` makes films of photos that move; it is a photo decoder that can encode them.

    A ``TRIAL`` is locked in like a photo decoder, tells how well, and has nothing to decode.
    """

    TRIAL = "trial"
    PHOTO = "photo"
    LOOP = "loop"
    VIDEO = "video"


def spare_cores() -> int:
    """All cores but one, and at least one: decoding never takes the whole machine."""
    return max(1, (os.cpu_count() or 1) - 1)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is refused before the first pixel is decoded."""

    pixels: int = 50_000_000
    """Pixels of a photo, of which an animation shows its first picture, or of a video's frame."""
    side: int = 16_383
    """Pixels along the longer side; no WebP has more."""
    frames: int = 1_000
    """Frames of a photo that moves."""
    animation_pixels: int = 500_000_000
    """Pixels of all frames of a photo that moves."""
    seconds: float = 3600
    """Duration of a video."""
    frame_rate: float = 240
    """Pictures per second of a video, on average; more than 60 are thinned out."""
    streams: int = 16
    """Tracks in a video file; phones write up to eight."""


class CodecSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the machine decoding may take, and where it may write."""

    scratch: Path
    """Folder for work in progress; best on the volume of the originals, which are then linked."""
    photo_slots: int = msgspec.field(default_factory=spare_cores)
    """Photos decoded at the same time, each on one core."""
    video_slots: int = 1
    """Videos transcoded at the same time, each on ``video_threads`` cores."""
    video_threads: int = msgspec.field(default_factory=spare_cores)
    """Cores that one transcoding may take."""
    niceness: int = 10
    """How far decoders step back behind everything else (0–19)."""
    jobs_per_worker: int = 50
    """A decoder process is replaced after this many files."""
    idle_seconds: float = 60
    """A decoder process that had nothing to do for this long ends."""
    photo_seconds: float = 60
    """Time for one photo before its decoder is killed."""
    video_seconds: float = 60
    """Time to find out what a video is; then ``video_factor`` × its duration on top."""
    video_factor: float = 20
    """Seconds of work granted per second of video."""
    photo_memory: int = 2 * GIB
    """Address space of a photo decoder, in bytes."""
    video_memory: int = 6 * GIB
    """Address space of a video decoder, in bytes; each of its processes for itself."""
    video_bytes: int = 4 * GIB
    """The largest file that a video decoder may write."""
    ffmpeg: Path | None = None
    """The program to convert videos with; ``None`` takes the one installed with Tintype."""
    limits: Limits = Limits()

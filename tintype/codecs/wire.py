"""What parent and decoder say to each other: one JSON object per line, over pipes.

The parent believes a decoder nothing that matters: file names follow from rung and format, sizes
and hashes are taken from the files themselves.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tintype.codecs.model import Format, Limits, PictureFormat, Role
from tintype.codecs.recipe import Recipe
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.sniff import Kind

ORIGINAL = "original"
LONGEST_LINE = 64 * 1024

RungName = Literal[
    "150",
    "240",
    "480",
    "640",
    "750",
    "1080",
    "1440",
    "plain",
    "loop",
    "download",
    "360p",
    "540p",
    "720p",
    "1080p",
    "av1-360p",
    "av1-540p",
    "av1-720p",
    "av1-1080p",
    "film",
    "audio",
    "sprite",
]


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """How a decoder process is set up, given on its command line."""

    role: Role
    incoming: str
    results: str
    memory: int
    file_bytes: int
    niceness: int
    ffmpeg: str | None = None


class PhotoJob(msgspec.Struct, frozen=True, tag="photo"):
    """Make the photo ladder of the original in the incoming folder, in these formats, by a recipe
    that changes something if there is one.
    """

    kind: Kind
    limits: Limits
    seconds: float
    formats: tuple[PictureFormat, ...]
    recipe: Recipe | None = None


class LoopJob(msgspec.Struct, frozen=True, tag="loop"):
    """Make a silent film of the photo that moves in the incoming folder."""

    kind: Kind
    limits: Limits
    seconds: float


class DownloadJob(msgspec.Struct, frozen=True, tag="download"):
    """Make a file of the original in the incoming folder that says nothing about its author."""

    kind: Kind
    limits: Limits
    seconds: float


class VideoJob(msgspec.Struct, frozen=True, tag="video"):
    """Make the original in the incoming folder playable; ``poster_at`` seconds shows it best."""

    kind: Kind
    limits: Limits
    seconds: float
    factor: float
    threads: int
    poster_at: float | None


class GrowJob(msgspec.Struct, frozen=True, tag="grow"):
    """Make more rungs of the original in the incoming folder, in H.264 or AV1."""

    kind: Kind
    limits: Limits
    seconds: float
    factor: float
    threads: int
    rungs: tuple[str, ...]
    codec: Literal["h264", "av1"]


class PosterJob(msgspec.Struct, frozen=True, tag="poster"):
    """Make the poster ladder of a moment of our own film in the incoming folder."""

    kind: Kind
    limits: Limits
    seconds: float
    factor: float
    threads: int
    at: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The decoder is locked in and waits for work."""

    level: SandboxLevel


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    """How long the video is, by its header: the decoder may have that much more time."""

    seconds: float


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How much of the film is encoded, in percent: never less than was told before."""

    percent: int


class Made(msgspec.Struct, frozen=True):
    """One verified file in the results folder."""

    rung: RungName
    format: Format
    width: int
    height: int

    @property
    def name(self) -> str:
        return f"{self.rung}.{'jpg' if self.format == 'jpeg' else self.format}"


class PhotoDone(msgspec.Struct, frozen=True, tag="photo-done"):
    width: int
    height: int
    thumbhash: str
    made: tuple[Made, ...]
    animated: bool = False


class LoopDone(msgspec.Struct, frozen=True, tag="loop-done"):
    """The film of a photo that moves, and its seconds; nothing of one that does not."""

    duration: float
    made: tuple[Made, ...]


class DownloadDone(msgspec.Struct, frozen=True, tag="download-done"):
    made: tuple[Made, ...]


class VideoDone(msgspec.Struct, frozen=True, tag="video-done"):
    """Made are the poster's pictures, the progressive film, tracks, their sound, and the sprite.

    ``rate`` is pictures per second of the fastest track.
    """

    width: int
    height: int
    duration: float
    thumbhash: str
    remuxed: bool
    rate: float
    made: tuple[Made, ...]


class VideoGrown(msgspec.Struct, frozen=True, tag="video-grown"):
    """Made are tracks."""

    rate: float
    made: tuple[Made, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The file is at fault."""

    code: str
    sentence: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The machine is at fault: a full disk, a missing program."""

    reason: str


FilmJob = VideoJob | GrowJob | PosterJob
Job = PhotoJob | LoopJob | DownloadJob | FilmJob
Done = PhotoDone | LoopDone | DownloadDone | VideoDone | VideoGrown
Message = Ready | Probed | Progress | Done | Refused | Failed

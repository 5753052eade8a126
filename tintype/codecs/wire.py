"""What parent and decoder say to each other: one JSON object per line, over pipes.

The parent believes a decoder nothing that matters: file names follow from rung and format, sizes
and hashes are taken from the files themselves.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tintype.codecs.model import Format, Limits, PictureFormat, Role
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.sniff import Kind

ORIGINAL = "original"
LONGEST_LINE = 64 * 1024

RungName = Literal["150", "240", "480", "640", "750", "1080", "1440", "720p"]


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
    """Make the photo ladder of the original in the incoming folder, in these formats."""

    kind: Kind
    limits: Limits
    seconds: float
    formats: tuple[PictureFormat, ...]


class VideoJob(msgspec.Struct, frozen=True, tag="video"):
    """Make the film and the poster ladder of the original in the incoming folder."""

    kind: Kind
    limits: Limits
    seconds: float
    factor: float
    threads: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The decoder is locked in and waits for work."""

    level: SandboxLevel


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    """How long the video is, by its header: the decoder may have that much more time."""

    seconds: float


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


class VideoDone(msgspec.Struct, frozen=True, tag="video-done"):
    width: int
    height: int
    duration: float
    thumbhash: str
    remuxed: bool
    made: tuple[Made, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The file is at fault."""

    code: str
    sentence: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The machine is at fault: a full disk, a missing program."""

    reason: str


Job = PhotoJob | VideoJob
Message = Ready | Probed | PhotoDone | VideoDone | Refused | Failed

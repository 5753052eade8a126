"""Photos and videos of strangers become renditions of ours, in locked-in child processes.

Plain functions over files: this package knows nothing of accounts, posts, databases or HTTP.
"""

from tintype.codecs.film_rungs import rungs_of
from tintype.codecs.head import check_head
from tintype.codecs.model import (
    CodecSettings,
    DecoderDied,
    Limits,
    PhotoResult,
    Rejected,
    Rendition,
)
from tintype.codecs.recipe import (
    LEAST_SIDE,
    LOOK_NAMES,
    SLIDERS,
    Crop,
    LookName,
    Recipe,
    follow,
)
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.service import Codecs
from tintype.codecs.sniff import HEAD_BYTES, Kind, sniff
from tintype.codecs.tracks import Track, VideoResult

__all__ = [
    "HEAD_BYTES",
    "LEAST_SIDE",
    "LOOK_NAMES",
    "SLIDERS",
    "CodecSettings",
    "Codecs",
    "Crop",
    "DecoderDied",
    "Kind",
    "Limits",
    "LookName",
    "PhotoResult",
    "Recipe",
    "Rejected",
    "Rendition",
    "SandboxLevel",
    "Track",
    "VideoResult",
    "check_head",
    "follow",
    "rungs_of",
    "sniff",
]

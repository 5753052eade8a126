"""Photos and videos of strangers become renditions of ours, in locked-in child processes.

Plain functions over files: this package knows nothing of accounts, posts, databases or HTTP.
"""

from tintype.codecs.head import check_head
from tintype.codecs.model import (
    CodecSettings,
    DecoderDied,
    Limits,
    PhotoResult,
    Rejected,
    Rendition,
    VideoResult,
)
from tintype.codecs.sandbox import SandboxLevel
from tintype.codecs.service import Codecs
from tintype.codecs.sniff import HEAD_BYTES, Kind, sniff

__all__ = [
    "HEAD_BYTES",
    "CodecSettings",
    "Codecs",
    "DecoderDied",
    "Kind",
    "Limits",
    "PhotoResult",
    "Rejected",
    "Rendition",
    "SandboxLevel",
    "VideoResult",
    "check_head",
    "sniff",
]

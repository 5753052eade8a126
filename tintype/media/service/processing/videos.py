"""The steps of videos."""

from __future__ import annotations

from pathlib import Path

from tintype.codecs import Codecs
from tintype.media.service.processing.shared import Outcome


async def make(codecs: Codecs, source: Path, out: Path) -> Outcome:
    """The film and the poster of ``source``, in the folder ``out``.

    Raises:
        Rejected: it will never be a video.
        DecoderDied: the machine is at fault.
    """
    result = await codecs.process_video(source, out)
    return Outcome(
        width=result.width,
        height=result.height,
        duration=result.duration,
        thumbhash=result.thumbhash,
        files=[*result.poster, *result.renditions],
    )

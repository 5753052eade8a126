"""The steps of photos."""

from __future__ import annotations

from pathlib import Path

from tintype.codecs import Codecs, Recipe
from tintype.media.service.processing.shared import Outcome


async def make(codecs: Codecs, source: Path, out: Path, recipe: Recipe) -> Outcome:
    """The photo ladder of ``source``, in the folder ``out``; with a film if it moves.

    Raises:
        Rejected: it will never be a photo.
        DecoderDied: the machine is at fault.
    """
    result = await codecs.process_photo(source, out, recipe=recipe)
    return Outcome(
        width=result.width,
        height=result.height,
        duration=result.duration,
        thumbhash=result.thumbhash,
        animated=result.loop is not None,
        files=[*result.renditions, *([result.loop] if result.loop else [])],
    )
